"""Pictures and files over plain HTTP, straight from and into memory: no path of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.blind.tests import OpenTests
from app.http import brought
from app.http.blind import blind_routes
from app.http.brought import is_there, parsed, photo_facts
from app.http.intake import Intake, joined, visitor_of
from app.http.uploads import Uploads, take_upload
from app.panes.names import file_stem
from app.panes.weights import sentence
from app.server.demands import BadRequest
from app.server.elsewhere import Elsewhere
from app.server.service import Service
from app.server.store import Decoded, Opened, Photo, StoredFile
from app.viewer import figures
from app.viewer.exports import Wish, table
from mode_core.errors import ModeError

STATIC = ("shared", "viewer/static", "meeting/static", "explorer/static", "blind/static")
"""Folders of `app` whose scripts and styles browsers may read, each at its own path."""
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_ASK_AGAIN = {"Cache-Control": "no-cache"}

Answer = Callable[[bytes, Request], Response]


def media_routes(service: Service, intake: Intake, uploads: Uploads) -> list[BaseRoute]:
    """Everything under /mode: scripts and styles, pictures out, photos and `.mode` files in.

    Uploads of the API come to us too: Gradio's own would write them to the disk.
    """

    async def upload(request: Request) -> Response:
        return await take_upload(request, service.settings, intake, uploads)

    limit = service.settings.upload_bytes
    # A refused upload is answered with 200: browsers would log any other status as a failure.
    taken = {**_pictures_in(service), **_others_in(Elsewhere(service))}
    return [
        Route("/gradio_api/upload", upload, methods=["POST"]),
        _media(service),
        *(_post(f"/mode/{name}", answer, 200, intake, limit) for name, answer in taken.items()),
        *(
            _post(f"/mode/{name}", answer, 422, intake, limit)
            for name, answer in _made_of_pictures(service).items()
        ),
        _collection(Elsewhere(service), intake),
        *blind_routes(OpenTests(service), partial(_post, intake=intake)),
        *static_routes(),
    ]


def _media(service: Service) -> Route:
    """Pictures and files out of memory."""

    def send(request: Request) -> Response:
        entry = service.store.get(request.path_params["key"])
        if request.path_params["ending"] == "png" and isinstance(entry, Photo | Decoded | Opened):
            return Response(entry.png, media_type="image/png", headers=_FOREVER | _name(request))
        if request.path_params["ending"] == "mode" and isinstance(entry, StoredFile | Decoded):
            file = entry.data if isinstance(entry, StoredFile) else entry.picture.file
            kind = "application/octet-stream"
            return Response(file, media_type=kind, headers=_FOREVER | _name(request))
        return JSONResponse({"error": "this is not in memory any more"}, 404)

    return Route("/mode/media/{key:str}.{ending:str}", send)


def _pictures_in(service: Service) -> dict[str, Answer]:
    """Photographs and `.mode` files, one at a time."""

    def photo(data: bytes, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        return JSONResponse(
            photo_facts(service.add_photo(data, visitor, partial(is_there, request)))
        )

    def file(data: bytes, request: Request) -> Response:
        return JSONResponse({"key": service.add_file(data, visitor_of(request.scope)).key})

    return {"photo": photo, "file": file}


def _others_in(elsewhere: Elsewhere) -> dict[str, Answer]:
    """Panes of what was decoded elsewhere."""

    def pane(data: bytes, request: Request) -> Response:
        return JSONResponse(brought.pane(elsewhere, parsed(data), visitor_of(request.scope)))

    def view(data: bytes, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        wanted = partial(is_there, request)
        return JSONResponse(brought.view(elsewhere, parsed(data), visitor, wanted))

    return {"pane": pane, "view": view}


def _made_of_pictures(service: Service) -> dict[str, Answer]:
    """Parts, tables and figures of pictures that are in memory."""
    drawer = figures.Figures(service)

    def part(data: bytes, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        made = service.part(*_part(data), visitor, partial(is_there, request))
        return JSONResponse(photo_facts(made))

    def numbers(data: bytes, _request: Request) -> Response:
        return JSONResponse({"text": table(service, Wish.parse(parsed(data)))})

    def drawing(data: bytes, request: Request) -> Response:
        wish = figures.Wish.parse(parsed(data))
        made = drawer.answer(wish, visitor_of(request.scope), partial(is_there, request))
        return Response(made, media_type=figures.KINDS[wish.kind])

    return {"part": part, "table": numbers, "figure": drawing}


def _collection(elsewhere: Elsewhere, intake: Intake) -> Route:
    """Files that belong together, which come as a form."""

    async def collection(request: Request) -> Response:
        try:
            return await brought.take_collection(request, elsewhere, intake)
        except ModeError as error:
            return JSONResponse({"error": sentence(error)})

    return Route("/mode/collection", collection, methods=["POST"])


def static_routes() -> list[BaseRoute]:
    """Scripts and styles at the addresses of their paths in `app`, so relative imports work."""
    here = Path(__file__).parents[1]
    return [Mount(f"/mode/static/{one}", _Scripts(directory=here / one)) for one in STATIC]


class _Scripts(StaticFiles):
    """Nothing but scripts and styles, never older than the server's: old and new don't mix."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return super().lookup_path(path) if path.endswith((".js", ".css")) else ("", None)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(_ASK_AGAIN)
        return response


def _post(path: str, answer: Answer, refused: int, intake: Intake, limit: int) -> Route:
    """Read a body up to the limit; whatever is wrong with it is answered with a sentence."""

    async def receive(request: Request) -> Response:
        try:
            async with intake.body(request, limit) as chunks:
                data, visitor = await joined(chunks), visitor_of(request.scope)
                return await intake.worked(visitor, answer, data, request)
        except ModeError as error:
            return JSONResponse({"error": sentence(error)}, refused)

    return Route(path, receive, methods=["POST"])


def _part(data: bytes) -> tuple[str, list[int] | None]:
    match parsed(data):
        case {"picture": str(picture), "box": [int(), int(), int(), int()] as box}:
            return picture, box
        case {"picture": str(picture), **more} if "box" not in more:
            return picture, None
    raise BadRequest("expected a picture, and perhaps a box of [x, y, width, height]")


def _name(request: Request) -> dict[str, str]:
    """A download name, if one was asked for, of harmless characters only."""
    if not (asked := request.query_params.get("name", "")):
        return {}
    name = f"{file_stem(asked)}.{request.path_params['ending']}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
