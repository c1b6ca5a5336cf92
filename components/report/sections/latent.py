"""Where images lie in the latent space."""

from components.models.latent_space import ACTIVE_VARIANCE
from components.report.figures.latent_dimensions import beside_prior, kl_per_dimension
from components.report.figures.scatter import scatter
from components.report.findings import Findings
from components.report.latent_space import aggregate_posterior, principal_components, tsne
from components.report.page import Block, Figure, Note, Section

_FEWEST_FOR_TSNE = 10


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
