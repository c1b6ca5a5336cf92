"""What a person is told when a run has ended."""

import io
import json
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console

from components.artifacts.evaluation import Evaluation
from components.evaluator.config import EvaluatorConfig
from pipelines.config import PipelineConfig
from pipelines.local.display import NodeResult, NodeState
from pipelines.local.summary import (
    describe_idleness,
    describe_verdict,
    describe_versions,
    left_out_metrics,
    print_summary,
    shown_metrics,
)


@pytest.mark.parametrize(
    ("pushed", "served", "damaged", "sentence"),
    [
        (7, [3, 7], [], "version 7 is the newest"),
        (3, [3, 7], [], "version 3, pushed by an earlier run; the newest is version 7"),
        (3, [7], [], "version 3, pushed by an earlier run, no longer exists (--set runtime.cache=false pushes again)"),
        (None, [3, 7], [], "version 7 is still the newest"),
        (None, [], [], "no version yet"),
        (7, [3, 7, 1900000000], [1900000000], "version 7 is the newest"),
        (None, [3, 7], [7], "version 3 is still the newest"),
        (7, [3, 7], [7], "version 7 is damaged; the newest that can be served is version 3"),
        (7, [7], [7], "version 7 is damaged; there is no other"),
    ],
)
def test_the_serving_directory_is_described_as_it_is(pushed: int | None, served: list[int], damaged: list[int], sentence: str):
    assert describe_versions(pushed, served, damaged) == sentence


class Pushes:
    """A serving directory, and the PushedModel of version 7."""

    def __init__(self, root: Path) -> None:
        self.archive, self.serving = root / "pushed_model" / "12", root / "serving"
        for directory in (self.archive, self.serving / "3", self.serving / "7"):
            # Field 2 of the message SavedModel, one byte long.
            self.write(directory / "saved_model.pb", b"\x12\x01?")
            for name in ("variables.index", "variables.data-00000-of-00001"):
                self.write(directory / "variables" / name, b"weights")

    @staticmethod
    def write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def places(self) -> list[str]:
        """The summary of a run whose Pusher was served from the cache."""
        artifact = metadata_store_pb2.Artifact(uri=str(self.archive))
        artifact.custom_properties["pushed"].int_value = 1
        artifact.custom_properties["pushed_version"].string_value = "7"
        result = NodeResult(NodeState.CACHED, 12, {"pushed_model": [artifact]})
        config = PipelineConfig.model_validate({"name": "study", "pusher": {"serving_dir": self.serving}})
        printed = io.StringIO()
        console = Console(file=printed, width=200)
        print_summary(config, {"Pusher": result}, self.serving / "log", console)
        return [line for line in printed.getvalue().splitlines() if line.startswith(("Serving", "Damaged"))]


def test_what_is_served_is_compared_with_what_was_pushed(tmp_path: Path):
    pushes = Pushes(tmp_path)
    assert pushes.places() == [f"Serving   version 7 is the newest in {tmp_path}/serving"]

    (pushes.serving / "7" / "variables" / "variables.index").unlink()
    assert pushes.places() == [
        f"Serving   version 7 is damaged; the newest that can be served is version 3 in {tmp_path}/serving",
        f"Damaged   {tmp_path}/serving/7: variables/variables.index is missing; restore it: "
        f"cp -rT {tmp_path}/pushed_model/12 {tmp_path}/serving/7",
    ]


def test_a_changed_file_and_junk_in_the_serving_directory_are_named(tmp_path: Path):
    pushes = Pushes(tmp_path)
    pushes.write(pushes.serving / "7" / "variables" / "variables.data-00000-of-00001", b"wEights")
    pushes.write(pushes.serving / "1900000000" / "saved_model.pb", b"junk")
    assert [line.partition("; restore")[0] for line in pushes.places()] == [
        f"Serving   version 7 is damaged; the newest that can be served is version 3 in {tmp_path}/serving",
        f"Damaged   {tmp_path}/serving/7: variables/variables.data-00000-of-00001 is damaged",
        f"Damaged   {tmp_path}/serving/1900000000: saved_model.pb is cut short or corrupt",
    ]


def evaluation(*metrics: str, limited: tuple[str, ...] = ()) -> Evaluation:
    return Evaluation(dict.fromkeys(metrics, 1.0), thresholds=dict.fromkeys(limited, "≤ 1"), blessed=True)


def test_the_main_metrics_are_shown_and_those_that_are_limited():
    judged = evaluation("marginal_kl", "ssim", "negative_elbo", "iw_nll", limited=("ssim", "negative_elbo"))

    assert [metric.name for metric in shown_metrics(judged)] == ["negative_elbo", "iw_nll", "ssim"]


