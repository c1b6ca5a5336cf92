"""The ASGI application: the page and the REST API."""

import mimetypes
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tfx_vae.serving.server.answers import describe, write_status
from tfx_vae.serving.server.computation import compute
from tfx_vae.serving.server.errors import answer_failure, answer_refusal, invalid, not_found
from tfx_vae.serving.server.limits import Limits, Workers, decompressed, read_body
from tfx_vae.serving.server.versions import AvailableVersions
from tfx_vae.serving.server.watcher import Watcher

_PAGE: Final = Path(__file__).parent.parent / "page"
_INDEX: Final = "index.html"
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The page may change with the next release.
    "Cache-Control": "no-cache",
}
_MOST_DIGITS: Final = 19
"""Of a version, an int64."""


def make_application(available: AvailableVersions, watcher: Watcher, limits: Limits, allowed_hosts: Sequence[str]) -> Starlette:
    """Assembles the server.

    Args:
      available: The versions that can answer.
      watcher: Looks for new versions while the application runs.
      limits: Those of requests.
      allowed_hosts: Values of the Host header that are accepted; `*` for any.
    """
    workers = Workers(limits.threads, limits.waiting)

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        with watcher.watching():
            yield
        workers.close()

    return Starlette(
        routes=[*_page_routes(available, workers), *_RestApi(available, workers, limits).routes()],
        # A foreign page whose name resolves to this machine (DNS rebinding) may not read the answers.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts, www_redirect=False)],
        exception_handlers={
            HTTPException: answer_refusal,
            ClientDisconnect: _no_answer,
            Exception: answer_failure,
        },
        lifespan=lifespan,
    )


class _RestApi:
    """The routes of TensorFlow Serving's REST API."""

    def __init__(self, available: AvailableVersions, workers: Workers, limits: Limits) -> None:
        self._available = available
        self._workers = workers
        self._limits = limits

    def routes(self) -> list[Route]:
        return [
            route
            for model in ("/v1/models/{model}", "/v1/models/{model}/versions/{version}")
            for route in (
                Route(f"{model}:predict", self._predict, methods=["POST"]),
                *(Route(f"{model}:{method}", self._refuse, methods=["POST"]) for method in ("classify", "regress")),
                Route(f"{model}/metadata", self._metadata),
                Route(model, self._status),
            )
        ]

    async def _predict(self, request: Request) -> Response:
        with self._workers.place():
            body = await read_body(request.receive, request.headers, self._limits.body_bytes, self._limits.body_seconds)
            return _json(await self._workers.run(partial(self._compute, request, body), request.receive))

    def _compute(self, request: Request, body: bytes) -> bytes:
        content = decompressed(body, request.headers, self._limits.body_bytes)
        return compute(request.path_params["model"], _version(request), content, self._available, self._limits)

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
    async def file(path: Path, _request: Request) -> Response:
        return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0], headers=_PAGE_HEADERS)

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
        return Response(content, headers=_PAGE_HEADERS, media_type="application/json")

    routes = [Route("/" if path.name == _INDEX else f"/{path.name}", partial(file, path)) for path in sorted(_PAGE.iterdir())]
    return [*routes, Route("/page/model.json", model)]


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


async def _no_answer(_request: Request, _error: Exception) -> Response:
    return Response()
