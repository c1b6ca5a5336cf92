"""How like its reconstruction an image is to the eye."""

import tensorflow as tf

_WINDOW = 11


def structural_similarity(pixels: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """The mean structural similarity of each pair of images.

    Wang et al., 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", equation 13, with means,
    variances and the covariance in Gaussian windows of 11 by 11 pixels, or what fits into a smaller image:

        SSIM = (2 m_x m_y + c_1) (2 s_xy + c_2) / ((m_x^2 + m_y^2 + c_1) (s_x^2 + s_y^2 + c_2))

    Args:
      pixels: float32 [N, height, width, channels] in [0, 1].
      images: of the same shape and range.

    Returns:
      float32 [N], without unit: 1 for the same images, at most 1.
    """
    smallest_side = min(pixels.shape[1:3])
    # An even window has no centre.
    window = min(_WINDOW, smallest_side - 1 + smallest_side % 2)
    return tf.image.ssim(pixels, images, max_val=1.0, filter_size=window)
