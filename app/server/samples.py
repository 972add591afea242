"""Photographs that are on every machine already: they ship inside scikit-image's wheel."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph, its licence, and spots worth a closer look as (name, cx, cy, scale)."""

    id: str
    title: str
    file: str
    credit: str
    spots: tuple[tuple[str, float, float, float], ...]


SAMPLES = (
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
        "chelsea",
        "Cat",
        "chelsea.png",
        "S. van der Walt, CC0",
        (("eye", 0.375, 0.39, 4), ("whiskers", 0.45, 0.72, 3), ("fur", 0.6, 0.22, 3)),
    ),
    Sample(
        "rocket",
        "Rocket",
        "rocket.jpg",
        "SpaceX, public domain",
        (("lattice", 0.1, 0.3, 3), ("rocket", 0.31, 0.45, 3), ("lights", 0.28, 0.9, 3)),
    ),
)


def sample_path(id: str) -> Path | None:
    """Where the photograph lies on this machine; None if scikit-image did not bring it."""
    package = find_spec("skimage")
    for sample in SAMPLES:
        if sample.id == id and package is not None and package.origin is not None:
            path = Path(package.origin).parent / "data" / sample.file
            return path if path.is_file() else None
    return None
