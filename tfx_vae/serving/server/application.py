"""The ASGI application: the page, the REST API, and health checks and metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tfx_vae.serving.server.answers import describe, write_status
from tfx_vae.serving.server.computation import Computation
from tfx_vae.serving.server.errors import answer_failure, answer_refusal, invalid, not_found
from tfx_vae.serving.server.limits import Limits, Workers, decompressed, read_body
from tfx_vae.serving.server.metrics import Metrics
from tfx_vae.serving.server.pages import PAGE, PAGE_HEADERS, Access, OriginMiddleware, file_routes, only_named_hosts
from tfx_vae.serving.server.versions import AvailableVersions
from tfx_vae.serving.server.watcher import Watcher

_MOST_DIGITS: Final = 19
"""Of a version, an int64."""


def make_application(available: AvailableVersions, watcher: Watcher, limits: Limits, access: Access) -> Starlette:
    """Assembles the server.

    Args:
      available: The versions that can answer.
      watcher: Looks for new versions while the application runs.
      limits: Those of requests.
      access: Who may send requests.
    """
    workers = Workers(limits)
    metrics = Metrics(available, workers)

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        with watcher.watching():
            yield
        workers.close()

    return Starlette(
        routes=[
            # First, because each request is compared with one route after the other.
            *_RestApi(available, workers, limits, metrics).routes(),
            *_page_routes(available, workers),
            *_operation_routes(available, metrics),
        ],
        middleware=[
            only_named_hosts(access),
            Middleware(
                CORSMiddleware,
                allow_origins=access.origins,
                allow_methods=["GET", "HEAD", "POST"],
                allow_headers=["Content-Type", "Content-Encoding"],
            ),
            Middleware(OriginMiddleware, origins=access.origins, hint=": allow it with tfx-vae serve --cors ORIGIN"),
        ],
        exception_handlers={
            HTTPException: answer_refusal,
            ClientDisconnect: _no_answer,
            Exception: answer_failure,
        },
        lifespan=lifespan,
    )


class _RestApi:
    """The routes of TensorFlow Serving's REST API."""

    def __init__(self, available: AvailableVersions, workers: Workers, limits: Limits, metrics: Metrics) -> None:
        self._available = available
        self._workers = workers
        self._limits = limits
        self._metrics = metrics
        self._computation = Computation(available, limits, metrics)

    def routes(self) -> list[Route]:
        return [
            route
            for model in ("/v1/models/{model}", "/v1/models/{model}/versions/{version}")
            for route in (
                Route(f"{model}:predict", self._metrics.counted("predict", self._predict), methods=["POST"]),
                Route(f"{model}:classify", self._metrics.counted("classify", self._refuse), methods=["POST"]),
                Route(f"{model}:regress", self._metrics.counted("regress", self._refuse), methods=["POST"]),
                Route(f"{model}/metadata", self._metrics.counted("metadata", self._metadata)),
                Route(model, self._metrics.counted("status", self._status)),
            )
        ]

    async def _predict(self, request: Request) -> Response:
        with self._workers.place() as hold:
            body = await read_body(request.receive, request.headers, self._limits, hold)
            return _json(await self._workers.run(partial(self._compute, request, body), request.receive))

    def _compute(self, request: Request, body: bytes) -> bytes:
        content = decompressed(body, request.headers, self._limits.body_bytes)
        return self._computation.answer(request.path_params["model"], _version(request), content)

    async def _refuse(self, request: Request) -> Response:
        with self._available.lease(request.path_params["model"], _version(request)):
            raise invalid("The model has no signature for classify or regress: use predict.")

    async def _metadata(self, request: Request) -> Response:
        with self._available.lease(request.path_params["model"], _version(request)) as served:
            return _json(served.metadata)

    async def _status(self, request: Request) -> Response:
        return _json(write_status(self._available.statuses(request.path_params["model"], _version(request))))


def _version(request: Request) -> int | None:
    version = request.path_params.get("version")
    if version is None:
        return None
    if not (version.isascii() and version.isdigit() and len(version) <= _MOST_DIGITS):
        raise not_found(f"{version[:100]!r} is not a version.")
    return int(version)


def _page_routes(available: AvailableVersions, workers: Workers) -> list[Route]:
    def describe_model() -> bytes:
        if available.current_version is None:
            message = "There is no model yet: run the pipeline. This page will load the model when it is pushed."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, message)
        with available.lease(available.name) as served:
            description = describe(served.model, available.name, served.version)
        return orjson.dumps(description, option=orjson.OPT_SERIALIZE_NUMPY)

    async def model(request: Request) -> Response:
        with workers.place():
            content = await workers.run(describe_model, request.receive)
        return Response(content, headers=PAGE_HEADERS, media_type="application/json")

    return [*file_routes(sorted(PAGE.iterdir())), Route("/page/model.json", model)]


def _operation_routes(available: AvailableVersions, metrics: Metrics) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        return Response("ok", media_type="text/plain")

    async def readyz(_request: Request) -> Response:
        if available.current_version is None:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "There is no version to serve yet.")
        return Response("ok", media_type="text/plain")

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        # The path of TensorFlow Serving.
        Route("/monitoring/prometheus/metrics", metrics.show),
    ]


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


async def _no_answer(_request: Request, _error: Exception) -> Response:
    return Response()
