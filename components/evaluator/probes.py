"""How much of an image's label can be told from its code."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

_NEIGHBOURS = 5
_ITERATIONS = 1000


def linear_probe_accuracy(codes: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of labels that a linear classifier tells from codes (Alain & Bengio, 2017).

    Multinomial logistic regression on standardised codes, fitted to the first half and judged by the second.

    Args:
      codes: [N, L].
      labels: [N].

    Returns:
      In [0, 1]; NaN if the first half has less than two labels.
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))
    return _accuracy(classifier, codes, labels)


def nearest_neighbours_accuracy(codes: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of labels that the 5 nearest codes tell: codes of the second half among those of the first.

    Args and result as for `linear_probe_accuracy`.
    """
    half = len(codes) // 2
    return _accuracy(KNeighborsClassifier(max(1, min(_NEIGHBOURS, half)), algorithm="brute"), codes, labels)


def _accuracy(
    classifier: LogisticRegression | KNeighborsClassifier, codes: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    half = len(codes) // 2
    if len(np.unique(labels[:half])) < 2:
        return float("nan")
    return float(classifier.fit(codes[:half], labels[:half]).score(codes[half:], labels[half:]))
