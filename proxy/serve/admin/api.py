"""The paths of the admin API, and their descriptions, from which /openapi.json is made."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import trio
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException

from proxy import __version__
from proxy.core.statistics import Statistics
from proxy.serve.admin.changes import add_changes
from proxy.serve.admin.dashboard import pages
from proxy.serve.admin.exposition import CONTENT_TYPE, render
from proxy.serve.admin.host_check import HostCheck
from proxy.serve.admin.prometheus import families
from proxy.serve.admin.snapshot import Snapshots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hypercorn.typing import Framework

    from proxy.serve.admin.dashboard.pages import Page
    from proxy.serve.control.controller import Controller

EVENT_EVERY = 1.0  # seconds
NOT_STORED = {"Cache-Control": "no-store"}


def make_app(controller: Controller, stop: trio.Event) -> Framework:
    """stop: ends event streams. Raises OSError and ValueError, as `Guard`."""
    app = FastAPI(
        title="rproxy",
        version=__version__,
        description="What a running rproxy knows, and what can be changed in it. Changes need the token of [admin].",
        docs_url=None,  # pages that load scripts from elsewhere
        redoc_url=None,
    )
    _add_views(app, controller, stop)
    _add_dashboard(app)
    add_changes(app, controller)
    app.add_middleware(HostCheck, controller=controller)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    return app  # type: ignore[return-value] # each of the two has its own words for the same ASGI


def _add_views(app: FastAPI, controller: Controller, stop: trio.Event) -> None:
    snapshots = Snapshots(controller)

    @app.get("/api/statistics", response_model=Statistics, tags=["views"])
    async def statistics() -> Response:
        """Everything: workers, frontends, pools with their backends, the last changes of state."""
        return Response(snapshots.json(), media_type="application/json", headers=NOT_STORED)

    @app.get("/api/events", response_class=StreamingResponse, tags=["views"])
    async def events() -> StreamingResponse:
        """The same once a second, as server-sent events: `data:` is the JSON of /api/statistics."""
        return StreamingResponse(_events(snapshots, stop), media_type="text/event-stream", headers=NOT_STORED)

    @app.get("/metrics", response_class=PlainTextResponse, tags=["views"])
    async def metrics() -> Response:
        """For Prometheus, in its text format."""
        return Response(await render(families(controller.statistics())), media_type=CONTENT_TYPE)

    @app.get("/healthz", response_class=PlainTextResponse, tags=["views"])
    async def healthz() -> PlainTextResponse:
        """200 while this process moves. How backends fare is in /api/statistics."""
        return PlainTextResponse("ok\n")


def _add_dashboard(app: FastAPI) -> None:
    """Not in the OpenAPI: it is for eyes."""
    for path, page in pages.load().items():
        app.add_api_route(path, _giver(page), include_in_schema=False)


def _giver(page: Page) -> Callable[[], Awaitable[Response]]:
    async def give() -> Response:
        return Response(page.body, headers={**pages.HEADERS, "Content-Type": page.content_type})

    return give


async def _events(snapshots: Snapshots, stop: trio.Event) -> AsyncIterator[bytes]:
    """Until the client leaves, or rproxy ends."""
    while not stop.is_set():
        yield b"data: %b\n\n" % snapshots.json()
        with trio.move_on_after(EVENT_EVERY):
            await stop.wait()


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = error.detail if error.detail != HTTPStatus(error.status_code).phrase else _phrase(request, error)
    return JSONResponse({"error": message}, error.status_code, error.headers)


def _phrase(request: Request, error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"there is nothing at {request.url.path}; /openapi.json says what there is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.url.path} does not take {request.method}"
    return error.detail


async def _not_understood(request: Request, error: Exception) -> JSONResponse:
    """The body is not what the path takes."""
    assert isinstance(error, RequestValidationError)
    if "json" not in request.headers.get("content-type", ""):  # what curl -d says, which most will try first
        message = "the body has to be JSON, with Content-Type: application/json; with curl: --json '{...}'"
        return JSONResponse({"error": message}, HTTPStatus.UNPROCESSABLE_ENTITY)
    faults = [f"{'.'.join(map(str, fault['loc'][1:])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
    return JSONResponse({"error": "; ".join(faults)}, HTTPStatus.UNPROCESSABLE_ENTITY)
