"""What a figure was made of, and what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mode_core.figures.plan import Crop, Figure, Options
from mode_core.types import Image
from mode_core.weights.provenance import versions

NAME = "mode-figure"
"""What the files of a figure are called, but for their endings."""
PACKAGES = ("matplotlib", "numpy", "pillow", "torch")
"""What draws a figure: other versions may make other bytes."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the picture of a pane comes from: a codec's file, or a picture that somebody opened."""

    pixels: str
    """SHA-256 of the decoded picture."""
    codec: str = ""
    """Empty for a picture that was made elsewhere."""
    profile: str = ""
    """Whose weights, as commands call them; empty for bundled ones."""
    anchor: str = ""
    target_bpp: float | None = None
    file: str = ""
    """SHA-256 of the `.mode` file."""
    weights: str = ""
    """The tag of the weights, as the file has it."""


@dataclass(frozen=True, slots=True)
class PaneFacts:
    """A pane as it is written down: all but its pixels."""

    label: str
    source: Source
    bytes_file: int | None = None
    whose: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """All that it takes to make a figure again, and what came out."""

    options: Options
    bpp: float
    title: str
    credit: str
    size: tuple[int, int]
    """Width and height of the original."""
    original: str
    """SHA-256 of its pixels."""
    original_file: str
    """SHA-256 of the file that they came from, where that is known."""
    crops: tuple[Crop, ...]
    panes: tuple[PaneFacts, ...]
    numbers: Any = None
    """What is printed under the cells."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file of the figure, by its ending."""
    versions: Mapping[str, str] = field(default_factory=dict)


def pixels_hash(image: Image) -> str:
    """SHA-256 of a picture's size and pixels, whatever file holds them."""
    height, width, _ = image.shape
    return hashlib.sha256(b"%dx%d RGB\n" % (width, height) + image.tobytes()).hexdigest()


def file_hash(data: bytes) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(data).hexdigest()


def record_of(
    figure: Figure,
    sources: Sequence[Source],
    original_file: str,
    numbers: Any,
    files: Mapping[str, bytes],
) -> Record:
    """What is written down of a figure that was drawn."""
    height, width, _ = figure.original.shape
    facts = tuple(
        PaneFacts(pane.label, source, pane.bytes_file, pane.whose, pane.licence)
        for pane, source in zip(figure.panes, sources, strict=True)
    )
    return Record(
        options=figure.options,
        bpp=figure.bpp,
        title=figure.title,
        credit=figure.credit,
        size=(width, height),
        original=pixels_hash(figure.original),
        original_file=original_file,
        crops=figure.crops,
        panes=facts,
        numbers=numbers,
        files={ending: file_hash(data) for ending, data in files.items()},
        versions=versions(PACKAGES),
    )


def stem_of(source: Source, at: int) -> str:
    """What a pane's file is called in a folder of its own: of harmless letters alone."""
    if not source.codec:
        return f"opened-{at + 1}"
    parts = [source.codec, source.profile, f"{source.target_bpp:.6g}" if source.target_bpp else ""]
    return "-".join(filter(None, parts))


def commands(record: Record) -> list[str]:
    """What makes each file and picture again, and then the figure."""
    run, lines = "python -m mode_core", []
    for at, pane in enumerate(record.panes):
        one = pane.source
        if not one.codec:
            continue
        stem, profile = stem_of(one, at), f" --profile {one.profile}" if one.profile else ""
        anchor = f" --anchor {one.anchor}" if one.anchor else ""
        if one.target_bpp:
            wish = f"--codec {one.codec} --bpp {one.target_bpp!r}{profile}"
            lines.append(f"{run} encode original.png {stem}.mode {wish}")
        picture = f"{stem}-{one.anchor}" if one.anchor else stem
        lines.append(f"{run} decode {stem}.mode {picture}.png{anchor}{profile}")
    return [*dict.fromkeys(lines), f"{run} figure {NAME}.json --pictures ."]
