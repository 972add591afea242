"""The gallery: photographs that ship inside scikit-image's wheel, and a host's own folder."""

from __future__ import annotations

import csv
import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from mode_core.errors import ModeError
from mode_core.pictures.files import load_picture

CREDITS = "credits.csv"
_LOG = logging.getLogger("mode.app")
_LONGEST = 38
"""A link holds names of 48 characters."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph, its licence, and spots worth a closer look as (name, cx, cy, scale)."""

    id: str
    title: str
    file: str
    credit: str
    spots: tuple[tuple[str, float, float, float], ...]
    path: Path | None = None
    """Where a host's picture lies; ours are found in scikit-image."""


SAMPLES = (
    Sample(
        "chelsea",
        "Cat",
        "chelsea.png",
        "S. van der Walt, CC0",
        (
            ("face", 0.47, 0.47, 2),
            ("eye", 0.375, 0.39, 4),
            ("whiskers", 0.45, 0.72, 3),
        ),
    ),
    Sample(
        "astronaut",
        "Astronaut",
        "astronaut.png",
        "Eileen Collins, NASA, public domain",
        (("face", 0.43, 0.23, 2), ("patch", 0.335, 0.75, 3), ("tag", 0.6, 0.7, 4)),
    ),
    Sample(
        "motorcycle",
        "Motorcycle",
        "motorcycle_left.png",
        "D. Scharstein, Middlebury 2014, CC0",
        (("engine", 0.55, 0.6, 2), ("lettering", 0.57, 0.4, 4), ("wheel", 0.81, 0.75, 2)),
    ),
    Sample(
        "coffee",
        "Coffee",
        "coffee.png",
        "R. Michetti, Pikolo Espresso Bar, CC0",
        (("spoon", 0.61, 0.72, 2), ("froth", 0.47, 0.33, 3), ("grain", 0.85, 0.25, 2)),
    ),
    Sample(
        "rocket",
        "Rocket",
        "rocket.jpg",
        "SpaceX, public domain",
        (("lattice", 0.1, 0.3, 3), ("rocket", 0.31, 0.45, 3), ("lights", 0.28, 0.9, 3)),
    ),
)


def gallery(folder: Path | None = None) -> Mapping[str, Sample]:
    """Ours and then those of a host's folder, by id."""
    own = _pictures_of(folder) if folder else ()
    return MappingProxyType({one.id: one for one in (*SAMPLES, *own)})


def sample_path(sample: Sample) -> Path | None:
    """Where the photograph lies on this machine; None if scikit-image did not bring it."""
    package = find_spec("skimage")
    if sample.path is None and package is not None and package.origin is not None:
        path = Path(package.origin).parent / "data" / sample.file
        return path if path.is_file() else None
    return sample.path


def _pictures_of(folder: Path) -> Iterator[Sample]:
    """The pictures of a folder, in the order of their names; the log says which cannot be read."""
    credits = _credits(folder / CREDITS)
    for path in sorted(folder.iterdir()):
        if path.name == CREDITS or path.name.startswith(".") or not path.is_file():
            continue
        try:
            load_picture(path.read_bytes())
        except (ModeError, OSError) as error:
            _LOG.warning("left out of the gallery: %s: %s", path.name, error)
            continue
        title, credit = credits.get(path.name, ("", ""))
        title = title or re.sub(r"[-_]+", " ", path.stem).strip().capitalize() or path.name
        yield Sample(_id_of(path.name), title, path.name, credit, (), path)


def _credits(path: Path) -> dict[str, tuple[str, str]]:
    """Title and credit of each file that the table names; an unreadable table names none."""
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [{k: v or "" for k, v in row.items()} for row in csv.DictReader(lines)]
        return {row["file"]: (row.get("title", ""), row.get("credit", "")) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        _LOG.warning(
            "%s of the gallery cannot be read (columns file,title,credit): %r", path.name, error
        )
        return {}


def _id_of(name: str) -> str:
    """What links call a picture: its file name, or what links can hold of it and a short hash."""
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower())
    if plain != name or len(plain) > _LONGEST:
        stem, _, ending = plain.rpartition(".")
        mark = hashlib.sha256(name.encode()).hexdigest()[:8]
        plain = f"{stem[:20]}-{mark}.{ending[:8]}"
    return f"pictures/{plain}"
