"""A version that is pushed, broken or deleted while requests go on."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.local_server import MODEL, PREDICT, LocalServer, serving, wait_until

from tfx_vae.serving.server.limits import Limits

BODY = json.dumps({"signature_name": "decode", "inputs": [[1, 2, 3, 4]]})
Tiny = Callable[[int], Path]


@pytest.fixture
def changing(tmp_path: Path, tiny: Tiny) -> Iterator[LocalServer]:
    """A server over a directory where version 1 is, which is once as bright."""
    with serving(tmp_path / "serving", Limits()) as server:
        server.push(tiny(1), 1)
        wait_until(lambda: "Version 1 answers now" in " ".join(server.reports))
        yield server


def brightness(answer: httpx.Response) -> Any:
    """Of the image in an answer."""
    assert answer.status_code == 200, answer.text
    return answer.json()["outputs"][0][0][0][0]


def ask(server: LocalServer, path: str = PREDICT) -> httpx.Response:
    return httpx.post(server.address + path, content=BODY, timeout=60)


@contextmanager
def asked_all_the_time(server: LocalServer) -> Iterator[list[httpx.Response]]:
    """Three clients that ask without a pause; gives what they were answered, in about that order."""
    answers: list[httpx.Response] = []
    is_over = threading.Event()

    def ask_on() -> None:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            while not is_over.is_set():
                answers.append(client.post(PREDICT, content=BODY))

    threads = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_a_new_version_takes_over_and_no_request_fails(changing: LocalServer, tiny: Tiny):
    with asked_all_the_time(changing) as answers:
        wait_until(lambda: len(answers) > 20)
        changing.push(tiny(2), 2)
        wait_until(lambda: changing.states() == {2: "AVAILABLE", 1: "END"})
        newer = len(answers) + 3
        wait_until(lambda: len(answers) > newer + 20)

        # And back, for the newest is deleted.
        changing.delete(2)
        wait_until(lambda: changing.states() == {2: "END", 1: "AVAILABLE"})
        older = len(answers) + 3
        wait_until(lambda: len(answers) > older + 20)

    # Each client had at most one request under way when the versions changed.
    assert {brightness(answer) for answer in answers} == {1, 2}
    assert {brightness(answer) for answer in answers[newer : newer + 10]} == {2}
    assert {brightness(answer) for answer in answers[older:]} == {1}


def test_only_the_version_that_answers_can_be_asked_for(changing: LocalServer, tiny: Tiny):
    changing.push(tiny(2), 9)
    wait_until(lambda: changing.states().get(9) == "AVAILABLE")

    assert brightness(ask(changing, f"{MODEL}/versions/9:predict")) == 2
    refused = ask(changing, f"{MODEL}/versions/1:predict")
    assert (refused.status_code, refused.json()) == (404, {"error": "Version 1 is not served; served now: 9."})
    assert httpx.get(f"{changing.address}{MODEL}/metadata").json()["model_spec"]["version"] == "9"
    assert httpx.get(f"{changing.address}/page/model.json").json()["version"] == 9
    [status] = httpx.get(f"{changing.address}{MODEL}/versions/1").json()["model_version_status"]
    assert status == {"version": "1", "state": "END", "status": {"error_code": "OK", "error_message": ""}}


def test_an_older_version_that_is_pushed_later_does_not_take_over(changing: LocalServer, tiny: Tiny):
    changing.push(tiny(2), 5)
    wait_until(lambda: changing.states().get(5) == "AVAILABLE")
    changing.push(tiny(3), 4)
    changing.push(tiny(4), 6)
    wait_until(lambda: changing.states().get(6) == "AVAILABLE")

    assert 4 not in changing.states()


def test_a_version_that_cannot_be_loaded_is_passed_over_until_it_is_fixed(changing: LocalServer, tiny: Tiny):
    broken = changing.push(tiny(2), 2)
    graph = (broken / "saved_model.pb").read_bytes()
    (broken / "saved_model.pb").write_bytes(b"broken")
    changing.push(broken, 3)
    wait_until(lambda: changing.states().get(3) == "END")

    [status] = httpx.get(f"{changing.address}{MODEL}/versions/3").json()["model_version_status"]
    assert status["status"]["error_code"] == "UNKNOWN"
    assert "cannot be loaded" in status["status"]["error_message"]
    assert any("Version 3 cannot be served; it is tried again when its files change." in told for told in changing.reports)
    (changing.directory / "3" / "saved_model.pb").write_bytes(graph)
    wait_until(lambda: changing.states()[3] == "AVAILABLE")
    assert brightness(ask(changing)) == 2


def test_the_last_version_keeps_answering_when_it_is_deleted(changing: LocalServer, tiny: Tiny):
    changing.delete(1)
    gone = "Version 1 was deleted, and there is no other version to serve; it keeps answering from memory."
    wait_until(lambda: gone in changing.reports)

    assert brightness(ask(changing)) == 1
    changing.push(tiny(2), 2)
    wait_until(lambda: changing.states() == {2: "AVAILABLE", 1: "END"})
    assert brightness(ask(changing)) == 2
