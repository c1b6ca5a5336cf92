import pytest
import tensorflow as tf

from components.errors import ConfigurationError
from components.trainer import processes


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [object()] * 4 if kind == "GPU" else [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("four_gpus")
def test_processes_share_the_gpus_of_the_machine(monkeypatch: pytest.MonkeyPatch):
    assert processes._shares_of_gpus(2) == [{"CUDA_VISIBLE_DEVICES": "0,2"}, {"CUDA_VISIBLE_DEVICES": "1,3"}]

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert processes._shares_of_gpus(4)[3] == {"CUDA_VISIBLE_DEVICES": "7"}


@pytest.mark.usefixtures("four_gpus")
def test_gpus_that_cannot_be_shared_evenly_are_refused():
    with pytest.raises(ConfigurationError, match="3 processes cannot share the 4 GPUs of this machine evenly"):
        processes._shares_of_gpus(3)


def test_without_gpus_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])

    assert processes._shares_of_gpus(2) == [{}, {}]
