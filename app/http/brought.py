"""Decoded pictures that were made elsewhere, over plain HTTP: one by one, or many at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from anyio import from_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.http.intake import Intake, visitor_of
from app.http.theirs import kept_pane
from app.http.uploads import files_in
from app.panes.names import bytes_text, opened_pane
from app.server.demands import BadRequest
from app.server.elsewhere import Elsewhere, Images, picture_in_memory
from app.server.process import Wanted
from app.server.store import Collection, ImageSet, Opened, Photo

MOST_FILES = 400
"""Of one form; a zip of them is one file."""
_AROUND = 1 << 20
"""Bytes that a form adds to its files."""
_FORM = f"files that belong together (at most {MOST_FILES}, more in a zip) come as one form"


def pane(elsewhere: Elsewhere, wish: object, visitor: str) -> dict[str, Any]:
    """A pane of a picture that is in memory, or with another size; or what is kept at a point."""
    match wish:
        case {"pane": str(key), "bytes": size}:
            return facts_of(elsewhere.resized(key, size, visitor))
        case {"picture": str(picture), "made": str(made), "name": str(name), "bytes": size}:
            photo = elsewhere.service.photo(picture)
            taken = picture_in_memory(elsewhere.service, made)
            return facts_of(elsewhere.open(photo, taken, name, size, visitor))
        case {"picture": str(picture), "name": str(name), "point": [str(), str(), str()] as point}:
            photo = elsewhere.service.photo(picture)
            dataset, codec, rate = point
            return facts_of(kept_pane(elsewhere, photo, name, (dataset, codec, rate), visitor))
    raise BadRequest("expected picture, made, name and bytes, or pane and bytes")


def view(elsewhere: Elsewhere, wish: object, visitor: str, wanted: Wanted) -> dict[str, Any]:
    """One image of the files that came together, with its panes."""
    match wish:
        case {"collection": str(key), "image": str(name), "picture": str(picture)}:
            collection = elsewhere.collection(key)
            image = image_of(collection.images, name)
            photo = elsewhere.service.photo(picture) if picture and not image.original else None
            found = elsewhere.view(collection, image, photo, visitor, wanted)
            panes = [facts_of(one) for one in found.panes]
            return photo_facts(found.photo) | {"panes": panes, "said": list(found.said)}
    raise BadRequest("expected collection, image and picture")


def image_of(images: Images, name: str) -> ImageSet:
    """The image of this name."""
    for image in images:
        if image.name == name:
            return image
    names = ", ".join(one.name for one in images[:8])
    raise BadRequest(f"there is no image {name!r:.70} among these files; there are {names}")


async def take_collection(request: Request, elsewhere: Elsewhere, intake: Intake) -> Response:
    """Files that belong together, as a form; the answer says what they are."""
    limit = elsewhere.service.settings.zip_bytes + _AROUND
    async with intake.body(request, limit) as chunks:
        sent = await files_in(request, chunks, MOST_FILES, _FORM)
        visitor, wanted = visitor_of(request.scope), partial(is_there, request)
        collection, said = await intake.worked(visitor, elsewhere.collect, sent, visitor, wanted)
    return JSONResponse(listing(collection, said))


def listing(collection: Collection, said: Sequence[str]) -> dict[str, Any]:
    """What came together, image by image."""
    images = [
        {
            "name": one.name,
            "original": bool(one.original),
            "pictures": len(one.members),
            "width": one.size[0],
            "height": one.size[1],
        }
        for one in collection.images
    ]
    return {"key": collection.key, "images": images, "said": list(said)}


def facts_of(one: Opened) -> dict[str, Any]:
    """The pane by its name on the page, and what is written in its head."""
    text = "" if one.file_bytes is None else bytes_text(one.file_bytes)
    return {"id": opened_pane(one.key), "label": one.name, "bytes_text": text}


def photo_facts(photo: Photo) -> dict[str, Any]:
    """A picture as the page knows it."""
    height, width, _ = photo.pixels.shape
    return {"key": photo.key, "width": width, "height": height, "notes": list(photo.notes)}


def is_there(request: Request) -> bool:
    """Whether somebody still waits for the answer; asked from a thread of the pool."""
    return not from_thread.run(request.is_disconnected)


def parsed(data: bytes) -> object:
    """The wish in a request."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the request is not JSON") from error
