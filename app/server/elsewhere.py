"""Decoded pictures that were made elsewhere: one at a time, or many that came together.

All of a stranger's bytes are read by the helper process for that; here they are only kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from app.panes.names import plain_name
from app.server.archive import File
from app.server.collection import sorted_out
from app.server.demands import MAX_PANES, OPENED_GONE, PICTURE_GONE, BadRequest, Expired
from app.server.process import Wanted, always
from app.server.reader import Unread, picture_size
from app.server.service import Service
from app.server.sizes import MOST_BYTES
from app.server.store import Collection, ImageSet, Member, Opened, Photo, secret_key
from mode_core.errors import ModeError

Images = Sequence[ImageSet]
_SAID = 12
"""Sentences on what is wrong with files that came together; how many more there are is counted."""
_READINGS = 8
"""Files that came together may take so many times as long as a single one."""
_BYTES_A_PIXEL = 5
"""Of a picture that is shown, with its PNG."""


@dataclass(frozen=True, slots=True)
class View:
    """An image and the pictures beside it, ready to be compared; and what is wrong with others."""

    photo: Photo
    panes: tuple[Opened, ...]
    said: tuple[str, ...] = ()


class Elsewhere:
    """What visitors bring along, in the memory of the service."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def open(
        self, photo: Photo, picture: Photo, name: str, file_bytes: object, visitor: str = ""
    ) -> Opened:
        """The pane of a picture that is in memory; BadRequest unless it fits the original."""
        name = plain_name(name)
        if said := _misfit(name, picture, photo):
            raise BadRequest(said)
        opened = Opened.of(photo, picture, name, size_given(file_bytes))
        self.service.store.put(opened.key, opened, visitor)
        return opened

    def resized(self, key: str, file_bytes: object, visitor: str = "") -> Opened:
        """The pane with another size of its file, or with none: a pane of its own."""
        before = self.service.store.get(key)
        if not isinstance(before, Opened):
            raise Expired(OPENED_GONE)
        photo = self.service.photo(before.photo)
        return self.open(photo, before.picture, before.name, file_bytes, visitor)

    def collect(
        self,
        sent: Sequence[File],
        visitor: str = "",
        wanted: Wanted = always,
        chosen: Callable[[Images], Images] = list,
    ) -> tuple[Collection, list[str]]:
        """Files that came together, each picture of chosen images read once; and what is wrong."""
        images, files, said = self.service.runner.reader.call(
            sorted_out, sent, self.service.settings.zip_bytes, visitor=visitor, wanted=wanted
        )
        images = chosen(images)
        sizes = self._sizes_of(_files_of(images, files), said, visitor, wanted)
        whole = tuple(_fitting(one, sizes, said) for one in images)
        kept = tuple(one for one in whole if one.original or one.members)
        if not kept:
            raise BadRequest(told(said))
        found = _files_of(kept, files)
        key = secret_key("collection", repr(kept), *found.values())
        collection = Collection(key, kept, found)
        self.service.store.put(key, collection, visitor)
        return collection, said

    def collection(self, key: str) -> Collection:
        """Files that came together earlier."""
        found = self.service.store.get(key)
        if not isinstance(found, Collection):
            raise Expired("these files have left the server's memory; open them again")
        return found

    def view(
        self,
        collection: Collection,
        image: ImageSet,
        photo: Photo | None = None,
        visitor: str = "",
        wanted: Wanted = always,
    ) -> View:
        """One image of a collection, beside its own original or else beside this one."""
        if image.original:
            photo = self.service.add_photo(collection.files[image.original], visitor, wanted)
        if photo is None:
            raise BadRequest(
                f"no original came with {image.name or 'these pictures'}; open it first"
            )
        panes: list[Opened] = []
        said: list[str] = []
        for member in self._room(image.members, photo, said):
            try:
                picture = self.service.add_photo(collection.files[member.path], visitor, wanted)
                panes.append(self.open(photo, picture, member.name, member.file_bytes, visitor))
            except BadRequest as error:
                said.append(about(member.name, str(error)))
        if not panes and said:
            raise BadRequest(told(said))
        return View(photo, tuple(panes), tuple(said))

    def most_pixels(self) -> int:
        """Of pictures that are shown at once: half of what is kept for all visitors."""
        return self.service.settings.cache_bytes // 2 // (2 * _BYTES_A_PIXEL)

    def _room(self, members: Sequence[Member], photo: Photo, said: list[str]) -> Sequence[Member]:
        """As many as fit on a screen, and into memory."""
        most = self.most_pixels() // (photo.pixels.size // 3)
        most = max(1, min(MAX_PANES - 1, most))
        if len(members) > most:
            said.append(f"{len(members)} pictures are of this image; the first {most} are shown")
        return members[:most]

    def _sizes_of(
        self, files: dict[str, bytes], said: list[str], visitor: str, wanted: Wanted
    ) -> dict[str, tuple[int, int]]:
        """Width and height of every picture that can be read to its end."""
        reader, settings = self.service.runner.reader, self.service.settings
        until = monotonic() + _READINGS * settings.read_seconds
        sizes = {}
        for path, data in files.items():
            try:
                sizes[path] = reader.call(picture_size, data, visitor=visitor, wanted=wanted)
            except Unread as error:
                raise BadRequest(f"{plain_name(path)}: {error}") from error
            except ModeError as error:
                words = str(error).replace("the uploaded picture", plain_name(path))
                said.append(about(plain_name(path), words))
            if monotonic() > until:
                raise BadRequest(
                    f"these {len(files)} pictures take too long to read; send fewer at a time"
                )
        return sizes


