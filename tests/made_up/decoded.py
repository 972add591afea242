"""A folder of pictures as somebody else would hand them over: decoded, with their files' sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mode_core.codecs.roundtrip import decode_all
from mode_core.pictures.files import read_image, write_png
from mode_core.types import Target

SIZES_HEAD = ("codec", "rate", "image", "bytes")


def hand_over(
    photos: Sequence[Path], folder: Path, codec: str, targets: Iterable[float], name: str
) -> None:
    """Code the photos with a codec of ours, and leave what somebody called `name` would give."""
    lines = []
    for target in targets:
        place = folder / name / f"r{target:g}"
        place.mkdir(parents=True)
        for photo in photos:
            (made,) = decode_all(codec, read_image(photo), Target(bpp=target))
            write_png(place / f"{photo.stem}.png", made.image)
            lines.append((name, place.name, photo.stem, len(made.file)))
    write_sizes(folder, lines)


def write_sizes(folder: Path, lines: Iterable[Sequence[object]], separator: str = ",") -> None:
    """`sizes.csv` of a folder."""
    text = "".join(f"{separator.join(map(str, line))}\n" for line in [SIZES_HEAD, *lines])
    (folder / "sizes.csv").write_text(text, encoding="utf-8")


def read_sizes(folder: Path) -> list[list[str]]:
    """Its lines without the header."""
    text = (folder / "sizes.csv").read_text(encoding="utf-8")
    return [line.split(",") for line in text.splitlines()[1:]]
