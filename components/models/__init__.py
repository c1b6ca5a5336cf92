"""The mathematics: models, distributions and objectives. Imports TensorFlow and Keras only: never tfx, never beam."""
