"""Two-sample tests: how much two samples differ, and how likely they would differ as much by chance.

Every function returns a statistic, which says how large the difference is, and a p-value. Of many images everything is
significant, and of few a large difference is chance, so both matter.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

_LEAST_EXPECTED: Final = 5
"""Below it, counts do not follow the chi-squared distribution."""
_AT_ONCE: Final = 500
"""Permutations."""
_ENOUGH: Final = 10
"""Permutations with at least as large a difference: then it is chance, and more permutations would say the same (Besag &
Clifford, 1991)."""
_EXACT: Final = 100
"""Images on a side, up to which the exact distribution is needed, and quick."""


class Difference(NamedTuple):
    """How two samples differ.

    Attributes:
      statistic: How much; 0 is not at all.
      p_value: The probability of at least as much by chance.
    """

    statistic: float
    p_value: float


_NONE: Final = Difference(0.0, 1.0)


def of_distributions(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """The largest difference of two distribution functions, 0 to 1: the two-sample Kolmogorov-Smirnov test.

    Args:
      first: [N].
      second: [M].
    """
    found = stats.ks_2samp(first, second, method="exact" if max(len(first), len(second)) <= _EXACT else "asymp")
    return Difference(float(found.statistic), float(found.pvalue))


def of_shares(first: int, of_first: int, second: int, of_second: int) -> Difference:
    """The difference of two shares, by Fisher's exact test."""
    table = [[first, of_first - first], [second, of_second - second]]
    return Difference(abs(first / of_first - second / of_second), float(stats.fisher_exact(table).pvalue))


def of_counts(first: Mapping[int, int], second: Mapping[int, int]) -> Difference:
    """The largest difference of the share of a label, as TFDV's comparator for drift measures it, by the chi-squared test.

    Args:
      first: How often each label occurs.
      second: The same for the other sample.
    """
    labels = sorted({*first, *second})
    counts = np.array([[sample.get(label, 0) for label in labels] for sample in (first, second)], np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    if len(labels) < 2 or not totals.all():
        return _NONE
    # Rare labels are counted together.
    expected = counts.sum(axis=0) * totals.min() / totals.sum()
    rare = expected < _LEAST_EXPECTED
    tested = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)]) if rare.any() else counts
    p_value = stats.chi2_contingency(tested).pvalue if tested.shape[1] > 1 else 1.0
    shares = counts / totals
    return Difference(float(np.abs(shares[0] - shares[1]).max()), float(p_value))


def of_codes(first: NDArray[np.float64], second: NDArray[np.float64], permutations: int, seed: int = 0) -> Difference:
    """The squared maximum mean discrepancy, unbiased, by a permutation test (Gretton et al., 2012, lemma 6).

    The kernel is Gaussian, and its width the median distance of all codes. In the units of the kernel the statistic is at most
    2, and can be a little below 0 by chance.

    Args:
      first: [N, L], N above 1.
      second: [M, L], M above 1.
      permutations: How often the codes are dealt anew to the two samples, at most.
      seed: Of these.
    """
    codes = np.concatenate([first, second])
    squared = distance.pdist(codes, "sqeuclidean")
    width = float(np.median(squared))
    if width == 0.0:
        return _NONE
    kernel = distance.squareform(np.exp(-squared / (2 * width)).astype(np.float32))  # 0 in the diagonal
    members = np.repeat(np.array([1.0, 0.0], np.float32), [len(first), len(second)])
    [found] = _discrepancies(kernel, members[:, np.newaxis])
    random = np.random.default_rng(seed)
    dealt = as_extreme = 0
    while dealt < permutations and as_extreme < _ENOUGH:
        count = min(_AT_ONCE, permutations - dealt)
        anew = random.permuted(np.tile(members, (count, 1)), axis=1)
        # A rounding error must not make the same deal look less extreme.
        as_extreme += int((_discrepancies(kernel, anew.T) >= found - 1e-7).sum())
        dealt += count
    return Difference(float(found), (1 + as_extreme) / (1 + dealt))


def _discrepancies(kernel: NDArray[np.float32], members: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each column of `members`, which says what is in the first sample."""
    n = float(members[:, 0].sum())
    m = len(kernel) - n
    inside = np.einsum("ij,ij->j", members, kernel @ members).astype(np.float64)
    rows = kernel.sum(axis=1, dtype=np.float64)
    from_first = rows @ members
    across = from_first - inside
    outside = rows.sum() - from_first - across
    return np.asarray(inside / (n * (n - 1)) + outside / (m * (m - 1)) - 2 * across / (n * m))
