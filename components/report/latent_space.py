"""The section about the latent space: projections, dimensions, and codes compared with the prior."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from components.artifacts.latent_map import PRIOR_PROBABILITIES, read_map
from components.models.latent_space import ACTIVE_VARIANCE, is_active, linear_path, spherical_path
from components.report.figures import beside_prior, kl_per_dimension, scatter
from components.report.findings import Codes, Findings, ReportedModel
from components.report.page import Block, Figure, Note, Section

Array = NDArray[np.float64]


Pixels = NDArray[np.float32]

_FEWEST_FOR_TSNE = 10

# Of Barnes and Hut's approximation. For 2,000 codes of MNIST 0.5 takes 15 CPU seconds, ends with a divergence of 1.365, and has
# the label of its neighbours for 92.5 % of the points; 0.8 takes 10.5, ends with 1.374, and has 93.0 %.
_ANGLE = 0.8


def principal_components(codes: NDArray[np.float32], shown: int) -> tuple[Array, Array]:
    """Projects codes onto the plane in which they vary most.

    Args:
      codes: [N, L]; the plane is fitted to all of them.
      shown: Number of codes to project, the first ones.

    Returns:
      Points [shown, 2], and the share of the variance along each axis, [2]. If the codes have one dimension, or there is only
      one code, the missing axes are 0.
    """
    axes = min(2, *codes.shape)
    fitted = PCA(n_components=axes, svd_solver="full").fit(codes.astype(np.float64))
    points, variance = np.zeros((min(shown, len(codes)), 2)), np.zeros(2)
    points[:, :axes] = fitted.transform(codes[:shown].astype(np.float64))
    variance[:axes] = np.nan_to_num(fitted.explained_variance_ratio_)
    return points, variance


def tsne(codes: NDArray[np.float32], seed: int) -> Array:
    """Points [N, 2] whose neighbours are those of the codes [N, L] (van der Maaten & Hinton, 2008); N is at least 5."""
    perplexity = min(30.0, (len(codes) - 1) / 3)
    # On a busy machine its threads mostly wait for each other: one thread takes a third of the CPU time.
    with threadpool_limits(1):
        return np.asarray(
            TSNE(init="pca", perplexity=perplexity, angle=_ANGLE, random_state=seed, n_jobs=1).fit_transform(
                codes.astype(np.float64)
            )
        )


def aggregate_posterior(codes: Codes, seed: int) -> Array:
    """One sample from the posterior of each image, [N, L]: together they are samples from the aggregate posterior.

    An autoencoder's codes are as they are.
    """
    mean = codes.mean.astype(np.float64)
    if codes.log_variance is None:
        return mean
    noise = np.random.default_rng(seed).standard_normal(mean.shape)
    return np.asarray(mean + np.exp(0.5 * codes.log_variance.astype(np.float64)) * noise)


def interpolate(model: ReportedModel, starts: Pixels, ends: Pixels, steps: int) -> tuple[Pixels, Pixels]:
    """Decodes codes on the straight line and on the arc between the codes of images.

    Args:
      model: The model that encodes and decodes.
      starts: [N, height, width, channels].
      ends: The same shape.
      steps: Number of images, including both ends.

    Returns:
      Linear and spherical interpolations, each [N, steps, height, width, channels].
    """
    first, last = (tf.constant(model.encode(images).mean) for images in (starts, ends))
    shape = (len(starts), steps, *model.image_shape)
    paths = [path(first, last, steps).numpy().reshape(-1, model.latent_dim) for path in (linear_path, spherical_path)]
    linear, spherical = (model.decode(codes).reshape(shape) for codes in paths)
    return linear, spherical


def manifold(model: ReportedModel, steps: int) -> Pixels:
    """Decodes a grid of codes over the range of the prior: Kingma & Welling, 2014, figure 4.

    Args:
      model: A model of latent size 2.
      steps: Number of images along each side.

    Returns:
      [steps, steps, height, width, channels]; the second coordinate increases upwards.
    """
    # Equal steps in the probability of each coordinate: more images where there are more codes.
    places = (np.arange(steps) + 0.5) / steps
    across, up = (np.interp(places, PRIOR_PROBABILITIES, quantiles) for quantiles in _prior_quantiles(model))
    plane = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2)
    return model.decode(plane).reshape(steps, steps, *model.image_shape)


def _prior_quantiles(model: ReportedModel) -> list[Sequence[float]]:
    """Of each dimension, in their order in the code; those of N(0, 1) for models of versions that had no other prior."""
    latent_map = read_map(model.directory)
    dimensions = sorted(latent_map.dimensions, key=lambda dimension: dimension.index) if latent_map else []
    known = [dimension.prior_quantiles for dimension in dimensions if dimension.prior_quantiles]
    return list(known) or [stats.norm.ppf(PRIOR_PROBABILITIES)] * model.latent_dim


def latent_section(findings: Findings) -> Section:
    """Projections of the codes, the KL divergence of each dimension, and the codes compared with the prior."""
    about = (
        "Training used no labels: if points of one colour form a cluster, the model found that their images are similar."
        if findings.test.labels is not None
        else "The images have no labels, so all points have one colour."
    )
    return Section(
        "latent-space",
        "Latent space",
        f"Each point is the code of a test image, in {findings.model.latent_dim} dimensions. {about}",
        # Notes about missing figures come last.
        sorted([*projections(findings), *_dimensions(findings), beside_prior_figure(findings)], key=_is_note),
    )


def projections(findings: Findings, prefix: str = "") -> list[Block]:
    """Both projections of the codes; `prefix` distinguishes the files of several models on one page."""
    mean, config = findings.codes.mean, findings.config
    shown = min(config.projected_images, len(mean))
    labels = None if findings.test.labels is None else findings.test.labels[:shown]
    points, variance = principal_components(mean, shown)
    blocks: list[Block] = [
        Figure(
            f"{prefix}latent-pca",
            scatter(
                points,
                labels,
                f"first component ({variance[0]:.0%} of the variance)",
                f"second component ({variance[1]:.0%})",
                name_of=findings.data.label_name,
            ),
            f"The codes of {shown:,} test images, in the plane in which they vary most (PCA). It shows "
            + (f"{variance.sum():.0%} of the variance" if variance.sum() < 0.995 else "all of the variance")
            + ("; points that overlap here may be apart in other dimensions." if variance.sum() < 0.995 else "."),
            "Points in the colours of their labels, in the plane of the first two principal components.",
        )
    ]
    if not config.tsne or shown < _FEWEST_FOR_TSNE:
        blocks.append(
            Note("t-SNE is left out: " + ("report.tsne is false." if not config.tsne else "there are too few images."))
        )
        return blocks
    blocks.append(
        Figure(
            f"{prefix}latent-tsne",
            scatter(
                tsne(mean[:shown], config.seed),
                labels,
                "t-SNE, first axis",
                "t-SNE, second axis",
                ticks=False,
                name_of=findings.data.label_name,
            ),
            "The same codes, arranged so that neighbours stay neighbours (t-SNE). Clusters are kinds of images that the codes "
            "distinguish; the distance between two clusters has little meaning.",
            "Points in the colours of their labels, arranged by t-SNE.",
        )
    )
    return blocks


def _dimensions(findings: Findings) -> list[Block]:
    divergences = findings.codes.kl_divergence()
    if divergences is None:
        return [Note("There is no KL divergence per dimension: an autoencoder's codes are points and have no divergence.")]
    active = is_active(findings.codes.mean.var(axis=0))
    per_dimension = divergences.mean(axis=0)
    return [
        Figure(
            "kl-per-dimension",
            kl_per_dimension(per_dimension, active),
            f"How much each dimension says about an image. {active.sum()} of {len(active)} dimensions are active: the variance "
            f"of their posterior mean over the images is above {ACTIVE_VARIANCE:g} (Burda et al., 2016). The sum is "
            f"{per_dimension.sum():.1f} nats. If many dimensions are inactive, a smaller latent space is enough; if all are "
            "inactive, the posterior has collapsed.",
            f"Bars: the KL divergence of each of {len(active)} dimensions, from {per_dimension.max():.2f} to "
            f"{per_dimension.min():.2f} nats.",
        )
    ]


def _is_note(block: Block) -> bool:
    return isinstance(block, Note)


def beside_prior_figure(findings: Findings, prefix: str = "") -> Block:
    """The distribution of the codes of test images, beside that of codes drawn from the prior."""
    latent_map = read_map(findings.model.directory)
    if latent_map is None or latent_map.prior_coordinates is None or latent_map.prior_lengths is None:
        return Note("The model was trained by an earlier version, which did not record how its prior is distributed.")
    caption = (
        "Codes of test images (blue) and codes drawn from the prior (red). Where the red line is above the blue bars, samples "
        "have codes that no image has, and may not look like images of the dataset."
    )
    is_random = findings.model.has_posterior
    if is_random:
        caption += (
            " The codes of images are drawn from their posteriors (the aggregate posterior). The dotted line is N(0, I), which "
            "is the prior in training unless model.prior is vamp."
        )
    codes = aggregate_posterior(findings.codes, findings.config.seed)
    return Figure(
        f"{prefix}beside-prior",
        beside_prior(codes, latent_map.prior_coordinates, latent_map.prior_lengths, is_random),
        caption,
        "Histograms of codes of images, and outlines of the same histograms of the prior's codes.",
    )
