"""What the report shows, and how much of the test split it looks at."""

from pydantic import Field, PositiveInt

from components.settings import Section


class ReportConfig(Section):
    """Switches and sample sizes of the report."""

    enabled: bool = True
    """Make a report in every run, also of a model that is not blessed."""

    test_images: PositiveInt = 10_000
    """Test images to look at, at most: the best and the worst are found among them, and their codes are drawn."""

    projected_images: int = Field(default=2_000, ge=10)
    """Points in the pictures of the latent space, at most."""

    tsne: bool = True
    """Draw the t-SNE projection too, the slowest part of the report."""

    interpolation_labels: tuple[tuple[int, int], ...] = ((2, 6), (1, 7), (3, 8), (4, 9))
    """Pairs of labels to interpolate between; where one of them has no image, or without labels, other images are taken."""

    interpolation_steps: int = Field(default=9, ge=2, le=30)
    """Images on the way from one end to the other, both included."""

    samples: PositiveInt = 100
    """Images drawn from the prior."""

    manifold_steps: int = Field(default=20, ge=2, le=50)
    """Images along each side of the manifold, which is drawn where the latent size is 2."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Fixes samples and projections: two reports on the same model have identical figures."""
