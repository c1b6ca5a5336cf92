"""The ASGI application: the page, the REST API, and what holds for both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tfx_vae.serving.server.endpoints import RestApi, error_answer
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.page_routes import page_routes
from tfx_vae.serving.server.rest_api.errors import RestError
from tfx_vae.serving.server.versions.available import AvailableVersions
from tfx_vae.serving.server.versions.watcher import Watcher
from tfx_vae.serving.server.workers import Workers


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
