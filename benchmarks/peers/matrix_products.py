"""The maximum speed of this machine: products of large square matrices, in operations."""

from contest import answer_epochs, contestant
from tensorflow_threads import limit_threads

SIZE = 2048
PRODUCTS = 8


def main() -> None:
    """Runs the epochs."""
    arguments = contestant("--bfloat16")
    limit_threads(arguments.threads)
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal((SIZE, SIZE)), tf.bfloat16 if arguments.bfloat16 else tf.float32)

    def epoch() -> int:
        for _ in range(PRODUCTS):
            tf.linalg.matmul(matrix, matrix).numpy()
        return PRODUCTS * 2 * SIZE**3

    answer_epochs(epoch)


if __name__ == "__main__":
    main()
