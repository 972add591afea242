"""Pictures and files over plain HTTP, straight from and into memory: no path of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.service import BadRequest, Service
from app.store import Decoded, Photo
from app.text import file_stem
from mode_core.errors import ModeError

STATIC = Path(__file__).parent / "static"
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_FOREVER = {**_SAFE, "Cache-Control": "private, max-age=31536000, immutable"}


def media_routes(service: Service) -> list[BaseRoute]:
    """Everything under /mode: scripts and styles, pictures out, photos and `.mode` files in."""

    def send(request: Request) -> Response:
        entry = service.store.get(request.path_params["key"])
        if request.path_params["ending"] == "png" and isinstance(entry, Photo | Decoded):
            return Response(entry.png, media_type="image/png", headers=_FOREVER | _name(request))
        if request.path_params["ending"] == "mode" and isinstance(entry, Decoded):
            kind = "application/octet-stream"
            return Response(entry.file, media_type=kind, headers=_FOREVER | _name(request))
        return JSONResponse({"error": "this is not in memory any more"}, 404, _SAFE)

    async def photo(request: Request) -> Response:
        return await _receive(request, service, lambda data: _photo(service, data))

    async def file(request: Request) -> Response:
        return await _receive(request, service, lambda data: _file(service, data))

    return [
        Route("/mode/media/{key:str}.{ending:str}", send),
        Route("/mode/photo", photo, methods=["POST"]),
        Route("/mode/file", file, methods=["POST"]),
        Mount("/mode/static", StaticFiles(directory=STATIC)),
    ]


async def _receive(
    request: Request, service: Service, take: Callable[[bytes], dict[str, object]]
) -> Response:
    """Read the body up to the limit; whatever is wrong with it is answered with a sentence."""
    try:
        data = await _body(request, service.settings.upload_bytes)
        return JSONResponse(await run_in_threadpool(take, data), headers=_SAFE)
    except ModeError as error:
        return JSONResponse({"error": str(error)}, 422, _SAFE)


async def _body(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BadRequest(f"the file has more than {limit >> 20} MB, which is the limit here")
        chunks.append(chunk)
    return b"".join(chunks)


def _photo(service: Service, data: bytes) -> dict[str, object]:
    photo = service.add_photo(data)
    height, width, _ = photo.pixels.shape
    return {"key": photo.key, "width": width, "height": height, "notes": list(photo.notes)}


def _file(service: Service, data: bytes) -> dict[str, object]:
    return {"key": service.add_file(data).key}


def _name(request: Request) -> dict[str, str]:
    """A download name, if one was asked for, of harmless characters only."""
    if not (asked := request.query_params.get("name", "")):
        return {}
    name = f"{file_stem(asked)}.{request.path_params['ending']}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
