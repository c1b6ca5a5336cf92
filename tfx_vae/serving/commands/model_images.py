"""What the commands share between a model and the images that it is shown."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import GENERATE
from tfx_vae.serving.commands.options import ImageChoice, Preparation
from tfx_vae.serving.image_batches import ImageBatches, ImageFile, stacked
from tfx_vae.serving.image_files import find_images
from tfx_vae.serving.images import Pixels, Target, edge_brightness, encode_png

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel

BATCH: Final = 256
_DRAWN: Final = 64


def open_images(choice: ImageChoice) -> ImageBatches:
    """The images that a command was given.

    Raises:
      ConfigurationError: One is not there.
      DataError: One of the first cannot be read.
    """
    return ImageBatches(find_images(choice.paths), choice.skip_unreadable)


def target_of(model: "LoadedModel", preparation: Preparation) -> Target:
    """What images are brought to for a model."""
    return Target(*model.image_shape, **preparation._asdict(), usual_edge=_edge_of(model))


def pixels_of(files: list[ImageFile]) -> Any:
    """What signatures take that are called with pixels: float32 [N, height, width, channels] in [0, 1]."""
    return stacked(files).astype(np.float32) / 255


def examples_of(images: Iterable[Pixels]) -> list[bytes]:
    """What signatures take that are called with examples: serialized tf.Examples.

    Their images are PNG files whose bytes depend on the pixels alone: from the bytes the model draws the noise of a score.
    """
    import tensorflow as tf

    examples = []
    for pixels in images:
        example = tf.train.Example()
        example.features.feature[IMAGE].bytes_list.value.append(encode_png(pixels, compressed=False))
        examples.append(example.SerializeToString())
    return examples


def _edge_of(model: "LoadedModel") -> float:
    """Brightness in [0, 1] at the edge of what the model draws by itself."""
    if GENERATE not in model.signatures:
        return 0.5
    return edge_brightness(model.call(GENERATE, count=_DRAWN, seed=[0, 0])[IMAGE])
