"""What the report shows, and how much of the test split it reads."""

from pydantic import Field, PositiveInt

from components.settings import Section


class ReportConfig(Section):
    """Switches and sample sizes of the report."""

    enabled: bool = True
    """Make a report in every run, even if the model is not blessed."""

    test_images: PositiveInt = 10_000
    """Maximum number of test images that are encoded and searched for the best and the worst reconstructions."""

    projected_images: int = Field(default=2_000, ge=10)
    """Maximum number of points in the figures of the latent space."""

    tsne: bool = True
    """Also draw the t-SNE projection, the slowest part of the report."""

    interpolation_labels: tuple[tuple[int, int], ...] = ((2, 6), (1, 7), (3, 8), (4, 9))
    """Pairs of labels to interpolate between. If a label has no image, or there are no labels, other images are used."""

    interpolation_steps: int = Field(default=9, ge=2, le=30)
    """Number of images per interpolation, including both ends."""

    samples: PositiveInt = 100
    """Number of samples from the prior."""

    manifold_steps: int = Field(default=20, ge=2, le=50)
    """Number of images along each side of the manifold; it is drawn if the latent size is 2."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of samples and projections: two reports on the same model have identical figures."""
