"""What the dimensions of the latent space carry, and how its codes lie beside the prior."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy import stats

from components.report.figures.style import BLUE, GREY, RED, WIDTH, figure


@figure
def kl_per_dimension(canvas: Figure, divergences: NDArray[np.float64], active: NDArray[np.bool_]) -> None:
    """Draws the KL divergence of each dimension, the largest first.

    Args:
      canvas: Where to draw.
      divergences: Nats per image of each dimension, [L].
      active: Whether its posterior mean varies with the image, [L].
    """
    canvas.set_size_inches(WIDTH, 3.4)
    axes: Any = canvas.add_subplot()
    order = np.argsort(-divergences, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    for name, members, colour in (("active", active[order], BLUE), ("inactive", ~active[order], GREY)):
        if members.any():
            axes.bar(ranks[members], divergences[order][members], color=colour, label=f"{name} ({members.sum()})", width=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.3, len(order) + 0.7)
    axes.set_xlabel("latent dimension, the largest first")
    axes.set_ylabel("KL divergence [nats]")
    canvas.legend(loc="outside upper center", ncols=2)


@figure
def beside_prior(canvas: Figure, codes: NDArray[np.float64], prior: str) -> None:
    """Draws how codes are distributed beside the standard normal distribution.

    Args:
      canvas: Where to draw.
      codes: Draws from the aggregate posterior, [N, L].
      prior: What the standard normal distribution is here.
    """
    canvas.set_size_inches(WIDTH, 3.4)
    latent_dim = codes.shape[1]
    values, lengths = canvas.subplots(1, 2)
    _density(values, codes.ravel(), stats.norm(), (-4.0, 4.0), f"value of a coordinate ({latent_dim} pooled)")
    norms = np.linalg.norm(codes, axis=1)
    chi = stats.chi(latent_dim)
    highest = max(chi.ppf(0.9999), np.quantile(norms, 0.999))
    lowest = max(0.0, min(chi.ppf(0.0001), np.quantile(norms, 0.001)) - 0.05 * highest)
    _density(lengths, norms, chi, (lowest, highest), "length of a code")
    values.set_ylabel("density")
    handles, names = values.get_legend_handles_labels()
    canvas.legend([*handles, *values.lines], [*names, prior], loc="outside upper center", ncols=2)


def _density(axes: Any, values: NDArray[np.float64], distribution: Any, limits: tuple[float, float], name: str) -> None:
    # Not `density=True`, which would hide that some are beyond the limits.
    bins = int(np.clip(len(values) / 25, 10, 60))
    each = np.full(len(values), bins / (limits[1] - limits[0]) / len(values))
    axes.hist(values, bins=bins, range=limits, weights=each, color=BLUE, alpha=0.55, label="codes of test images")
    places = np.linspace(*limits, 300)
    axes.plot(places, distribution.pdf(places), color=RED, linewidth=2)
    axes.set_xlabel(name)
    axes.set_xlim(limits)
    axes.yaxis.set_major_locator(MaxNLocator(4))
