"""What the page at `/` has to know of the model; all else it asks through TensorFlow Serving's REST API."""

from components.artifacts.latent_map import read_map
from components.artifacts.loaded_model import LoadedModel
from components.errors import DataError


def describe(model: LoadedModel, name: str, version: int) -> dict[str, object]:
    """What `/page/model.json` holds.

    Args:
      model: What is served.
      name: Under which it is served.
      version: Of the model.

    Returns:
      `name` and `version`; `image_shape`: height, width and channels; `latent_dim`; `has_posterior`: whether codes are
      distributions, as a VAE's are; `latent_map`: the fields of `LatentMap`, or None; `latent_map_missing`: a sentence that
      says why there is none, or None.
    """
    try:
        latent_map, missing = read_map(model.directory), None
    except DataError as error:
        latent_map, missing = None, str(error)
    if latent_map is None and missing is None:
        missing = "This model was exported without a latent map: train and push again to see one."
    return {
        "name": name,
        "version": version,
        "image_shape": model.image_shape,
        "latent_dim": model.latent_dim,
        "has_posterior": model.has_posterior,
        "latent_map": None if latent_map is None else latent_map.model_dump(),
        "latent_map_missing": missing,
    }
