"""The dotted names of our code that TFX is given for each component; each component digests what they reach."""

from typing import Final

ENTRY_POINTS: Final = {
    "TfdsExampleGen": ("components.example_gen.executor",),
    "ImportExampleGen": ("components.example_gen.import_executor",),
    "ImageExampleGen": ("components.example_gen.image_executor",),
    "FirstStatisticsGen": ("components.spans.statistics",),
    "StatisticsGen": ("components.spans.statistics",),
    "ExampleValidator": ("components.spans.anomalies",),
    "InferredSchemaGen": ("components.schema_gen.executor",),
    "ValidationGate": ("components.validation.executor",),
    "DriftGate": ("components.drift.executor",),
    "Transform": ("components.transform.executor", "components.transform.executor.preprocessing_fn"),
    "Tuner": ("components.tuner.search.tuner_fn",),
    "Trainer": ("components.trainer.run.run_fn",),
    "FeatureClassifier": ("components.feature_classifier.executor",),
    "Evaluator": (
        "components.evaluator.executor",
        "components.evaluator.user_functions",
        "components.evaluator.metrics",
        "components.evaluator.sample_metrics",
    ),
    "InfraValidator": ("components.infra_validator.executor",),
    "Pusher": ("components.pusher.executor",),
    "ModelReport": ("components.report.executor",),
}
