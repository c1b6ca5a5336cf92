"""What is computed from codes: projections, draws from the aggregate posterior, ways from one code to another."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from components.models.latent_space import linear_path, spherical_path
from components.models.prior import fit_gaussian
from components.report.model import Codes, ReportedModel

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]


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
