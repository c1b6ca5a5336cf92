"""Settings of Kubeflow."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipelines.config import load_config
from pipelines.kubeflow.config import StepConfig

SMOKE = Path(__file__).parents[4] / "pipelines" / "configs" / "smoke.yaml"


def test_a_step_takes_what_it_does_not_say_from_what_every_step_asks_for():
    every_step = StepConfig(cpu="1", memory="4Gi", gpu=0, retries=2)
    assert StepConfig(gpu=1, retries=0).over(every_step) == StepConfig(cpu="1", memory="4Gi", gpu=1, retries=0)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("kubeflow.every_step.memory=4 GB", 'such as "4Gi"'),
        ("kubeflow.every_step.memory=512000K", 'such as "4Gi"'),
        ("kubeflow.every_step.timeout_seconds=0", "greater than or equal to 1"),
        ("kubeflow.steps.Trainer.labels={my team: vision}", "my team is not a key as Kubernetes writes it"),
        ("kubeflow.steps.Trainer.node_selector={disk: fast/local}", "at most 63 letters"),
        ("kubeflow.steps.Trainer.tolerations=[{effect: NoSchedule, operator: Equal}]", "needs a key, or must be Exists"),
        ("kubeflow.image_pull_policy=Sometimes", "Always"),
        ("kubeflow.steps.Trainer.cpu='two'", 'such as "2", "0.5" or "500m"'),
        ("kubeflow.steps.Trainer.gpu=-1", "greater than or equal to 0"),
        ("kubeflow.steps.Trainer.cpus=3", "did you mean cpu?"),
    ],
)
def test_what_kubernetes_would_not_understand_is_refused_with_an_example(setting: str, reason: str):
    with pytest.raises(ConfigurationError, match=reason.replace("?", r"\?")):
        load_config(SMOKE, [setting])


@pytest.mark.parametrize(
    ("written", "memory"),
    [
        ("4Gi", 4 * 2**30),
        ("1.5Gi", 3 * 2**29),
        (".5M", 500_000),
        ("512k", 512_000),
        ("2Ki", 2048),
        ("1e9", 10**9),
        ("128974848000m", 128_974_848),
        ("0.1m", 1),
        ("7", 7),
    ],
)
def test_memory_is_read_as_kubernetes_reads_it(written: str, memory: int):
    assert StepConfig(memory=written).memory_bytes() == memory
