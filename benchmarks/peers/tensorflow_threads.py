"""Sets the number of threads of TensorFlow and its log level."""

import os


def limit_threads(threads: int) -> None:
    """Sets both; call it before any other function of TensorFlow."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
