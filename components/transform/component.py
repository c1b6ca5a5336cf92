"""The stock Transform with this project's preprocessing of images."""

from collections.abc import Sequence

from tfx import types
from tfx.components.transform import component
from tfx.dsl.components.base import executor_spec

from components.artifacts.features import Fit
from components.source_digest import source_digest
from components.transform.config import Normalization
from components.transform.executor import Executor


class ImageTransform(component.Transform):
    """Transform with this project's `preprocessing_fn`.

    Its cache key holds a digest of the code, which TFX does not see behind the dotted name of a `preprocessing_fn`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        normalization: Normalization,
        image_shape: Sequence[int] | None = None,
        fit: Fit | None = None,
        background: tuple[int, int, int] = (0, 0, 0),
        analyzer_cache: types.BaseChannel | None = None,
    ) -> None:
        """Constructs the component.

        Args:
          examples: Raw examples with `image` and, optionally, `label`. `train` is analysed, every split is transformed.
          schema: The schema of these examples.
          normalization: The range of the pixels.
          image_shape: Height, width and channels of every transformed image; None takes those of the first training image.
          fit: What happens to an image of another aspect ratio; None pads those that a client sends.
          background: Red, green and blue, shown behind transparent pixels and beside an image that is padded.
          analyzer_cache: What an earlier Transform computed about spans that are still among the examples.
        """
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn="components.transform.executor.preprocessing_fn",
            analyzer_cache=analyzer_cache,
            disable_statistics=True,
            custom_config={
                "normalization": normalization.value,
                "image_shape": None if image_shape is None else list(image_shape),
                "fit": (fit or Fit.PAD).value,
                "background": list(background),
                "source_digest": source_digest(Executor.__module__),
            },
        )
