"""What /view of the API does: pictures that were decoded elsewhere, beside their original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.http.brought import image_of
from app.http.uploads import Uploads
from app.panes.names import ORIGINAL, opened_pane
from app.server.archive import is_zip
from app.server.demands import MAX_PANES, BadRequest
from app.server.elsewhere import Elsewhere, View, about, told
from app.server.queue import Question
from app.server.service import Service
from app.server.store import Photo
from mode_core.errors import ModeError


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call gives; anything may stand in any place."""

    uploads: Uploads
    original: object
    pictures: object
    names: object
    sizes: object
    image: object

    def files(self) -> list[bytes]:
        """The pictures, or zips, as they were sent."""
        given = self.pictures if isinstance(self.pictures, list) else [self.pictures]
        if not 0 < len(given) < MAX_PANES:
            raise BadRequest(f"{len(given)} pictures were sent; it must be 1 to {MAX_PANES - 1}")
        return [self.uploads.named(one) for one in given]


def viewed(service: Service, wish: Wish, asker: Question) -> dict[str, Any]:
    """The rows of one image or of several, under their names; the note says what is wrong."""
    elsewhere = Elsewhere(service)
    files, photo = wish.files(), None
    if wish.original is not None:
        data = wish.uploads.named(wish.original)
        photo = service.add_photo(data, asker.visitor, asker.listening)
    said: list[str] = []
    if any(map(is_zip, files)):
        views = _of_zip(elsewhere, wish, files, photo, asker, said)
    elif photo is None:
        raise BadRequest("no original was sent to measure the pictures by")
    else:
        views = iter([("", _of_pictures(elsewhere, wish, files, photo, asker))])
    answers = []
    for name, view in views:
        panes = [ORIGINAL, *(opened_pane(one.key) for one in view.panes)]
        *_, last = service.compare(view.photo.key, panes, 0.0, asker)
        answer = last.as_json()
        answer["panes"] = [one | {"image": name} for one in answer["panes"]]
        answers.append(answer)
        said += view.said
    rows = [row for answer in answers for row in answer["panes"]]
    return answers[0] | {"panes": rows, "note": told(said)}


def _of_zip(
    elsewhere: Elsewhere,
    wish: Wish,
    files: Sequence[bytes],
    photo: Photo | None,
    asker: Question,
    said: list[str],
) -> Iterator[tuple[str, View]]:
    """The images in zips, or the one that is wished for."""
    if wish.names or wish.sizes:
        raise BadRequest("names and bytes are of single pictures; a zip has its own, in sizes.csv")
    sent = [(f"picture {at}", data) for at, data in enumerate(files, 1)]
    collection, wrong = elsewhere.collect(sent, asker.visitor, asker.listening)
    said += wrong
    chosen = [image_of(collection, str(wish.image))] if wish.image else collection.images
    if photo and not wish.image and sum(not one.original for one in chosen) > 1:
        names = ", ".join(one.name for one in chosen[:8])
        raise BadRequest(f"the original is of one image; say of which, with image: {names}")
    how = photo, asker.visitor, asker.listening
    return ((one.name, elsewhere.view(collection, one, *how)) for one in chosen)


def _of_pictures(
    elsewhere: Elsewhere, wish: Wish, files: Sequence[bytes], photo: Photo, asker: Question
) -> View:
    """One picture after the other; what is wrong with any of them is told at once."""
    count = len(files)
    names = _for_each(wish.names, "names", [f"picture {at + 1}" for at in range(count)])
    sizes = _for_each(wish.sizes, "bytes", [None] * count)
    panes, said = [], []
    for data, name, size in zip(files, map(str, names), sizes, strict=True):
        try:
            picture = elsewhere.service.add_photo(data, asker.visitor, asker.listening)
            panes.append(elsewhere.open(photo, picture, name, size, asker.visitor))
        except ModeError as error:
            said.append(about(name, str(error)))
    if said:
        raise BadRequest(told(said))
    return View(photo, tuple(panes))


def _for_each(given: object, what: str, usual: list[Any]) -> list[Any]:
    """A list with one entry for each picture; the usual ones where nothing was given."""
    if given is None or given == []:
        return usual
    some = given if isinstance(given, list) else [given]
    if len(some) != len(usual):
        raise BadRequest(f"{len(some)} {what} came for {len(usual)} pictures; give all or none")
    return some
