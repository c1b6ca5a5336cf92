"""What every page of ours is served with: files, headers, and who may send requests. Imports no slow module."""

import mimetypes
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tfx_vae.serving.server.errors import answer_refusal

PAGE: Final = Path(__file__).parent.parent / "page"
"""The files of the drawing page."""

_INDEX: Final = "index.html"

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The page may change with the next release.
    "Cache-Control": "no-cache",
}


def file_routes(files: Sequence[Path]) -> list[Route]:
    """A route to each file of a page, by its name."""

    async def answer(path: Path, _request: Request) -> Response:
        return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0], headers=PAGE_HEADERS)

    return [Route("/" if path.name == _INDEX else f"/{path.name}", partial(answer, path)) for path in files]


class Access(NamedTuple):
    """Who may send requests.

    Attributes:
      hosts: Values of the Host header that are accepted; `*` for any.
      origins: Of pages that may use the REST API besides the server's own; `*` for any.
    """

    hosts: Sequence[str]
    origins: Sequence[str] = ()


def only_named_hosts(access: Access) -> Middleware:
    """Refuses other Host headers: a foreign page whose name leads to this machine (DNS rebinding) may not read the answers."""
    return Middleware(TrustedHostMiddleware, allowed_hosts=access.hosts, www_redirect=False)


class OriginMiddleware:
    """Refuses POST requests of foreign pages: CORS keeps them from reading the answers, but not from causing the work."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], hint: str = "") -> None:
        """Accepts the server's own pages and those of other origins; `hint` says how to allow more."""
        self._app = app
        self._origins = origins
        self._message = f"The request comes from a page of another origin{hint}."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http" and scope["method"] == "POST" and self._is_foreign(Headers(scope=scope)):
            answer = await answer_refusal(Request(scope), HTTPException(HTTPStatus.FORBIDDEN, self._message))
            return await answer(scope, receive, send)
        return await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return False
        return origin.partition("://")[2] != headers.get("host")
