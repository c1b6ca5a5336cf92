"""What the signatures of an exported model, their inputs and their outputs are called. Imports nothing."""

from typing import Final

SERVING_DEFAULT: Final = "serving_default"
RECONSTRUCT: Final = "reconstruct"
ENCODE: Final = "encode"
DECODE: Final = "decode"
GENERATE: Final = "generate"
INTERPOLATE: Final = "interpolate"

EVALUATE: Final = "evaluate"
EVALUATE_BINARIZED: Final = "evaluate_binarized"
EVALUATE_IW_NLL: Final = "evaluate_iw_nll"
EVALUATE_IW_NLL_BINARIZED: Final = "evaluate_iw_nll_binarized"
EVALUATE_SAMPLES: Final = "evaluate_samples"
"""What the Evaluator asks; see evaluation_signatures.py."""

EXAMPLES: Final = "examples"
SAMPLES: Final = "samples"
RECONSTRUCTION: Final = "reconstruction"
LATENT: Final = "latent"
LATENT_MEAN: Final = "latent_mean"
LATENT_LOG_VARIANCE: Final = "latent_log_variance"
LATENT_SAMPLE: Final = "latent_sample"
SCORE: Final = "score"
PIXELS: Final = "pixels"
SAMPLE: Final = "sample"
