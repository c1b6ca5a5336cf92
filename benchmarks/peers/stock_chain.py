"""The chain that a user of TFX would write with stock components for the same digits: a dense Keras VAE, `fit`, TFMA's mean.

    python benchmarks/peers/stock_chain.py EXAMPLES ROOT EPOCHS COSTS

It is also the module file of its Transform and its Trainer.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

BATCH = 256
LATENT = 32
PIXELS = 784


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Decodes the digits, as TFX's examples do; the pixels are in [0, 1]."""

    def decode(image: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.io.decode_png(image, channels=1), [28, 28, 1])

    pixels = tf.map_fn(decode, tf.reshape(inputs["image"], [-1]), fn_output_signature=tf.uint8)
    return {"image": tf.cast(pixels, tf.float32) / 255.0}


class Vae(keras.Model):
    """784-512-512-32, mirrored."""

    def __init__(self) -> None:
        """Makes the layers."""
        super().__init__()
        self.encoder = keras.Sequential([keras.layers.Flatten(), *_hidden(), keras.layers.Dense(2 * LATENT)])
        self.decoder = keras.Sequential([*_hidden(), keras.layers.Dense(PIXELS), keras.layers.Reshape((28, 28, 1))])

    def negative_elbo(self, images: tf.Tensor, training: bool) -> tf.Tensor:
        """One value for each image, in nats."""
        mean, log_variance = tf.split(self.encoder(images, training=training), 2, axis=1)
        code = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(images, self.decoder(code, training=training))
        divergence = 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=1)
        return tf.reduce_sum(cross_entropy, axis=(1, 2, 3)) + divergence

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of the optimiser."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.negative_elbo(data["image"], training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}

    def test_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The loss of a batch of the evaluation split."""
        return {"loss": tf.reduce_mean(self.negative_elbo(data["image"], training=False))}


def _hidden() -> list[keras.Layer]:
    layers: list[keras.Layer] = []
    for _ in range(2):
        layers += [keras.layers.Dense(512), keras.layers.BatchNormalization(), keras.layers.Activation("silu")]
    return layers


def run_fn(fn_args: Any) -> None:
    """Trains with Keras, and exports a signature that reads serialised examples."""
    graph = tft.TFTransformOutput(fn_args.transform_output)

    def read(files: list[str]) -> tf.data.Dataset:
        options = tfxio.TensorFlowDatasetOptions(batch_size=BATCH, num_epochs=1)
        return fn_args.data_accessor.tf_dataset_factory(files, options, graph.transformed_metadata.schema)

    vae = Vae()
    vae.compile(optimizer=keras.optimizers.Adam(1e-3))
    vae.fit(
        read(fn_args.train_files), epochs=fn_args.custom_config["epochs"], validation_data=read(fn_args.eval_files), verbose=0
    )
    exported = tf.Module()
    exported.vae, exported.transform = vae, graph.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([1], tf.string)})
        return {"negative_elbo": vae.negative_elbo(exported.transform(features)["image"], training=False)[:, tf.newaxis]}

    tf.saved_model.save(exported, fn_args.serving_model_dir, signatures={"serving_default": serve})


def create_pipeline(examples: Path, root: Path, epochs: int) -> tfx.dsl.Pipeline:
    """The components of TFX's own examples."""
    splits = [tfx.proto.Input.Split(name=split, pattern=f"Split-{split}/*") for split in ("train", "eval", "test")]
    example_gen = tfx.components.ImportExampleGen(str(examples), input_config=tfx.proto.Input(splits=splits))
    statistics_gen = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema_gen = tfx.components.SchemaGen(statistics=statistics_gen.outputs["statistics"], infer_feature_shape=True)
    validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"], schema=schema_gen.outputs["schema"], module_file=__file__
    )
    trainer = tfx.components.Trainer(
        module_file=__file__,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        custom_config={"epochs": epochs},
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
    )
    threshold = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(upper_bound={"value": 300}),
    )
    metrics = [
        tfma.MetricConfig(class_name="ExampleCount"),
        tfma.MetricConfig(class_name="MeanPrediction", threshold=threshold),
    ]
    evaluator = tfx.components.Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        example_splits=["test"],
        eval_config=tfma.EvalConfig(
            model_specs=[tfma.ModelSpec(label_key="label", signature_name="serving_default", model_type=tfma.TF_GENERIC)],
            slicing_specs=[tfma.SlicingSpec()],
            metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
        ),
    )
    filesystem = tfx.proto.PushDestination.Filesystem(base_directory=str(root / "serving"))
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(filesystem=filesystem),
    )
    return tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root=str(root / "pipeline"),
        components=[example_gen, statistics_gen, schema_gen, validator, transform, trainer, evaluator, pusher],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite")),
        enable_cache=True,
    )


if __name__ == "__main__":
    from node_costs import record_launches

    record_launches(Path(sys.argv[4]))
    tfx.orchestration.LocalDagRunner().run(create_pipeline(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
