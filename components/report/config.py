"""What the report shows, and how much of the test split it looks at."""

from pydantic import Field, PositiveInt

from components.settings import Section


class ReportConfig(Section):
    """Switches and sample sizes of the report."""

    enabled: bool = True
    """Make a report in every run, even if the model is not blessed."""

    test_images: PositiveInt = 10_000
    """Most test images that are searched for the best and the worst, and whose codes are drawn."""

    projected_images: int = Field(default=2_000, ge=10)
    """Most points in the pictures of the latent space."""

    tsne: bool = True
    """Also draw the t-SNE projection, the slowest part of the report."""

    interpolation_labels: tuple[tuple[int, int], ...] = ((2, 6), (1, 7), (3, 8), (4, 9))
    """Pairs of labels to interpolate between; other images are taken if one of them has no image, or there are no labels."""

    interpolation_steps: int = Field(default=9, ge=2, le=30)
    """Images per interpolation, both ends included."""

    samples: PositiveInt = 100
    """Images drawn from the prior."""

    manifold_steps: int = Field(default=20, ge=2, le=50)
    """Images along each side of the manifold, which is drawn if the latent size is 2."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Determines samples and projections: two reports on the same model have identical figures."""
