"""The place of the check in the pipeline."""

import json
from pathlib import Path
from typing import Any

from components.private_tfx import compile_pipeline
from pipelines.config import load_config
from pipelines.pipeline import create_pipeline

PROJECT = Path(__file__).parents[3]


def nodes(tmp_path: Path, *settings: str) -> dict[str, Any]:
    """The compiled nodes of the smoke pipeline, by id."""
    config = load_config(PROJECT / "pipelines" / "configs" / "smoke.yaml", [f"runtime.root={tmp_path}", *settings], PROJECT)
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in compile_pipeline(create_pipeline(config)).nodes}


def test_the_model_is_checked_before_it_is_pushed_and_pushed_before_it_is_drawn(tmp_path: Path):
    found = nodes(tmp_path)
    assert list(found["InfraValidator"].upstream_nodes) == ["Trainer"]
    assert "InfraValidator" in found["Pusher"].upstream_nodes
    assert "Pusher" in found["ModelReport"].upstream_nodes
    assert "DockerInfraValidator" not in found


def test_a_report_that_is_left_out_leaves_the_rest_as_it_is(tmp_path: Path):
    with_report, without = nodes(tmp_path), nodes(tmp_path, "report.enabled=false")
    assert set(with_report) - set(without) == {"ModelReport"}
    assert list(without["Pusher"].upstream_nodes) == list(with_report["Pusher"].upstream_nodes)


def test_without_the_check_the_evaluator_alone_decides(tmp_path: Path):
    found = nodes(tmp_path, "infra_validator.enabled=false")
    assert "InfraValidator" not in found
    assert sorted(found["Pusher"].upstream_nodes) == ["Evaluator", "Trainer"]


def test_with_docker_tfxs_own_infra_validator_loads_the_model_into_tensorflow_serving_first(tmp_path: Path):
    settings = ("infra_validator.docker=true", "infra_validator.docker_tag=2.19.1", "infra_validator.time_limit_seconds=1.5")
    found = nodes(tmp_path, *settings)
    in_docker = found["DockerInfraValidator"]
    assert in_docker.node_info.type.name == "tfx.components.infra_validator.component.InfraValidator"
    assert sorted(found["InfraValidator"].upstream_nodes) == ["DockerInfraValidator", "Trainer"]
    given = {
        name: json.loads(value.field_value.string_value)
        for name, value in in_docker.parameters.parameters.items()
        if name.endswith("_spec")
    }
    assert given == {
        "serving_spec": {
            "local_docker": {},
            "model_name": "mnist-smoke",
            "tensorflow_serving": {"tags": ["2.19.1"]},
        },
        "validation_spec": {"max_loading_time_seconds": 2, "num_tries": 1},
    }
