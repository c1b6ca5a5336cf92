"""What a model takes: the shape of its images, and how images of any size, orientation and transparency are brought to it.

Pure TensorFlow, because the exported signatures contain it. Training, evaluation, servers and commands all call
`prepare_images` or its second half, `fit_pixels`, so they give the encoder the same pixels for the same file. The first half
decodes as Pillow does, bit for bit: the other readers of image files use Pillow.
"""

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import tensorflow as tf
from pydantic import TypeAdapter, ValidationError

from components.artifacts.exif import orientation_of, turn_upright
from components.artifacts.features import Fit
from components.errors import DataError

MODEL_INPUT_FILE: Final = "model_input.json"
"""In the directory of the transform graph."""
EXPORTED_MODEL_INPUT_FILE: Final = f"assets.extra/{MODEL_INPUT_FILE}"
"""In the directory of the SavedModel."""

ImageShape = tuple[int, int, int]
Colour = tuple[int, int, int]

_JPEG: Final = 0xFF
# The signature, and the first chunk: its length and its type; then come width, height, bit depth and colour type.
_PNG_START: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_BIT_DEPTH: Final = len(_PNG_START) + 8
_PNG_COLOURS: Final = {1: 0, 3: 2}
# ITU-R 601-2 in units of 2^-16, as in Pillow.
_LUMA: Final = (19595, 38470, 7471)


@dataclass(frozen=True)
class ModelInput:
    """The shape that a model takes, and how images are brought to it.

    Attributes:
      shape: Height, width and channels: 1 for grey, 3 for red, green and blue.
      fit: What happens to an image of another aspect ratio.
      background: Red, green and blue, shown behind transparent pixels and beside an image that is padded.
    """

    shape: ImageShape
    fit: Fit = Fit.PAD
    background: Colour = (0, 0, 0)


def write_model_input(model_input: ModelInput, path: str) -> None:
    """Writes it as JSON; its directory is made."""
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(TypeAdapter(ModelInput).dump_json(model_input).decode())


def read_model_input(path: str) -> ModelInput | None:
    """What `write_model_input` wrote; None if there is no such file, as beside models of older versions.

    Raises:
      DataError: The file is cut short or corrupt.
    """
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        content = file.read()
    try:
        return TypeAdapter(ModelInput).validate_json(content)
    except ValidationError as error:
        raise DataError(f"{path} is cut short or corrupt: train the model again, or restore the file.") from error


def transformed_input(transform_graph: str) -> ModelInput:
    """What Transform brought the images to.

    Args:
      transform_graph: The directory of the graph.

    Raises:
      DataError: It does not say.
    """
    path = f"{transform_graph}/{MODEL_INPUT_FILE}"
    model_input = read_model_input(path)
    if model_input is None:
        raise DataError(f"There is no {path}: run Transform again, with --set runtime.cache=false.")
    return model_input


def prepare_images(encoded: tf.Tensor, model_input: ModelInput) -> tf.Tensor:
    """Decodes image files, and brings them to a model's shape.

    A JPEG is turned upright as its EXIF orientation says. Transparent pixels show the background. Colours become grey by their
    luma (ITU-R 601-2), grey is repeated for red, green and blue.

    Args:
      encoded: PNG, JPEG, GIF (the first frame) or BMP files, string [N].
      model_input: What the model takes.

    Returns:
      float32 [N, height, width, channels] in [0, 1].

    Raises:
      tf.errors.InvalidArgumentError: A string is not an image.
    """
    return _preparation(model_input)(encoded)


@functools.cache
def _preparation(model_input: ModelInput) -> tf.types.experimental.PolymorphicFunction:
    """Traced once: TensorFlow Transform traces `preprocessing_fn` eight times, and this was most of it."""
    shape = model_input.shape

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def prepare_all(encoded: tf.Tensor) -> tf.Tensor:
        def all_by(prepare: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[], tf.Tensor]:
            return lambda: tf.map_fn(prepare, encoded, fn_output_signature=tf.TensorSpec(shape, tf.uint8))

        # Most batches need nothing else than decoding, which alone takes half as long.
        decoded = tf.cond(
            tf.reduce_all(_is_ready(encoded, shape)),
            all_by(lambda image: tf.ensure_shape(tf.io.decode_png(image, channels=shape[-1]), shape)),
            all_by(lambda image: fit_pixels(decode_upright(image), model_input)),
        )
        # Not a division: some graph optimisers replace it by this product, others do not; the results differ in the last bit.
        return tf.cast(decoded, tf.float32) * (1.0 / 255.0)

    return prepare_all


@tf.autograph.experimental.do_not_convert
def fit_pixels(pixels: tf.Tensor, model_input: ModelInput) -> tf.Tensor:
    """Brings a decoded image to a model's shape.

    Args:
      pixels: Grey, grey and alpha, RGB or RGBA: uint8 [height, width, 1 to 4], any height and width.
      model_input: What the model takes.

    Returns:
      uint8 [height, width, channels] of the model.
    """
    height, width, channels = model_input.shape
    opaque = _lay_on_background(pixels, model_input.background)
    coloured = opaque if channels == 3 else _to_grey(opaque)
    background = tf.constant(model_input.background, tf.uint8)[tf.newaxis, tf.newaxis]
    fitted = _fit(coloured, model_input, background if channels == 3 else _to_grey(background))
    return tf.ensure_shape(fitted, (height, width, channels))


