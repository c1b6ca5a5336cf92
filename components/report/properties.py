"""Names of the inputs, parameters and the output of ModelReport."""

from typing import Final

EXAMPLES: Final = "examples"
TEST_EXAMPLES: Final = "test_examples"
STATISTICS: Final = "statistics"
SCHEMA: Final = "schema"
ANOMALIES: Final = "anomalies"
DATA_VERDICT: Final = "data_verdict"
DRIFT_VERDICT: Final = "drift_verdict"
TRANSFORM_GRAPH: Final = "transform_graph"
MODEL: Final = "model"
EVALUATION: Final = "evaluation"
BLESSING: Final = "blessing"
INFRA_BLESSING: Final = "infra_blessing"
CLASSIFIER: Final = "classifier"
BASELINE_MODEL: Final = "baseline_model"
BEST_HYPERPARAMETERS: Final = "best_hyperparameters"
TUNER_RESULTS: Final = "tuner_results"

CONFIG: Final = "config"
"""JSON: a ReportConfig."""
SOURCE_DIGEST: Final = "source_digest"
PROVENANCE: Final = "provenance"
"""JSON: a Provenance; the driver adds it."""

REPORT: Final = "report"
