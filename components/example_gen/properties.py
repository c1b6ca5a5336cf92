"""The execution properties of TfdsExampleGen: what the component is given, and what the driver finds out."""

from typing import Final

DATASET: Final = "dataset"
VERSION: Final = "version"
"""As asked for; the driver replaces it with the version that is read."""
DIRECTORY: Final = "directory"
DATA_DIR: Final = "data_dir"
MANUAL_DIR: Final = "manual_dir"
IMAGE_FEATURE: Final = "image_feature"
LABEL_FEATURE: Final = "label_feature"
SPLITS: Final = "splits"
"""JSON: the pipeline's name of each split to its expression."""
SHARDS: Final = "shards"

PREPARED_DIRECTORY: Final = "prepared_directory"
"""From the driver: where the prepared dataset lies."""
CONTENT_DIGEST: Final = "content_digest"
"""From the driver: what the records of the splits are."""
SOURCE_DIGEST: Final = "source_digest"
"""From the driver: what the code of this component is."""

DATASET_VERSION: Final = "dataset_version"
"""Custom property of the output artifact; `version` is the stock ExampleGen's, an integer."""
IMAGE_SHAPE: Final = "image_shape"
"""Custom property of the output artifact, JSON: [height, width, channels], null where images differ."""
