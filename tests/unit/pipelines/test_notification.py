"""Who is told how a run ended, and what."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.history import FAILED, History

from components.artifacts.drift import DriftSummary, Measure
from pipelines.config import PipelineConfig, validate
from pipelines.local import session
from pipelines.notification import describe_run, notify


def config(root: Path, **notify: Any) -> PipelineConfig:
    return validate({"name": "mnist-vae", "runtime": {"root": str(root)}, "notify": notify}, "test")


def to_file(root: Path) -> tuple[Path, str]:
    path = root / "told.json"
    return path, f"cat > {path}"


def test_a_model_that_was_pushed_is_described_with_its_metrics_and_places(tmp_path: Path):
    run = History(tmp_path).run(elbo=95.0)

    told = describe_run(config(tmp_path), run.id)

    assert told["metrics"] | {"example_count": None} == told["metrics"] | {
        "negative_elbo": 95.0, "reconstruction_loss": 75.0, "kl_divergence": 20.0, "example_count": None,
    }  # fmt: skip
    assert (told["pipeline"], told["run"], told["state"], told["reason"]) == ("mnist-vae", run.id, "complete", None)
    assert (told["blessed"], told["refusals"]) == (True, [])
    assert told["model"] == str(run.uris["model"])
    assert (tmp_path / "serving" / "mnist-vae" / str(told["version"])).is_dir()
    assert told["log"] == str(run.log)


def test_a_model_is_described_by_its_own_run_even_if_a_resolver_found_another(tmp_path: Path):
    history = History(tmp_path)
    champion = history.run()
    run = history.run(elbo=120.0, blessed=False, baseline=champion)

    told = describe_run(config(tmp_path), run.id)

    assert told["model"] == str(run.uris["model"])
    assert told["blessed"] is False
    assert told["version"] is None


def test_a_model_that_does_not_load_is_not_blessed_and_the_check_says_why(tmp_path: Path):
    run = History(tmp_path).run(refusal="it does not load")

    told = describe_run(config(tmp_path), run.id)

    assert (told["blessed"], told["refusals"]) == (False, ["it does not load"])


def test_the_command_runs_after_the_endings_that_the_user_chose_only(tmp_path: Path):
    history = History(tmp_path)
    path, command = to_file(tmp_path)
    pushed, refused = history.run(), history.run(blessed=False)
    failed = history.run(stops_at="Trainer", stops_as=FAILED, record="failed", error="The disk is full.")

    notify(config(tmp_path, command=command), pushed.id)
    assert not path.exists()
    notify(config(tmp_path, command=command, when=["blessed"]), pushed.id)
    assert json.loads(path.read_text())["event"] == "blessed"
    notify(config(tmp_path, command=command), refused.id)
    assert json.loads(path.read_text())["event"] == "not_blessed"
    notify(config(tmp_path, command=command), failed.id)
    told = json.loads(path.read_text())
    assert (told["event"], told["reason"]) == ("failed", "The disk is full.")


DRIFT = DriftSummary(
    champion=7, known_images=50, new_images=60, level=0.001,
    measures=(Measure(name="score", statistic=0.5, limit=0.1, p_value=0.0, drifted=True),),
)  # fmt: skip


def test_a_run_whose_images_have_drifted_is_told_with_what_has_changed(tmp_path: Path):
    history = History(tmp_path)
    path, command = to_file(tmp_path)
    drifted, refused = history.run(drift=DRIFT), history.run(drift=DRIFT, blessed=False)
    same = history.run(drift=DriftSummary(reason="there is no champion"))

    notify(config(tmp_path, command=command), same.id)
    assert not path.exists()
    assert describe_run(config(tmp_path), same.id)["drift"]["drifted"] is False
    notify(config(tmp_path, command=command), drifted.id)
    told = json.loads(path.read_text())
    assert (told["event"], told["blessed"]) == ("drifted", True)
    assert told["drift"] == {
        "drifted": True, "sentence": "score 0.5 (limit 0.1): 60 new test images against 50 of the champion's",
        "champion": 7, "known_images": 50, "new_images": 60,
        "measures": [{"name": "score", "statistic": 0.5, "limit": 0.1, "p_value": 0.0, "drifted": True}],
    }  # fmt: skip
    notify(config(tmp_path, command=command), refused.id)
    assert json.loads(path.read_text())["event"] == "not_blessed"


def test_a_failure_is_told_with_what_the_run_has_recorded_or_without_a_database(tmp_path: Path):
    run = History(tmp_path).run(stops_at="Pusher", stops_as=FAILED, record="failed", error="The disk is full.")
    told = describe_run(config(tmp_path), run.id, "The disk is full.")
    assert (told["state"], told["reason"], told["log"]) == ("failed", "The disk is full.", str(run.log))
    assert told["metrics"]["negative_elbo"] == 100.0

    (tmp_path / "metadata.sqlite").write_text("damaged")
    told = describe_run(config(tmp_path), run.id, "The database is damaged.")
    assert (told["state"], told["reason"], told["metrics"]) == ("failed", "The database is damaged.", {})


def test_a_run_of_which_steps_are_still_missing_at_its_end_has_failed(tmp_path: Path):
    run = History(tmp_path).run(stops_at="Trainer", record="running")

    assert describe_run(config(tmp_path), run.id)["reason"] == "the run ended before all of its components had run"


@pytest.mark.parametrize(
    ("command", "reason"), [("echo no route >&2; exit 7", "exit status 7: no route"), ("sleep 9", "timed out")]
)
def test_a_command_that_fails_is_a_warning(
    command: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipelines.notification._TIMEOUT_SECONDS", 0.2)

    notify(config(tmp_path, command=command), "run", reason="broken", has_started=False)

    assert reason in caplog.text


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a server, and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", posted
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_run_that_is_refused_before_it_starts_is_told_to_a_webhook(
    tmp_path: Path, webhook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
):
    url, posted = webhook
    monkeypatch.setenv("WEBHOOK_URL", url)
    # As docs/operations.md has it.
    command = 'curl --fail --silent --show-error --json @- "$WEBHOOK_URL"'
    refused = config(tmp_path, command=command).model_copy(update={"data": config(tmp_path).data.model_copy(
        update={"schema_path": tmp_path / "none.pbtxt"})})  # fmt: skip

    assert session.run(refused) == 2

    [told] = posted
    assert told["event"] == "failed"
    assert "none.pbtxt" in told["reason"]
