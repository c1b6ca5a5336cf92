"""How far codes are from the standard normal."""

import tensorflow as tf

# Rows of the N x N matrix of kernel values that are in memory at once.
_ROWS = 500


def maximum_mean_discrepancy(codes: tf.Tensor) -> float:
    """The squared maximum mean discrepancy between codes and the standard normal.

    Gretton et al., 2012, "A Kernel Two-Sample Test", equation 3, with the Gaussian kernel k(x, y) = exp(-|x - y|^2 / (2 L)),
    whose width is that of a code's distance from another one. For this kernel the two terms with the prior are known in
    closed form (Henze & Zirkler, 1990), so that no sample of the prior is needed:

        MMD^2 = mean over i != j of k(z_i, z_j)  -  2 mean over i of E_y[k(z_i, y)]  +  E_yy'[k(y, y')],   y, y' ~ N(0, I)

    Takes time that grows with the square of N, and memory that grows with N.

    Args:
      codes: [N, L], at least two.

    Returns:
      A number without unit: 0 in expectation for codes drawn from the prior, and then as often below as above; at most 1.
    """
    codes = tf.cast(codes, tf.float64)
    count, latent_dim = codes.shape
    squared_width = float(latent_dim)
    squared_norms = tf.reduce_sum(tf.square(codes), axis=1)
    total = 0.0
    for start in range(0, count, _ROWS):
        block = slice(start, start + _ROWS)
        products = tf.matmul(codes[block], codes, transpose_b=True)
        squared_distances = squared_norms[block, tf.newaxis] - 2.0 * products + squared_norms
        total += float(tf.reduce_sum(tf.exp(-squared_distances / (2.0 * squared_width))))
    between_codes = (total - count) / (count * (count - 1))
    to_prior = tf.reduce_mean(tf.exp(-squared_norms / (2.0 * (squared_width + 1.0))))
    to_prior *= (squared_width / (squared_width + 1.0)) ** (latent_dim / 2)
    within_prior = (squared_width / (squared_width + 2.0)) ** (latent_dim / 2)
    return between_codes - 2.0 * float(to_prior) + within_prior
