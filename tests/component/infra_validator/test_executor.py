"""The check as the pipeline runs it: in a separate process, within limits, with a blessing at the end."""

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tfx.components.pusher.executor import Executor as PusherExecutor
from tfx.types.standard_artifacts import InfraBlessing, Model
from tfx.utils import io_utils

from components.infra_validator.config import InfraValidatorConfig
from components.infra_validator.executor import Executor
from components.infra_validator.replay import main

Export = Callable[..., Path]
PROJECT = Path(__file__).parents[3]


def run(uri: Path | str, blessing_at: Path, in_docker: bool | None = None, **settings: object) -> InfraBlessing:
    """Runs the executor on a Trainer's artifact."""
    model, blessing, docker_blessing = Model(), InfraBlessing(), InfraBlessing()
    model.uri, blessing.uri = str(uri), str(blessing_at)
    inputs = {"model": [model]}
    if in_docker is not None:
        docker_blessing.set_int_custom_property("blessed", int(in_docker))
        inputs["docker_blessing"] = [docker_blessing]
    config = InfraValidatorConfig.model_validate(settings)
    Executor().Do(inputs, {"blessing": [blessing]}, {"config": config.model_dump_json()})
    return blessing


def refusal_of(blessing: InfraBlessing) -> str:
    """Why the stock Pusher, too, pushes nothing."""
    assert not PusherExecutor().CheckBlessing({"infra_blessing": [blessing]})
    refusal = blessing.get_string_custom_property("refusal")
    assert (Path(blessing.uri) / "INFRA_NOT_BLESSED").read_text() == f"{refusal}\n"
    return str(refusal)


def test_a_model_that_answers_as_the_trainer_did_is_blessed(export: Export, tmp_path: Path):
    blessing = run(export().parent, tmp_path / "blessing", in_docker=True, docker=True)

    assert PusherExecutor().CheckBlessing({"infra_blessing": [blessing]})
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["INFRA_BLESSED"]
    assert blessing.get_string_custom_property("refusal") == ""
    assert blessing.get_float_custom_property("seconds") > 0.5
    # TensorFlow itself needs hundreds of megabytes.
    assert 0.1 < blessing.get_float_custom_property("memory_gb") < 4.0


def test_a_model_in_an_object_store_is_checked_as_one_on_disk(export: Export, tmp_path: Path):
    store = f"ram://{uuid.uuid4()}"
    model = export(leave_out="decode")
    # To TensorFlow's store in memory, `assets.extra` begins with `assets`, and so lies in it.
    (model / "assets").rmdir()
    io_utils.copy_dir(str(model), f"{store}/Format-Serving")
    assert refusal_of(run(store, tmp_path / "blessing")) == "the signature decode is missing"


def test_a_model_that_takes_too_long_is_stopped_and_refused(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Python runs this before anything else.
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    started = time.monotonic()

    blessing = run(export().parent, tmp_path / "blessing", time_limit_seconds=0.01)

    assert refusal_of(blessing) == (
        "it took more than 0.01 s to load and to answer the warm-up requests; "
        "if it may, raise infra_validator.time_limit_seconds"
    )
    assert time.monotonic() - started < 50
    assert not children()


def test_a_model_that_takes_too_much_memory_is_stopped_and_refused(export: Export, tmp_path: Path):
    blessing = run(export().parent, tmp_path / "blessing", memory_limit_gb=0.005)
    assert refusal_of(blessing) == (
        "it took more than 0.005 GB of memory to load and to answer the warm-up requests; "
        "if it may, raise infra_validator.memory_limit_gb"
    )
    assert blessing.get_float_custom_property("memory_gb") > 0.005
    assert not children()


def test_a_process_that_is_killed_from_outside_is_a_refusal_that_says_so(export: Export, tmp_path: Path):
    model = export().parent

    def kill() -> None:
        while not children():
            time.sleep(0.01)
        children()[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    blessing = run(model, tmp_path / "blessing")
    killer.join()
    assert refusal_of(blessing) == (
        "the process that loaded it was ended by SIGKILL, perhaps because the machine had no memory left; "
        "change a limit of infra_validator to have it checked again"
    )


def test_a_process_that_ends_without_a_word_is_a_refusal(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = export().parent
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    blessing = run(model, tmp_path / "blessing")
    assert "ended with status 1, and the log has what it said; change a limit" in refusal_of(blessing)


def test_a_model_that_tensorflow_serving_did_not_load_in_docker_is_refused(export: Export, tmp_path: Path):
    blessing = run(export().parent, tmp_path / "blessing", in_docker=False, docker=True, docker_tag="2.19")
    assert refusal_of(blessing) == "tensorflow/serving:2.19 in Docker did not load it; the log has what it said"


def test_the_process_needs_no_more_of_this_project_than_what_it_compares_with(export: Export, tmp_path: Path):
    code = (
        "import runpy, sys; runpy.run_module('components.infra_validator.replay_process', run_name='__main__'); "
        "print(*[name for name in sys.modules if name.split('.')[0] in "
        "('keras', 'sklearn', "
        "'components', 'pipelines', 'tfx', 'tfx_bsl', 'apache_beam', 'tensorflow_transform', 'tensorflow_model_analysis')])"
    )
    arguments = [str(export()), "0.01", str(tmp_path / "result")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert (tmp_path / "result").read_text() == ""
    assert set(done.stdout.split()) == {
        "components",
        "components.artifacts",
        "components.errors",
        "components.infra_validator",
        "components.infra_validator.replay",
        "components.keras_environment",
        "components.parent_death",
        "components.artifacts.warmup",
    }


def test_the_result_is_the_refusal(export: Export, tmp_path: Path):
    main(str(export(leave_out="encode")), "0.01", str(tmp_path / "result"))
    assert (tmp_path / "result").read_text() == "the signature encode is missing"


def children() -> list[psutil.Process]:
    """The processes that check a model."""
    return [child for child in psutil.Process().children() if "components.infra_validator.replay_process" in child.cmdline()]