def _is_ready(encoded: tf.Tensor, shape: ImageShape) -> tf.Tensor:
    """Which files are PNG files of 8 bits, in a model's shape: bool [N]."""
    height, width, channels = shape
    header = _PNG_START + struct.pack(">IIBB", width, height, 8, _PNG_COLOURS[channels])
    head = tf.io.decode_raw(encoded, tf.uint8, fixed_length=len(header))
    return tf.reduce_all(tf.equal(head, tf.constant(list(header), tf.uint8)), axis=-1)


@tf.autograph.experimental.do_not_convert
def decode_upright(image: tf.Tensor) -> tf.Tensor:
    """Decodes an image file, and turns it upright.

    Args:
      image: A PNG, JPEG, GIF or BMP file, string scalar.

    Returns:
      Grey, grey and alpha, RGB or RGBA: uint8 [height, width, 1 to 4].

    Raises:
      tf.errors.InvalidArgumentError: It is not an image.
    """
    head = tf.io.decode_raw(image, tf.uint8, fixed_length=_BIT_DEPTH + 1)
    has_deep_pixels = tf.logical_and(tf.equal(head[0], _PNG_START[0]), tf.equal(head[_BIT_DEPTH], 16))
    return tf.cond(
        tf.equal(head[0], _JPEG),
        lambda: turn_upright(tf.io.decode_jpeg(image, dct_method="INTEGER_ACCURATE"), orientation_of(image)),
        lambda: tf.cond(
            has_deep_pixels,
            lambda: _to_eight_bits(tf.io.decode_png(image, dtype=tf.uint16)),
            lambda: tf.io.decode_image(image, expand_animations=False),
        ),
    )


def _to_eight_bits(pixels: tf.Tensor) -> tf.Tensor:
    return tf.cast((tf.cast(pixels, tf.int32) + 128) // 257, tf.uint8)


def _lay_on_background(pixels: tf.Tensor, background: Colour) -> tf.Tensor:
    """Grey or colours, with alpha or not, to opaque RGB; as Pillow rounds it."""
    size = tf.shape(pixels)
    has_alpha = tf.equal(size[2] % 2, 0)
    colour_channels = size[2] - tf.cast(has_alpha, tf.int32)
    colours = tf.broadcast_to(pixels[..., :colour_channels], [size[0], size[1], 3])

    def blend() -> tf.Tensor:
        # At most 255 * 255 + 128 + 254, which 16 bits hold.
        alpha = tf.cast(pixels[..., colour_channels:], tf.uint16)
        behind = tf.constant(background, tf.uint16)
        mixed = tf.cast(colours, tf.uint16) * alpha + behind * (255 - alpha) + 128
        eight = tf.constant(8, tf.uint16)
        return tf.cast(tf.bitwise.right_shift(mixed + tf.bitwise.right_shift(mixed, eight), eight), tf.uint8)

    return tf.cond(has_alpha, blend, lambda: colours)


def _to_grey(colours: tf.Tensor) -> tf.Tensor:
    weighted = tf.reduce_sum(tf.cast(colours, tf.int32) * _LUMA, axis=-1, keepdims=True)
    return tf.cast((weighted + 2**15) // 2**16, tf.uint8)


def _fit(pixels: tf.Tensor, model_input: ModelInput, background: tf.Tensor) -> tf.Tensor:
    height, width, _ = model_input.shape
    size = tf.shape(pixels)[:2]
    ratio = tf.constant([height, width], tf.float64) / tf.cast(size, tf.float64)
    # Not `match`: AutoGraph does not know it.
    if model_input.fit is Fit.STRETCH:
        return _resize(pixels, [height, width])
    if model_input.fit is Fit.CROP:
        # Cropped first: a long thin image would become too large if it was enlarged first.
        box = tf.minimum(size, _whole([height, width] / tf.reduce_max(ratio)))
        first = (size - box) // 2
        return _resize(pixels[first[0] : first[0] + box[0], first[1] : first[1] + box[1]], [height, width])
    inside = _resize(pixels, _whole(tf.cast(size, tf.float64) * tf.reduce_min(ratio)))
    # Not tf.image.resize_with_crop_or_pad: its graph differs from one call to the next, and analyzer_cache would never be used.
    room = tf.constant([height, width]) - tf.shape(inside)[:2]
    before = room // 2
    paddings = tf.concat([tf.stack([before, room - before], axis=1), [[0, 0]]], axis=0)
    # It pads with zeros.
    padded = tf.pad(tf.cast(inside, tf.int32) - tf.cast(background, tf.int32), paddings) + tf.cast(background, tf.int32)
    return tf.cast(padded, tf.uint8)


def _whole(size: tf.Tensor) -> tf.Tensor:
    return tf.maximum(tf.cast(tf.round(size), tf.int32), 1)


def _resize(pixels: tf.Tensor, size: tf.Tensor | list[int]) -> tf.Tensor:
    return tf.cast(tf.round(tf.image.resize(pixels, size, antialias=True)), tf.uint8)
