"""Pictures and files over plain HTTP, straight from and into memory: no path of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.panes.names import file_stem
from app.server.service import BadRequest, Service, check_size
from app.server.store import Decoded, Photo, StoredFile
from app.viewer.exports import Wish, figure, table
from mode_core.errors import ModeError

STATIC = ("shared", "viewer/static", "explorer/static")
"""Folders of `app` whose scripts and styles browsers may read, each at its own path."""
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_FOREVER = {**_SAFE, "Cache-Control": "private, max-age=31536000, immutable"}
_ASK_AGAIN = {**_SAFE, "Cache-Control": "no-cache"}
_KINDS = {"png": "image/png", "pdf": "application/pdf"}

Answer = Callable[[bytes], Response]


def media_routes(service: Service) -> list[BaseRoute]:
    """Everything under /mode: scripts and styles, pictures out, photos and `.mode` files in."""

    def send(request: Request) -> Response:
        entry = service.store.get(request.path_params["key"])
        if request.path_params["ending"] == "png" and isinstance(entry, Photo | Decoded):
            return Response(entry.png, media_type="image/png", headers=_FOREVER | _name(request))
        if request.path_params["ending"] == "mode" and isinstance(entry, StoredFile | Decoded):
            file = entry.data if isinstance(entry, StoredFile) else entry.picture.file
            kind = "application/octet-stream"
            return Response(file, media_type=kind, headers=_FOREVER | _name(request))
        return JSONResponse({"error": "this is not in memory any more"}, 404, _SAFE)

    def photo(data: bytes) -> Response:
        taken = service.add_photo(data)
        height, width, _ = taken.pixels.shape
        notes = list(taken.notes)
        return _json({"key": taken.key, "width": width, "height": height, "notes": notes})

    def file(data: bytes) -> Response:
        return _json({"key": service.add_file(data).key})

    def numbers(data: bytes) -> Response:
        return _json({"text": table(service, _wish(data))})

    def drawing(data: bytes) -> Response:
        wish = _wish(data)
        return Response(figure(service, wish), media_type=_KINDS.get(wish.kind), headers=_SAFE)

    return [
        Route("/mode/media/{key:str}.{ending:str}", send),
        # A refused upload is answered with 200: browsers would log any other status as a failure.
        _post("/mode/photo", service, photo, refused=200),
        _post("/mode/file", service, file, refused=200),
        _post("/mode/table", service, numbers, refused=422),
        _post("/mode/figure", service, drawing, refused=422),
        *static_routes(),
    ]


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


def _post(path: str, service: Service, answer: Answer, refused: int) -> Route:
    """Read a body up to the limit; whatever is wrong with it is answered with a sentence."""

    async def receive(request: Request) -> Response:
        try:
            data = await _body(request, service.settings.upload_bytes)
            return await run_in_threadpool(answer, data)
        except ModeError as error:
            return JSONResponse({"error": str(error)}, refused, _SAFE)

    return Route(path, receive, methods=["POST"])


async def _body(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        check_size(size, limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _wish(data: bytes) -> Wish:
    try:
        return Wish.parse(json.loads(data))
    except ValueError as error:
        raise BadRequest("the request is not JSON") from error


def _json(content: dict[str, object]) -> Response:
    return JSONResponse(content, headers=_SAFE)


def _name(request: Request) -> dict[str, str]:
    """A download name, if one was asked for, of harmless characters only."""
    if not (asked := request.query_params.get("name", "")):
        return {}
    name = f"{file_stem(asked)}.{request.path_params['ending']}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
