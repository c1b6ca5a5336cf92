"""The page at `/`: static files and what it shows of the model."""

import mimetypes
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tfx_vae.serving.server.endpoints import error_answer
from tfx_vae.serving.server.rest_api.addresses import METADATA, Address
from tfx_vae.serving.server.rest_api.errors import RestError
from tfx_vae.serving.server.versions.available import AvailableVersions
from tfx_vae.serving.server.workers import Workers

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
    from tfx_vae.serving.page.description import describe

    if available.current_version is None:
        sentence = "There is no model yet: run the pipeline, and this page goes on by itself."
        raise RestError(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
    with available.lease(Address(available.name, None, None, METADATA)) as served:
        description = describe(served.model, available.name, served.version)
    return orjson.dumps(description, option=orjson.OPT_SERIALIZE_NUMPY)
