"""What the server remembers: pictures and files, and how many bytes each takes.

Nothing is written to disk, so nothing is left behind. Keys cannot be guessed: they are keyed
hashes whose secret lives as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from app.panes.weights import maker_name, state_of
from mode_core.pictures.files import FASTEST, Picture, png_bytes
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, Image, Reconstruction

_SECRET = secrets.token_bytes(32)


def secret_key(*parts: bytes | str) -> str:
    """A name for this content that only this server can make."""
    mac = hmac.new(_SECRET, digestmod="sha256")
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "little") + data)
    return mac.hexdigest()[:32]


def recon_key(source: str, maker: str, anchor: Anchor | None, bpp: float) -> str:
    """The name under which a decoded picture is kept: made of what it was made from."""
    how = maker, state_of(maker), str(anchor or ""), f"{bpp:.6g}"
    return secret_key("decoded", source, *how)


@dataclass(frozen=True, slots=True)
class Photo:
    """A canonical picture: what is shown and measured as the original."""

    key: str
    pixels: Image = field(repr=False)
    png: bytes = field(repr=False)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: str, picture: Picture) -> Photo:
        """The picture with its PNG."""
        return cls(key, picture.pixels, png_bytes(picture.pixels, level=FASTEST), picture.notes)


@dataclass(frozen=True)
class Decoded:
    """A decoded picture in memory: where to find it, and how browsers get it."""

    key: str
    photo: str
    """Key of the original, "" for a file that came without one."""
    picture: Reconstruction
    png: bytes = field(repr=False)
    timing: str = ""
    """What its times were taken on; "" where they say nothing of this server."""

    @classmethod
    def of(
        cls, picture: Reconstruction, photo: str = "", bpp: float = 0.0, timing: str = ""
    ) -> Decoded:
        """The picture with its PNG; `bpp` is the rate that was asked for, if one was."""
        source = photo or hashlib.sha256(picture.file).hexdigest()
        key = recon_key(source, maker_name(picture.codec, picture.profile), picture.anchor, bpp)
        png = png_bytes(picture.image, picture.terms, FASTEST)
        return cls(key, photo, picture, png, timing)

    @property
    def measured_as(self) -> str:
        """Where its metrics are kept."""
        return self.key

    @property
    def pixels(self) -> Image:
        """What is shown and measured."""
        return self.picture.image

    @property
    def maker(self) -> str:
        """Whose picture this is, as in app.panes.weights."""
        return maker_name(self.picture.codec, self.picture.profile)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file: two pictures come from one file only if these are equal."""
        return hashlib.sha256(self.picture.file).hexdigest()


@dataclass(frozen=True, slots=True)
class Opened:
    """A decoded picture that was made elsewhere, beside the original it was opened for."""

    key: str
    photo: str
    """Key of the original."""
    picture: Photo
    name: str
    """A stranger's text, short and on one line, and nothing more is known of it."""
    file_bytes: int | None = None
    """Size of its file, where somebody has said so."""

    @classmethod
    def of(cls, photo: Photo, picture: Photo, name: str, file_bytes: int | None) -> Opened:
        """The pane; its key is made of all that it shows, so that it always shows the same."""
        key = secret_key("opened", photo.key, picture.key, name, f"{file_bytes}")
        return cls(key, photo.key, picture, name, file_bytes)

    @property
    def png(self) -> bytes:
        """What browsers get."""
        return self.picture.png

    @property
    def pixels(self) -> Image:
        """What is shown and measured."""
        return self.picture.pixels

    @property
    def measured_as(self) -> str:
        """Where its metrics are kept: they depend on the two pictures alone."""
        return secret_key("pair", self.photo, self.picture.key)

    @property
    def bpp(self) -> float | None:
        """The rate, where the size is known."""
        height, width, _ = self.picture.pixels.shape
        return None if self.file_bytes is None else 8 * self.file_bytes / (width * height)


class Member(NamedTuple):
    """A decoded picture among the files that came together."""

    path: str
    name: str
    file_bytes: int | None = None


class ImageSet(NamedTuple):
    """One image of a collection: its original, if that came too, and what was made of it."""

    name: str
    original: str
    """Path among the files; empty where there is none."""
    members: tuple[Member, ...]
    size: tuple[int, int] = (0, 0)
    """Width and height, once they are known."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Files that came together: pictures of one or of many images, still as they were sent."""

    key: str
    images: tuple[ImageSet, ...]
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded `.mode` file, parsed but not yet decoded."""

    key: str
    data: bytes = field(repr=False)
    bitstream: Bitstream = field(repr=False)

    @property
    def sha256(self) -> str:
        """What its pictures are kept under."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures in it."""
        return self.bitstream.width, self.bitstream.height


@dataclass(frozen=True, slots=True)
class Sealed:
    """The pictures of a blind test as browsers get them, by picture and candidate."""

    pngs: Mapping[tuple[str, str], bytes] = field(repr=False)


Entry = Photo | Decoded | Opened | Collection | StoredFile | Sealed


_EACH = 16 << 10
"""What an entry costs beside its bytes: strangers may send thousands of pictures of one pixel."""


def size_of(entry: Entry) -> int:
    """The bytes that an entry holds on to; a file is there twice, as it is and parsed."""
    match entry:
        case Photo():
            return _EACH + entry.pixels.nbytes + len(entry.png)
        case Decoded():
            picture = entry.picture
            return _EACH + picture.image.nbytes + len(entry.png) + 2 * len(picture.file)
        case Opened():
            return _EACH + size_of(entry.picture)
        case Collection():
            return _EACH * len(entry.files) + sum(map(len, entry.files.values()))
        case StoredFile():
            return _EACH + 2 * len(entry.data)
        case Sealed():
            return _EACH * len(entry.pngs) + sum(map(len, entry.pngs.values()))
