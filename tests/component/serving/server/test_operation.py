"""What an operator needs: health checks, metrics, pages of other origins, and many clients at once."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.local_server import HOST, MODEL, PREDICT, LocalServer, serving, wait_until

from tfx_vae.serving.server.limits import Limits

DECODE = {"signature_name": "decode", "inputs": [[1, 2, 3, 4]]}
OWN_PAGES = "https://pages.example"


@pytest.fixture(scope="module")
def tiny_server(tiny: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of a tiny model, which pages of OWN_PAGES may use."""
    directory = tmp_path_factory.mktemp("tiny-served")
    with serving(directory, Limits(), origins=[OWN_PAGES]) as server:
        server.push(tiny(1), 1)
        wait_until(lambda: "AVAILABLE" in httpx.get(server.address + MODEL).text)
        yield server


def metrics(server: LocalServer) -> dict[str, float]:
    """The values by name and labels."""
    answer = httpx.get(f"{server.address}/monitoring/prometheus/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = (sample for family in text_string_to_metric_families(answer.text) for sample in family.samples)
    return {sample.name + json.dumps(sample.labels, sort_keys=True): sample.value for sample in samples}


def test_a_server_is_healthy_at_once_and_ready_with_its_first_version(tmp_path: Path, tiny: Callable[[int], Path]):
    with serving(tmp_path / "serving", Limits()) as server:
        assert httpx.get(f"{server.address}/healthz").status_code == 200
        assert httpx.get(f"{server.address}/readyz").status_code == 503
        server.push(tiny(1), 1)
        wait_until(lambda: httpx.get(f"{server.address}/readyz").status_code == 200)
        assert httpx.head(f"{server.address}/readyz").status_code == 200


def test_requests_are_counted_by_method_and_status(tiny_server: LocalServer):
    before = metrics(tiny_server)
    for body in (DECODE, DECODE, {"inputs": 3}):
        httpx.post(tiny_server.address + PREDICT, json=body)
    httpx.get(tiny_server.address + MODEL)
    httpx.get(f"{tiny_server.address}/v1/models/other")

    after = metrics(tiny_server)
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert grown['tfx_vae_requests_total{"method": "predict", "status": "200"}'] == 2
    assert grown['tfx_vae_requests_total{"method": "predict", "status": "400"}'] == 1
    assert grown['tfx_vae_requests_total{"method": "status", "status": "200"}'] == 1
    assert grown['tfx_vae_requests_total{"method": "status", "status": "404"}'] == 1
    assert grown['tfx_vae_request_seconds_count{"method": "predict"}'] == 3
    assert grown['tfx_vae_model_seconds_count{"signature": "decode"}'] == 2
    assert after["tfx_vae_requests_computing{}"] == after["tfx_vae_requests_waiting{}"] == 0
    assert after["process_open_fds{}"] > 0


def test_the_metrics_show_the_versions(tmp_path: Path, tiny: Callable[[int], Path]):
    with serving(tmp_path / "serving", Limits()) as server:
        server.push(tiny(1), 1)
        wait_until(lambda: metrics(server).get('tfx_vae_version{"state": "AVAILABLE", "version": "1"}') == 1)
        server.push(tiny(2), 2)
        wait_until(lambda: metrics(server).get('tfx_vae_version{"state": "AVAILABLE", "version": "2"}') == 1)
        assert metrics(server)['tfx_vae_version{"state": "END", "version": "1"}'] == 1


def test_the_scores_of_images_are_counted_in_buckets(server: LocalServer, client: httpx.Client, examples_in_json: list[object]):
    before = metrics(server).get('tfx_vae_score_nats_count{"version": "7"}', 0)
    answer = client.post(PREDICT, json={"instances": examples_in_json}).json()["predictions"]
    client.post(PREDICT, json={"inputs": []})

    scores = [row["score"] for row in answer]
    after = metrics(server)
    assert after['tfx_vae_score_nats_count{"version": "7"}'] == before + 3
    if not before:
        assert after['tfx_vae_score_nats_sum{"version": "7"}'] == pytest.approx(sum(scores))
        for limit in (100.0, 501.2, 10000.0):
            below = after[f'tfx_vae_score_nats_bucket{{"le": "{limit}", "version": "7"}}']
            assert below == np.sum(np.array(scores) <= limit)


def test_a_thousand_parallel_requests_are_all_answered(tiny_server: LocalServer):
    body = json.dumps(DECODE)
    request = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"

    async def ask() -> bytes:
        # httpx takes half a minute for so many connections.
        reader, writer = await asyncio.open_connection(HOST, tiny_server.port)
        writer.write(request.encode())
        answer = await reader.read()
        writer.close()
        return answer.split(b"\r\n")[0]

    async def ask_all() -> list[bytes]:
        return await asyncio.gather(*(ask() for _ in range(1000)))

    assert asyncio.run(ask_all()) == [b"HTTP/1.1 200 OK"] * 1000


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1"])
def test_a_page_of_another_origin_cannot_cause_work(tiny_server: LocalServer, content_type: str, origin: str):
    headers = {"Origin": origin, "Content-Type": content_type}
    before = metrics(tiny_server)
    answer = httpx.post(tiny_server.address + PREDICT, content=json.dumps(DECODE), headers=headers)

    assert (answer.status_code, "another origin" in answer.json()["error"]) == (403, True)
    assert "access-control-allow-origin" not in answer.headers
    name = 'tfx_vae_model_seconds_count{"signature": "decode"}'
    assert metrics(tiny_server).get(name) == before.get(name)


def test_the_own_page_and_programs_may_ask(tiny_server: LocalServer):
    for headers in ({"Origin": tiny_server.address}, {}):
        answer = httpx.post(tiny_server.address + PREDICT, json=DECODE, headers=headers)
        assert answer.status_code == 200


def test_a_page_of_a_cors_origin_may_ask_and_read_the_answer(tiny_server: LocalServer):
    preflight = httpx.options(
        tiny_server.address + PREDICT,
        headers={
            "Origin": OWN_PAGES,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == OWN_PAGES
    assert "POST" in preflight.headers["access-control-allow-methods"]

    answer = httpx.post(tiny_server.address + PREDICT, json=DECODE, headers={"Origin": OWN_PAGES})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, OWN_PAGES)
    refused = httpx.post(tiny_server.address + PREDICT, content=b"{", headers={"Origin": OWN_PAGES})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, OWN_PAGES)


def test_a_preflight_of_another_origin_is_refused(tiny_server: LocalServer, server: LocalServer):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for address in (tiny_server.address, server.address):
        answer = httpx.options(address + PREDICT, headers=headers)
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers
