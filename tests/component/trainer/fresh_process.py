"""Calls every signature of a SavedModel with TensorFlow and nothing else, as a user's process would; run by test_signatures.py.

Usage: fresh_process.py SAVED_MODEL INPUTS.npz OUTPUTS.npz
"""

import sys

import numpy as np
import tensorflow as tf


def main() -> None:
    saved_model, inputs_path, outputs_path = sys.argv[1:]
    inputs = np.load(inputs_path, allow_pickle=True)
    examples = tf.constant(list(inputs["examples"]))
    images, others = tf.constant(inputs["images"]), tf.constant(inputs["images"][::-1].copy())
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
    np.savez(outputs_path, **arrays)


if __name__ == "__main__":
    main()
