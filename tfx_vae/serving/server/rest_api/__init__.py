"""TensorFlow Serving's REST API: what it takes, what it gives and what it says when it refuses.

The wording of an error is TensorFlow Serving's own wherever it has one, so that a client sees the same from both servers. Where
a file follows one of its sources (github.com/tensorflow/serving), it names it.
"""
