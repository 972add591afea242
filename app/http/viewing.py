"""What /view of the API does: pictures that were decoded elsewhere, beside their original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.http.brought import image_of
from app.http.uploads import Uploads
from app.panes.names import ORIGINAL, opened_pane, plain_name
from app.server.archive import is_zip
from app.server.demands import MAX_PANES, BadRequest
from app.server.elsewhere import Elsewhere, Images, View, about, told
from app.server.queue import Question
from app.server.service import Service
from app.server.store import ImageSet, Photo
from mode_core.errors import ModeError

MOST_IMAGES = 24
"""Of one call, as many as the Kodak set has."""
_NAMED = 8
"""Images that a refusal names."""


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
    zips = sum(map(is_zip, files))
    if 0 < zips < len(files):
        raise BadRequest("zips and single pictures came in one call; send them in a call each")
    if wish.original is not None:
        data = wish.uploads.named(wish.original)
        photo = service.add_photo(data, asker.visitor, asker.listening)
    if zips:
        return _of_zips(elsewhere, wish, files, photo, asker)
    if photo is None:
        raise BadRequest("no original was sent to measure the pictures by")
    return _compared(service, "", _of_pictures(elsewhere, wish, files, photo, asker), asker)


def _compared(service: Service, name: str, view: View, asker: Question) -> dict[str, Any]:
    """The answer for one image, whose name stands in its rows."""
    panes = [ORIGINAL, *(opened_pane(one.key) for one in view.panes)]
    *_, last = service.compare(view.photo.key, panes, 0.0, asker)
    answer = last.as_json()
    rows = [one | {"image": name} for one in answer["panes"]]
    return answer | {"panes": rows, "note": told(view.said)}


def _of_zips(
    elsewhere: Elsewhere,
    wish: Wish,
    files: Sequence[bytes],
    photo: Photo | None,
    asker: Question,
) -> dict[str, Any]:
    """The images in zips, or the one wished for; one that fails does not cost the others."""
    if wish.sizes:
        raise BadRequest("bytes are of single pictures; a zip has its own, in sizes.csv")
    names = _for_each(wish.names, "names", [f"zip {at}" for at in range(1, len(files) + 1)])
    sent = [(f"{plain_name(str(name))}.zip", data) for name, data in zip(names, files, strict=True)]
    who = asker.visitor, asker.listening
    collection, said = elsewhere.collect(sent, *who, lambda images: _chosen(images, wish, photo))
    _check_room(elsewhere, collection.images)
    answers = []
    for one in collection.images:
        one = _called(one, names[0]) if wish.names and len(files) == 1 else one
        try:
            view = elsewhere.view(collection, one, photo, *who)
            answers.append(_compared(elsewhere.service, one.name, view, asker))
        except ModeError as error:
            said.append(about(one.name, str(error)))
        if not asker.listening():
            break
    if not answers:
        raise BadRequest(told(said))
    rows = [row for answer in answers for row in answer["panes"]]
    said += [answer["note"] for answer in answers if answer["note"]]
    return answers[0] | {"panes": rows, "note": told(said)}


def _called(image: ImageSet, name: object) -> ImageSet:
    """The image with the name that was given for its zip, where that is of a single picture."""
    match image.members:
        case [only] if "/" not in only.path:
            return image._replace(members=(only._replace(name=plain_name(str(name))),))
    return image


def _chosen(images: Images, wish: Wish, photo: Photo | None) -> Images:
    """The images that are measured; BadRequest before any is read where that cannot be."""
    if wish.image:
        images = [image_of(images, str(wish.image))]
    first = ", ".join(one.name or "these pictures" for one in images[:_NAMED])
    names = first + (", …" if images[_NAMED:] else "")
    if len(images) > MOST_IMAGES:
        raise BadRequest(
            f"{len(images)} images were sent, and {MOST_IMAGES} is the most for one call; send "
            f"fewer, or ask for one after the other with image: {names}"
        )
    without = [one for one in images if not one.original]
    if photo and len(without) > 1:
        raise BadRequest(f"the original is of one image; say of which, with image: {names}")
    if not photo and len(without) == len(images):
        raise BadRequest(f"no original came with {names}; put it beside them as original/IMAGE.png")
    return images


def _check_room(elsewhere: Elsewhere, images: Images) -> None:
    """BadRequest, before any is measured, unless the pictures of all images fit into memory."""
    most = elsewhere.most_pixels()
    pixels = [one.size[0] * one.size[1] * min(len(one.members) + 1, MAX_PANES) for one in images]
    if len(images) > 1 and sum(pixels) > most:
        raise BadRequest(
            f"the pictures of these {len(images)} images have {sum(pixels) / 1e6:.1f} megapixels, "
            f"and {most / 1e6:.1f} is the most for one call here; send fewer, or ask for one "
            f"image after the other, with image: {images[0].name}"
        )


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
