"""How requests are refused: an HTTP status, and a JSON object `{"error": "..."}` as from TensorFlow Serving."""

from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


def invalid(message: str) -> HTTPException:
    """The request is wrong: 400."""
    return HTTPException(HTTPStatus.BAD_REQUEST, message)


def not_found(message: str) -> HTTPException:
    """The requested thing does not exist: 404."""
    return HTTPException(HTTPStatus.NOT_FOUND, message)


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """The answer to a request that was refused with an HTTPException."""
    assert isinstance(error, HTTPException)
    return _answer(error.status_code, error.detail, dict(error.headers or {}))


async def answer_failure(_request: Request, _error: Exception) -> Response:
    """The answer to a request that failed because of a defect; uvicorn logs the exception."""
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log has the details.", {})


def _answer(status: int, message: str, headers: dict[str, str]) -> Response:
    # A message that quotes a request may contain lone surrogates, which have no UTF-8.
    content = orjson.dumps({"error": message.encode(errors="replace").decode()})
    return Response(content, status, headers, "application/json")
