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
        ("kubeflow.steps.Trainer.cpu='two'", 'such as "2", "0.5" or "500m"'),
        ("kubeflow.steps.Trainer.gpu=-1", "greater than or equal to 0"),
        ("kubeflow.steps.Trainer.cpus=3", "did you mean cpu?"),
    ],
)
def test_what_kubernetes_would_not_understand_is_refused_with_an_example(setting: str, reason: str):
    with pytest.raises(ConfigurationError, match=reason.replace("?", r"\?")):
        load_config(SMOKE, [setting])
