"""Calls every signature of SavedModels with TensorFlow and nothing else, as a user's process would; run by test_signatures.py.

Usage: fresh_process.py INPUTS.npz SAVED_MODEL OUTPUTS.npz [SAVED_MODEL OUTPUTS.npz...]
"""

import sys
from typing import Any

import numpy as np
import tensorflow as tf


def main() -> None:
    inputs = np.load(sys.argv[1], allow_pickle=True)
    for saved_model, outputs in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        np.savez(outputs, **answers(saved_model, tf.constant(list(inputs["examples"])), inputs["images"]))


def answers(saved_model: str, examples: tf.Tensor, pixels: np.ndarray) -> dict[str, Any]:
    """By `signature/output`, and the names of all signatures and of modules that are not needed."""
    images, others = tf.constant(pixels), tf.constant(pixels[::-1].copy())
    loaded = tf.saved_model.load(saved_model)
    signatures = loaded.signatures
    latent = signatures["encode"](image=images)["latent_mean"]
    results = {
        "serving_default": signatures["serving_default"](examples=examples),
        "reconstruct": signatures["reconstruct"](image=images),
        "encode": signatures["encode"](image=images),
        "decode": signatures["decode"](latent=latent),
        "generate": signatures["generate"](count=tf.constant(3), seed=tf.constant([1, 2])),
        "generate_again": signatures["generate"](count=tf.constant(3), seed=tf.constant([1, 2])),
        "generate_other": signatures["generate"](count=tf.constant(3), seed=tf.constant([1, 3])),
        "generate_at_temperature": signatures["generate_at_temperature"](
            count=tf.constant(3), seed=tf.constant([1, 2]), temperature=tf.constant(1.0)
        ),
        "generate_labelled": signatures["generate_labelled"](
            count=tf.constant(3), seed=tf.constant([1, 2]), label=tf.constant(7, tf.int64), temperature=tf.constant(1.0)
        ),
        "interpolate": signatures["interpolate"](start=images, end=others, steps=tf.constant(5)),
        "evaluate": signatures["evaluate"](examples=examples),
        "evaluate_again": signatures["evaluate"](examples=examples),
        "evaluate_backwards": signatures["evaluate"](examples=examples[::-1]),
    }
    for name in sorted(set(signatures) - set(results)):
        samples = {"samples": tf.constant(300)} if "iw_nll" in name else {}
        results[name] = signatures[name](examples=examples, **samples)
        results[f"{name}_backwards"] = signatures[name](examples=examples[::-1], **samples)
    arrays = {
        f"{signature}/{name}": tensor.numpy() for signature, outputs in results.items() for name, tensor in outputs.items()
    }
    arrays["signatures"] = np.array(sorted(signatures))
    arrays["foreign_modules"] = np.array(
        [name for name in ("tensorflow_transform", "tfx", "tfx_bsl", "components", "apache_beam") if name in sys.modules]
    )
    return arrays


if __name__ == "__main__":
    main()
