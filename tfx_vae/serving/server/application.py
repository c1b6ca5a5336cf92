"""The ASGI application: the page, the REST API, and what holds for both.

Answers the REST API's requests over ASGI.

The page at `/`: static files and what it shows of the model.

What the page at `/` has to know of the model; all else it asks through TensorFlow Serving's REST API.
"""

import logging
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
from starlette.types import Receive, Scope, Send

from components.artifacts.latent_map import read_map
from components.artifacts.loaded_model import LoadedModel
from components.errors import DataError
from tfx_vae.serving.server.answers import write_status
from tfx_vae.serving.server.computation import compute
from tfx_vae.serving.server.errors import RestError
from tfx_vae.serving.server.limits import Limits, Workers, decoded, read_body
from tfx_vae.serving.server.requests import METADATA, STATUS, Address, parse_address
from tfx_vae.serving.server.versions import AvailableVersions
from tfx_vae.serving.server.watcher import Watcher


def make_application(available: AvailableVersions, watcher: Watcher, limits: Limits, allowed_hosts: Sequence[str]) -> Starlette:
    """Puts the server together.

    Args:
      available: What answers.
      watcher: Looks for new versions while the application runs.
      limits: What a request may take.
      allowed_hosts: What the Host header may say; `*` for anything.
    """
    workers = Workers(limits.threads, limits.waiting)

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        with watcher.watching():
            yield
        workers.close()

    return Starlette(
        routes=[*page_routes(available, workers), Route("/v1/{path:path}", RestApi(available, workers, limits))],
        # A page elsewhere whose name was made to point here (DNS rebinding) may not read the answers.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts, www_redirect=False)],
        exception_handlers={HTTPException: _refuse},
        lifespan=lifespan,
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(RestError(HTTPStatus(error.status_code), error.detail, error.headers or {}))


_logger = logging.getLogger(__name__)


class RestApi:
    """An ASGI application for everything below /v1."""

    def __init__(self, available: AvailableVersions, workers: Workers, limits: Limits) -> None:
        """Gathers what it needs.

        Args:
          available: What can answer.
          workers: Where it is computed.
          limits: What a request may take.
        """
        self._available = available
        self._workers = workers
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever its method and path."""
        try:
            answer = Response(await self._answer(scope, receive), media_type="application/json")
        except RestError as error:
            answer = error_answer(error)
        except ClientDisconnect:
            return
        except Exception:  # a defect; the server goes on
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            answer = error_answer(RestError(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log says how."))
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        address = parse_address(scope["method"], scope["raw_path"].decode("ascii"))
        if address.method == STATUS:
            return write_status(self._available.statuses(address))
        if address.method == METADATA:
            with self._available.lease(address) as served:
                return served.metadata
        with self._workers.place():
            body = await read_body(scope, receive, self._limits.body_bytes, self._limits.body_seconds)
            return await self._workers.run(partial(self._compute, address, scope, body), receive)

    def _compute(self, address: Address, scope: Scope, body: bytes) -> bytes:
        return compute(address, decoded(scope, body, self._limits.body_bytes), self._available, self._limits)


def error_answer(error: RestError) -> Response:
    """`{"error": "..."}`, as TensorFlow Serving writes it."""
    # Half a surrogate pair can come out of a request, but does not go into UTF-8.
    message = str(error).encode(errors="replace").decode()
    return Response(orjson.dumps({"error": message}), error.status, error.headers, "application/json")


_FOLDER: Final = Path(__file__).parent.parent / "page"
_INDEX: Final = "index.html"
_SUFFIXES: Final = {".html", ".css", ".js", ".svg", ".png", ".ico"}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The next release may have another page.
    "Cache-Control": "no-cache",
}


def page_routes(available: AvailableVersions, workers: Workers) -> list[Route]:
    """Routes for the page's files and for /page/model.json."""
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in _SUFFIXES)
    routes = [Route("/" if path.name == _INDEX else f"/{path.name}", partial(_file, path)) for path in files]
    return [*routes, Route("/page/model.json", partial(_model, available, workers))]


async def _file(path: Path, _request: Request) -> Response:
    return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0], headers=_HEADERS)


async def _model(available: AvailableVersions, workers: Workers, request: Request) -> Response:
    try:
        with workers.place():
            content = await workers.run(partial(_describe, available), request.receive)
    except RestError as error:
        return error_answer(error)
    return Response(content, headers=_HEADERS, media_type="application/json")


def _describe(available: AvailableVersions) -> bytes:

    if available.current_version is None:
        sentence = "There is no model yet: run the pipeline, and this page goes on by itself."
        raise RestError(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
    with available.lease(Address(available.name, None, None, METADATA)) as served:
        description = describe(served.model, available.name, served.version)
    return orjson.dumps(description, option=orjson.OPT_SERIALIZE_NUMPY)


def describe(model: LoadedModel, name: str, version: int) -> dict[str, object]:
    """What `/page/model.json` holds.

    Args:
      model: What is served.
      name: Under which it is served.
      version: Of the model.

    Returns:
      `name` and `version`; `image_shape`: height, width and channels; `latent_dim`; `has_posterior`: whether codes are
      distributions, as a VAE's are; `latent_map`: the fields of `LatentMap`, or None; `latent_map_missing`: a sentence that
      says why there is none, or None.
    """
    try:
        latent_map, missing = read_map(model.directory), None
    except DataError as error:
        latent_map, missing = None, str(error)
    if latent_map is None and missing is None:
        missing = "This model was exported without a latent map: train and push again to see one."
    return {
        "name": name,
        "version": version,
        "image_shape": model.image_shape,
        "latent_dim": model.latent_dim,
        "has_posterior": model.has_posterior,
        "latent_map": None if latent_map is None else latent_map.model_dump(),
        "latent_map_missing": missing,
    }
