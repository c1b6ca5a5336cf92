"""The ASGI application of `tfx-vae ui`: its page, and its answers as JSON under /api/."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from components.errors import ConfigurationError, PipelineError
from tfx_vae.serving.server import pages
from tfx_vae.serving.server.errors import answer_failure, answer_refusal, invalid
from tfx_vae.ui.actions import Actions
from tfx_vae.ui.answers import Answers

_PAGE: Final = Path(__file__).parent / "page"
_SHARED: Final = ("page.css", "plot.js", "icon.svg")
"""Files of the drawing page that this page uses too."""

_TOKEN_HEADER: Final = "X-Tfx-Vae-Token"
_BODY_BYTES: Final = 1 << 20

_REPORT_POLICY: Final = "sandbox allow-popups; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"
"""A report has no scripts, and whatever its directory holds cannot use this page's rights."""


def make_application(answers: Answers, access: pages.Access, actions: Actions | None = None) -> Starlette:
    """Assembles the server.

    Args:
      answers: What is known.
      access: Who may send requests.
      actions: What may be changed; None for nothing.
    """

    files = [*sorted(_PAGE.iterdir()), *(pages.PAGE / name for name in _SHARED)]
    return Starlette(
        routes=[*pages.file_routes(files), *_read_routes(answers, actions), _action_route(answers, actions)],
        middleware=[pages.only_named_hosts(access), Middleware(pages.OriginMiddleware, origins=access.origins)],
        exception_handlers={
            HTTPException: answer_refusal,
            PipelineError: _answer_error,
            Exception: answer_failure,
        },
    )


def _read_routes(answers: Answers, actions: Actions | None) -> list[Route]:
    def report(request: Request) -> Response:
        path = answers.report_file(_run(request), request.path_params["file"])
        policy = {"Content-Security-Policy": f"{_REPORT_POLICY}; frame-ancestors 'self'"}
        return FileResponse(path, headers=pages.PAGE_HEADERS | policy)

    def artifacts(request: Request) -> dict[str, Any]:
        asked = request.query_params
        return answers.artifacts(asked.get("type"), asked.get("words", ""), _number(request, "start") or 0)

    def garbage(request: Request) -> dict[str, Any]:
        keep_last = _number(request, "keep_last")
        return answers.garbage(1 if keep_last is None else keep_last, request.query_params.get("older_than", ""))

    return [
        _json_route("/api/about", lambda _: answers.about() | {"allows_actions": actions is not None}),
        _json_route("/api/runs", lambda request: answers.runs(_number(request, "last"))),
        _json_route("/api/runs/{run}", lambda request: answers.run(_run(request))),
        _json_route("/api/runs/{run}/log", lambda request: answers.log(_run(request))),
        _json_route("/api/runs/{run}/curves", lambda request: answers.curves(_run(request))),
        _json_route("/api/champions", lambda _: answers.champions()),
        _json_route("/api/artifacts", artifacts),
        _json_route("/api/artifacts/{id:int}", lambda request: answers.artifact(request.path_params["id"])),
        _json_route("/api/garbage", garbage),
        _json_route("/api/differences", lambda request: answers.differences(request.query_params.getlist("run"))),
        Route("/report/{run}/{file}", report),
    ]


def _action_route(answers: Answers, actions: Actions | None) -> Route:
    """What changes something: only for the page itself, of which the token tells."""

    async def act(request: Request) -> Response:
        if actions is None:
            raise HTTPException(HTTPStatus.FORBIDDEN, "This page only reads: start tfx-vae ui with --allow-actions.")
        if request.headers.get("origin") is None or not actions.knows(request.headers.get(_TOKEN_HEADER, "")):
            raise HTTPException(HTTPStatus.FORBIDDEN, "Open the address that tfx-vae ui printed: it has the token.")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _BODY_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.")
        done = await run_in_threadpool(actions.carry_out, request.path_params["kind"], body)
        answers.forget()
        return Response(orjson.dumps(done), headers=pages.PAGE_HEADERS, media_type="application/json")

    return Route("/api/actions/{kind}", act, methods=["POST"])


def _run(request: Request) -> str:
    return str(request.path_params["run"])


def _number(request: Request, name: str) -> int | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise invalid(f"{name} must be a number.")
    return int(given)


def _json_route(path: str, compute: Callable[[Request], Any]) -> Route:
    def answer(request: Request) -> Response:  # not async: it waits for the disk, so Starlette runs it in a thread
        content = orjson.dumps(compute(request))
        tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        headers = pages.PAGE_HEADERS | {"ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    return Route(path, answer)


async def _answer_error(request: Request, error: Exception) -> Response:
    """The answer to what cannot be done: 400 for what was asked for, 409 for what is not there or not in order."""
    status = HTTPStatus.BAD_REQUEST if isinstance(error, ConfigurationError) else HTTPStatus.CONFLICT
    return await answer_refusal(request, HTTPException(status, str(error)))
