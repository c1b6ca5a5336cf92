"""What the server counts and measures, for Prometheus."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from components.artifacts.loaded_model import Array
from components.artifacts.signature_names import SCORE
from tfx_vae.serving.server.limits import Workers
from tfx_vae.serving.server.versions import AvailableVersions

Endpoint = Callable[[Request], Awaitable[Response]]

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
# Ten in each power of ten. Negative scores, of continuous likelihoods, share the first one: with more, there would be no sum.
_NATS: Final = (0, *(round(10 ** (1 + step / 10), 1) for step in range(31)))
_DISCONNECTED: Final = 499


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self, available: AvailableVersions, workers: Workers) -> None:
        """Starts with zeros.

        Args:
          available: The versions, whose states are reported.
          workers: Their queue is reported.
        """
        self._available = available
        self._workers = workers
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "tfx_vae_requests", "REST requests by method and HTTP status.", ["method", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "tfx_vae_request_seconds",
            "Seconds from the head of a REST request to its answer.",
            ["method"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._model_seconds = Histogram(
            "tfx_vae_model_seconds", "Seconds in the model.", ["signature"], buckets=_SECONDS, registry=self._registry
        )
        self._scores = Histogram(
            "tfx_vae_score_nats",
            "Scores of images by serving_default: the negative ELBO in nats per image.",
            ["version"],
            buckets=_NATS,
            registry=self._registry,
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The values that are read when Prometheus asks."""
        yield GaugeMetricFamily("tfx_vae_requests_computing", "Requests being computed.", self._workers.computing)
        yield GaugeMetricFamily("tfx_vae_requests_waiting", "Requests that wait for a thread.", self._workers.waiting)
        versions = GaugeMetricFamily("tfx_vae_version", "1 for the state of each version.", labels=["version", "state"])
        for status in self._available.all_statuses():
            versions.add_metric([str(status.version), status.state], 1)
        yield versions

    def counted(self, method: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint, counted and timed under a name."""

        async def count(request: Request) -> Response:
            start, status = perf_counter(), 500
            try:
                response = await endpoint(request)
                status = response.status_code
                return response
            except HTTPException as error:
                status = error.status_code
                raise
            except ClientDisconnect:
                status = _DISCONNECTED
                raise
            finally:
                self._requests.labels(method, status).inc()
                self._request_seconds.labels(method).observe(perf_counter() - start)

        return count

    def note_outputs(self, version: int, signature: str, outputs: Mapping[str, Array], seconds: float) -> None:
        """Records an answer of the model.

        Args:
          version: Of the model.
          signature: Its name.
          outputs: By name.
          seconds: That the model took.
        """
        self._model_seconds.labels(signature).observe(seconds)
        for score in outputs.get(SCORE, ()):
            self._scores.labels(version).observe(score)

    async def show(self, _request: Request) -> Response:
        """All metrics in Prometheus's text format."""
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4; charset=utf-8")