def _files_of(images: Images, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those that are pictures of these images."""
    paths = {path for one in images for path in (one.original, *(m.path for m in one.members))}
    return {path: data for path, data in files.items() if path in paths}


def size_given(file_bytes: object) -> int | None:
    """The size of a file as somebody has said it; None where nobody has."""
    if file_bytes is None or (type(file_bytes) is int and 0 < file_bytes <= MOST_BYTES):
        return file_bytes
    raise BadRequest(f"a size of {file_bytes!r:.20} bytes cannot be; give a whole number above 0")


def about(name: str, words: str) -> str:
    """What is wrong, with the picture's name."""
    return words if name in words else f"{name}: {words}"


def told(said: Sequence[str]) -> str:
    """Everything that is wrong, as far as anyone reads it."""
    more = f"and {len(said) - _SAID} more of that kind" if len(said) > _SAID else ""
    return "; ".join(filter(None, [*said[:_SAID], more]))


def _fitting(image: ImageSet, sizes: dict[str, tuple[int, int]], said: list[str]) -> ImageSet:
    """The image with those of its pictures that can be read and have its size."""
    original = image.original if image.original in sizes else ""
    read = [one for one in image.members if one.path in sizes]
    if not (original or read):
        return image._replace(original="", members=())
    usual = Counter(sizes[one.path] for one in read).most_common(1)
    size = sizes[original] if original else usual[0][0]
    members = tuple(one for one in read if sizes[one.path] == size)
    said += [
        f"{plain_name(one.path)} is {_by(sizes[one.path])} pixels, and its image is {_by(size)}"
        for one in read
        if one not in members
    ]
    return image._replace(original=original, members=members, size=size)


def _misfit(name: str, picture: Photo, photo: Photo) -> str:
    """Why a picture cannot stand beside this original; empty where it can."""
    own, wanted = (one.pixels.shape[1::-1] for one in (picture, photo))
    if own == wanted:
        return ""
    return f"{name} is {_by(own)} pixels, and the original is {_by(wanted)}; open one of that size"


def _by(size: Sequence[int]) -> str:
    return f"{size[0]} x {size[1]}"


def picture_in_memory(service: Service, key: str) -> Photo:
    """A picture that was sent before."""
    found = service.store.get(key)
    if not isinstance(found, Photo):
        raise Expired(PICTURE_GONE)
    return found
