"""What the path of a picture says of it: whose it is, at what rate, and of which image."""

from __future__ import annotations

from pathlib import PurePosixPath

from app.panes.names import plain_name
from mode_core.pictures.files import ENDINGS
from mode_core.stream.sheets import alike

ORIGINALS = ("original", "originals", "orig", "source", "reference", "ref", "gt", "uncompressed")
DEEPEST = 3
"""Names in CODEC/RATE/IMAGE.png."""
Place = tuple[str, str, str]


def place_of(path: str) -> Place:
    """Codec, rate and image of a picture, by the folders it lies in; empty where it has none."""
    *folders, name = parts_of(path)
    codec, rate = [*folders, "", ""][:2]
    return codec, rate, PurePosixPath(name).stem


def parts_of(path: str) -> list[str]:
    """The names in a path."""
    return [part for part in path.split("/") if part]


def stem_of(path: str) -> str:
    """What a picture and its bitstream share: all but the ending."""
    return str(PurePosixPath(path).with_suffix(""))


def place_like(place: Place) -> Place:
    """What places have in common that differ in small and large letters, or in a rate's zeros."""
    codec, rate, image = place
    return alike(codec), alike(rate), image.casefold()


def path_like(path: str) -> tuple[str, ...]:
    """The same of whole paths."""
    *folders, name = parts_of(path) or [""]
    return (*map(alike, folders), name.casefold())


def is_picture(path: str) -> bool:
    """Whether its ending is that of a picture."""
    return ending_of(path) in ENDINGS


def ending_of(path: str) -> str:
    """The ending in small letters, with its dot."""
    return PurePosixPath(path).suffix.lower()


def is_original(name: str) -> bool:
    """Whether a folder or picture of this name says that it is what others were made of."""
    return name.lower() in ORIGINALS


def shown(path: str) -> str:
    """A stranger's path in a sentence."""
    return plain_name(path)
