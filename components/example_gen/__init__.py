"""TfdsExampleGen: images from tensorflow-datasets into a pipeline."""
