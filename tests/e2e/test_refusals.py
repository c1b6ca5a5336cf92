"""What cannot work ends with one sentence, the right exit status, and nothing that a later run would trust."""

import shutil
from pathlib import Path

import pytest
from support.workplace import PROJECT, Workplace, said, states


@pytest.mark.parametrize(
    ("setting", "status", "sentence"),
    [
        ("trainer.epoch=3", 2, "trainer.epoch: there is no such key; did you mean epochs?"),
        ("data.schema_path=nowhere.pbtxt", 2, "data.schema_path: there is no file"),
        ("runtime.root=/proc/runs", 1, "/proc/runs cannot be written"),
    ],
)
def test_what_is_wrong_at_first_sight_is_refused_before_anything_is_imported(
    workplace: Workplace, setting: str, status: int, sentence: str
):
    run = workplace.run(setting)

    assert run.returncode == status
    assert sentence in run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


def test_a_missing_configuration_is_a_wrong_usage(workplace: Workplace):
    run = workplace.run(config=Path("nowhere.yaml"))

    assert run.returncode == 2
    assert "nowhere.yaml" in run.stderr


def test_a_dataset_that_does_not_exist_is_named_with_one_that_does(quick: Workplace):
    run = quick.run("data.dataset=fashion_mnst")

    assert run.returncode == 2
    assert "fashion_mnist" in said(run)
    assert "Traceback" not in said(run)


def test_a_truncated_data_file_is_named_and_nothing_is_left_to_trust(quick: Workplace, tmp_path: Path):
    shutil.copytree(PROJECT / "data" / "mnist", tmp_path / "mnist")
    images = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-5000])

    run = quick.run(f"data.manual_dir={tmp_path / 'mnist'}", f"data.data_dir={tmp_path / 'datasets'}")

    assert run.returncode == 1
    assert states(run.stdout)["TfdsExampleGen"] == "failed"
    assert "train-images-idx3-ubyte.gz" in said(run)
    assert "Traceback" not in said(run)
    assert not list(tmp_path.glob("datasets/mnist/*/dataset_info.json"))


def test_an_empty_split_stops_the_run_before_anything_is_trained(quick: Workplace):
    run = quick.run("data.splits.eval=train[:0]")

    assert run.returncode == 1
    assert states(run.stdout)["ValidationGate"] == "failed"
    assert "Trainer" not in states(run.stdout)
    assert "split 'eval'" in said(run)
    assert "allow_anomalies" in said(run)
    assert "Traceback" not in said(run)
