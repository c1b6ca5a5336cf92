"""Answers the REST API's requests over ASGI."""

import logging
from functools import partial
from http import HTTPStatus

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tfx_vae.serving.server.body import decoded, read_body
from tfx_vae.serving.server.computation import compute
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.rest_api.addresses import METADATA, STATUS, Address, parse_address
from tfx_vae.serving.server.rest_api.errors import RestError
from tfx_vae.serving.server.rest_api.model_answers import write_status
from tfx_vae.serving.server.versions.available import AvailableVersions
from tfx_vae.serving.server.workers import Workers

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
