"""The section of the latent space: projections, dimensions, and codes beside the prior."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from components.models.latent_space import ACTIVE_VARIANCE, linear_path, spherical_path
from components.models.prior import fit_gaussian
from components.report.figures import beside_prior, kl_per_dimension, scatter
from components.report.findings import Codes, Findings, ReportedModel
from components.report.page import Block, Figure, Note, Section

Array = NDArray[np.float64]


Pixels = NDArray[np.float32]

_FEWEST_FOR_TSNE = 10


def principal_components(codes: NDArray[np.float32], shown: int) -> tuple[Array, Array]:
    """The plane in which codes vary most.

    Args:
      codes: [N, L], to which the plane is fitted.
      shown: How many of them to project, the first ones.

    Returns:
      Points [shown, 2]; the part of all variance that each axis has, [2]. Of codes of one dimension, or a single code, the
      other axis is 0.
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
    # On a machine with anything else to do, its threads mostly wait for each other: one takes a third of the CPU time.
    with threadpool_limits(1):
        return np.asarray(
            TSNE(init="pca", perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(codes.astype(np.float64))
        )


def aggregate_posterior(codes: Codes, seed: int) -> Array:
    """One draw from the posterior of each image, [N, L]: together they are draws from the aggregate posterior.

    The codes of an autoencoder, which has no prior, are brought to the scale of one: mean 0 and covariance 1 over the codes.
    """
    mean = codes.mean.astype(np.float64)
    if codes.log_variance is not None:
        noise = np.random.default_rng(seed).standard_normal(mean.shape)
        return mean + np.exp(0.5 * codes.log_variance.astype(np.float64)) * noise
    fit = fit_gaussian(mean)
    # Not an inverse: a dimension that never changes has no scale.
    return np.asarray((mean - fit.mean) @ np.linalg.pinv(fit.cholesky.astype(np.float64)).T)


def interpolate(model: ReportedModel, starts: Pixels, ends: Pixels, steps: int) -> tuple[Pixels, Pixels]:
    """Images on the straight line and on the arc between the codes of images.

    Args:
      model: Encodes and decodes.
      starts: [N, height, width, channels].
      ends: Likewise.
      steps: How many images, both ends included.

    Returns:
      Linear and spherical, each [N, steps, height, width, channels].
    """
    first, last = (tf.constant(model.encode(images).mean) for images in (starts, ends))
    shape = (len(starts), steps, *model.image_shape)
    paths = [path(first, last, steps).numpy().reshape(-1, model.latent_dim) for path in (linear_path, spherical_path)]
    linear, spherical = (model.decode(codes).reshape(shape) for codes in paths)
    return linear, spherical


def manifold(model: ReportedModel, codes: Codes, steps: int) -> Pixels:
    """What the decoder makes of a plane of codes: Kingma & Welling, 2014, figure 4.

    Args:
      model: Of latent size 2.
      codes: Of an autoencoder, whose plane is spread by the Gaussian that fits its codes; a VAE's by its prior.
      steps: Images along each side.

    Returns:
      [steps, steps, height, width, channels]; the second coordinate grows upwards.
    """
    # Equal steps in probability: more images where more codes are.
    places = stats.norm.ppf((np.arange(steps) + 0.5) / steps)
    plane = np.stack(np.meshgrid(places, places[::-1]), axis=-1).reshape(-1, 2)
    if codes.log_variance is None:
        fit = fit_gaussian(codes.mean)
        plane = plane @ fit.cholesky.astype(np.float64).T + fit.mean
    return model.decode(plane).reshape(steps, steps, *model.image_shape)


def latent_section(findings: Findings) -> Section:
    """Projections of the codes, what each dimension carries, and how the codes lie beside the prior."""
    about = (
        "No label was used in training, so where points of one colour lie together, the model found out that they are alike."
        if findings.test.labels is not None
        else "There are no labels to colour it by."
    )
    return Section(
        "latent-space",
        "Latent space",
        f"Each test image is a point in {findings.model.latent_dim} dimensions: its code. {about}",
        # What is left out is said below what is there.
        sorted([*projections(findings), *_dimensions(findings), beside_prior_figure(findings)], key=_is_note),
    )


def projections(findings: Findings, prefix: str = "") -> list[Block]:
    """Both projections of the codes; `prefix` tells files apart where one page has those of several models."""
    mean, config = findings.codes.mean, findings.config
    shown = min(config.projected_images, len(mean))
    labels = None if findings.test.labels is None else findings.test.labels[:shown]
    points, variance = principal_components(mean, shown)
    blocks: list[Block] = [
        Figure(
            f"{prefix}latent-pca",
            scatter(
                points, labels, f"first component ({variance[0]:.0%} of the variance)", f"second component ({variance[1]:.0%})"
            ),
            f"The codes of {shown:,} test images, in the plane in which they vary most (PCA). It shows "
            + (f"{variance.sum():.0%} of all variance" if variance.sum() < 0.995 else "all of it")
            + ("; what overlaps here may be apart in other dimensions." if variance.sum() < 0.995 else "."),
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
            scatter(tsne(mean[:shown], config.seed), labels, "t-SNE, first axis", "t-SNE, second axis", ticks=False),
            "The same codes, laid out so that neighbours stay neighbours (t-SNE). Clusters are kinds of images that the codes "
            "tell apart; the distance between two clusters means little.",
            "Points in the colours of their labels, laid out by t-SNE.",
        )
    )
    return blocks


def _dimensions(findings: Findings) -> list[Block]:
    divergences = findings.codes.kl_divergence()
    if divergences is None:
        return [Note("KL divergence per dimension is left out: an autoencoder's codes are points and have no divergence.")]
    active = findings.codes.mean.var(axis=0) > ACTIVE_VARIANCE
    per_dimension = divergences.mean(axis=0)
    return [
        Figure(
            "kl-per-dimension",
            kl_per_dimension(per_dimension, active),
            f"What each dimension says about an image: {active.sum()} of {len(active)} are active (their "
            "posterior mean varies by "
            f"more than {ACTIVE_VARIANCE:g} over the images; Burda et al., 2016). Together {per_dimension.sum():.1f} nats. "
            "Many inactive dimensions mean that fewer would do; all inactive, that the posterior has collapsed.",
            f"Bars: the KL divergence of each of {len(active)} dimensions, from {per_dimension.max():.2f} to "
            f"{per_dimension.min():.2f} nats.",
        )
    ]


def _is_note(block: Block) -> bool:
    return isinstance(block, Note)


def beside_prior_figure(findings: Findings, prefix: str = "") -> Figure:
    """How the codes of test images are distributed beside the prior."""
    draws = aggregate_posterior(findings.codes, findings.config.seed)
    name = "prior" if findings.model.has_posterior else "fitted Gaussian"
    if findings.model.has_posterior:
        caption = (
            "Codes drawn from the posteriors of test images (the aggregate posterior) beside the prior from "
            "which samples are drawn. "
            "Where the blue is not under the red line, samples come from places that no image has, and look like none."
        )
    else:
        caption = (
            "An autoencoder has no prior. Its samples are drawn from a Gaussian fitted to its codes, so these "
            "are shown in that "
            "Gaussian's own coordinates. Where the blue is not under the red line, the codes are not Gaussian, "
            "and samples come "
            "from places that no image has."
        )
    return Figure(
        f"{prefix}beside-prior", beside_prior(draws, name), caption, "Histograms of codes beside the prior's density."
    )