def test_what_is_switched_on_and_was_not_computed_is_named():
    config = EvaluatorConfig.model_validate({"importance_weighted": {"enabled": False}, "binarized": False})
    without_labels = evaluation(
        "reconstruction_loss", "squared_error", "kl_divergence", "kl_to_standard_normal", "negative_elbo", "ssim",
        "active_units", "mutual_information", "marginal_kl", "latent_gaussianity",
    )  # fmt: skip

    assert left_out_metrics(without_labels, config) == [
        "latent_probe_accuracy/linear",
        "latent_probe_accuracy/knn",
        "frechet_distance",
        "density",
        "coverage",
        "data_copying",
    ]


@pytest.mark.parametrize(
    ("reasons", "refusal", "lines"),
    [
        ((), "", ["Blessed   all thresholds hold, so the model was pushed"]),
        (("it is bad", "it is slow"), "", ["Not blessed, so nothing was pushed:", "  it is bad", "  it is slow"]),
        (
            (),
            "the signature decode is missing",
            [
                "Blessed   all thresholds hold",
                "It failed the check before pushing, so nothing was pushed:",
                "  the signature decode is missing",
            ],
        ),
        (
            ("it is bad",),
            "the signature decode is missing",
            [
                "Not blessed, so nothing was pushed:",
                "  it is bad",
                "It failed the check before pushing, too:",
                "  the signature decode is missing",
            ],
        ),
    ],
)
def test_why_nothing_was_pushed_is_said(reasons: tuple[str, ...], refusal: str, lines: list[str]):
    judged = Evaluation({}, blessed=not reasons, reasons=reasons)

    assert [line.plain for line in describe_verdict(judged, refusal)] == lines


def test_a_night_without_new_images_is_told():
    def told(pattern: str, span: int, **states: NodeState) -> str:
        config = PipelineConfig.model_validate({"name": "study", "data": {"images": pattern}})
        examples = metadata_store_pb2.Artifact()
        examples.properties["span"].int_value = span
        given = {name: NodeResult(state, 1, {"examples": [examples]}) for name, state in states.items()}
        return describe_idleness(config, given)

    idle = {"ImageExampleGen": NodeState.CACHED, "Trainer": NodeState.CACHED}
    assert told("/shoes/{SPAN}", 3, **idle) == "No new images since span 3: nothing was trained."
    assert told("/shoes/{YYYY}{MM}{DD}", 31, **idle) == "No new images since span 1970-02-01: nothing was trained."
    assert told("/shoes", 0, **idle) == ""
    assert told("/shoes/{SPAN}", 3, **idle | {"Trainer": NodeState.RAN}) == ""
    assert told("/shoes/{SPAN}", 3, **idle | {"ImageExampleGen": NodeState.RAN}) == ""


def test_the_trials_of_a_search_fit_into_80_columns(tmp_path: Path):
    settings = {"model.hidden_units": "[512, 512]", "trainer.learning_rate": 0.00345, "trainer.early_stopping_patience": 3}
    space = [{"class_name": "Choice", "config": {"name": key, "values": [value, value]}} for key, value in settings.items()]
    values = {"objective": "negative_elbo", **settings}
    (tmp_path / "best_hyperparameters.txt").write_text(json.dumps({"space": space, "values": values}))
    rows = [{"trial_id": str(number), "score": 90.5 + number, "tuner/epochs": 5, **values} for number in range(12)]
    (tmp_path / "tuner_results.json").write_text(json.dumps(rows))
    artifact = metadata_store_pb2.Artifact(uri=str(tmp_path))
    outputs = {"best_hyperparameters": [artifact], "tuner_results": [artifact]}
    printed = io.StringIO()
    config = PipelineConfig.model_validate({"name": "study"})
    results = {"Tuner": NodeResult(NodeState.RAN, 1, outputs)}

    print_summary(config, results, tmp_path / "log", Console(file=printed, width=80))

    lines = [line.rstrip() for line in printed.getvalue().splitlines()]
    assert lines[1] == "Search: 12 trials by negative ELBO, nats per image, on the eval split"
    assert max(map(len, lines[: lines.index("", 1)])) <= 80
    assert [line.split() for line in lines[2:6]] == [
        ["early"],
        ["negative", "hidden", "learning", "stopping"],
        ["trial", "ELBO", "units", "rate", "patience", "epochs"],
        ["1", "90.50", "[512,", "512]", "0.00345", "3", "5"],
    ]
    assert "and 2 more" in lines
