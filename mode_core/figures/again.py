"""A figure made again from its record: pictures are found by their hashes, never by names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mode_core.codecs.registry import load_codec
from mode_core.codecs.roundtrip import load_decoder
from mode_core.errors import ModeError
from mode_core.figures.making import Made, make
from mode_core.figures.plan import Crop, Figure, FigureError, Pane
from mode_core.figures.record import (
    PACKAGES,
    PaneFacts,
    Record,
    Source,
    file_hash,
    pixels_hash,
)
from mode_core.metrics import Measured, measurable, measure
from mode_core.pictures.files import read_image
from mode_core.stream.container import MAGIC, Bitstream
from mode_core.types import Anchor, Image, Target
from mode_core.weights.provenance import versions

MOST_FILES = 1000
"""That are looked at in a folder."""
_MOST_BYTES = 400_000_000
Say = Callable[[str], None]


@dataclass(slots=True)
class Found:
    """What was found among the files that were given, by hash."""

    pictures: dict[str, Image] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def made_again(record: Record, places: Sequence[Path], say: Say) -> tuple[Made, list[str]]:
    """The figure, and a sentence for each thing that is another one than it was."""
    missing = [key for key in record.options.metrics if key not in measurable()]
    if missing:
        raise FigureError(f"the figure shows {', '.join(missing)}, which cannot be measured here")
    found = _search(record, places)
    original = found.pictures.get(record.original)
    if original is None:
        raise FigureError(
            "none of the files given with --pictures is the original "
            f"{record.title!r:.60} of {record.size[0]}x{record.size[1]} pixels "
            f"(SHA-256 of its pixels: {record.original[:16]}…)"
        )
    differs: list[str] = []
    panes = [_pane(facts, original, found, differs, say) for facts in record.panes]
    figure = Figure(
        original=original,
        panes=tuple(panes),
        crops=record.crops,
        options=record.options,
        bpp=record.bpp,
        title=record.title,
        credit=record.credit,
    )

    def ask(at: int, part: Crop, keys: Sequence[str]) -> Measured:
        return measure(part.of(original), part.of(panes[at].image), keys)

    made = make(figure, ask)
    return made, [*differs, *_compared(record, made, bool(differs))]


def _pane(facts: PaneFacts, original: Image, found: Found, differs: list[str], say: Say) -> Pane:
    """A pane as it is here; of a file that is here its own size counts, not what is said of it."""
    source, size = facts.source, facts.bytes_file
    if source.codec:
        file = found.files.get(source.file) or _encoded(original, facts, found, differs, say)
        image, size = _decoded(file, source), len(file)
        if size != facts.bytes_file:
            differs.append(
                f"the file of {facts.label} has {size} bytes, and the manifest says "
                f"{facts.bytes_file}"
            )
    elif source.pixels in found.pictures:
        image = found.pictures[source.pixels]
    else:
        raise FigureError(
            f"none of the files given with --pictures is {facts.label!r:.60}, which was made "
            f"elsewhere (SHA-256 of its pixels: {source.pixels[:16]}…)"
        )
    if image.shape != original.shape:
        raise FigureError(f"{facts.label!r:.60} has another size than the original")
    if pixels_hash(image) != source.pixels:
        differs.append(
            f"{facts.label} is drawn with other pixels here: by another version, device or "
            "precision than the manifest's"
        )
    return Pane(facts.label, image, size, source.target_bpp, facts.whose, facts.licence)


def _encoded(
    original: Image, facts: PaneFacts, found: Found, differs: list[str], say: Say
) -> bytes:
    """The file of a pane, made anew; what is another one about it is told."""
    source = facts.source
    if not source.target_bpp:
        raise FigureError(
            f"the file of {facts.label!r:.60} was not made here; give it with --pictures "
            f"(SHA-256 {source.file[:16]}…)"
        )
    say(f"encoding {facts.label} at {source.target_bpp:g} bpp")
    made = load_codec(source.codec, source.profile).encode(original, Target(bpp=source.target_bpp))
    data = made.to_bytes()
    if made.weights.hex() != source.weights:
        differs.append(
            f"{facts.label} has other weights here ({made.weights.hex()}) than in the manifest "
            f"({source.weights:.40})"
        )
    elif file_hash(data) != source.file:
        differs.append(f"the file of {facts.label} has other bytes here than in the manifest")
    found.files[source.file] = data  # for its other anchors
    return data


def _decoded(file: bytes, source: Source) -> Image:
    bitstream = Bitstream.from_bytes(file)
    anchor = Anchor.parse(source.anchor) if source.anchor else None
    return load_decoder(bitstream, source.profile).decode(bitstream, anchor)


def _compared(record: Record, made: Made, explained: bool) -> Iterator[str]:
    """What came out differently, and why, unless that was said of what it is made from."""
    others = [
        ending for ending, digest in record.files.items() if file_hash(made.files[ending]) != digest
    ]
    if not others or explained:
        return
    if record.numbers != made.numbers.texts():
        yield "the numbers are others here than in the manifest: see versions in it"
        return
    here = versions(PACKAGES)
    changed = [
        f"{name} {here[name]} here and {there} there"
        for name, there in record.versions.items()
        if here.get(name, there) != there
    ]
    why = ", ".join(changed) if changed else "the same versions, so another program"
    yield f"{' and '.join(others).upper()} have other bytes than in the manifest ({why})"


def _search(record: Record, places: Sequence[Path]) -> Found:
    """What the record names, as far as these files and folders have it."""
    wanted = {record.original} | {one.source.pixels for one in record.panes if not one.source.codec}
    files = {one.source.file for one in record.panes if one.source.codec}
    found = Found()
    pictures = []
    for path in _files(places):
        data = _start(path)
        if data == MAGIC:
            whole = path.read_bytes()
            if (digest := file_hash(whole)) in files:
                found.files[digest] = whole
        elif data:
            pictures.append(path)
    for path in pictures:
        if wanted <= found.pictures.keys():
            break
        try:
            image = read_image(path)
        except (ModeError, OSError):
            continue
        if (digest := pixels_hash(image)) in wanted:
            found.pictures[digest] = image
    return found


def _files(places: Sequence[Path]) -> list[Path]:
    """Files that were named, and those directly in folders that were; no others."""
    some: list[Path] = []
    for place in places:
        if not place.exists():
            raise FigureError(f"{place} is not there; name a picture or a folder of pictures")
        some += sorted(place.iterdir()) if place.is_dir() else [place]
        if len(some) > MOST_FILES:
            raise FigureError(f"{place} has more than {MOST_FILES} files; name the pictures")
    return [one for one in some if one.is_file() and one.stat().st_size <= _MOST_BYTES]


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(MAGIC))
