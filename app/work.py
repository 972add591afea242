"""What a worker process does: one codec on one picture, or the metrics of two pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

from app.makers import info_of, maker_of, need_weights, parts_of, with_profile
from mode_core.bitstream import Bitstream
from mode_core.errors import ModeError
from mode_core.images import FASTEST, png_bytes
from mode_core.metrics import Measured, measure
from mode_core.registry import load_codec
from mode_core.roundtrip import decode_all, output_label, terms_of_file
from mode_core.types import Anchor, Image, Target
from mode_core.weights import FOLDER_VARIABLE, weights_folders

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Job:
    """Encode `pixels` at `bpp` and decode at every anchor; "" is a codec's only way to decode."""

    codec: str
    """A maker, as in app.makers."""
    anchors: tuple[str, ...]
    bpp: float
    pixels: Image = field(repr=False)
    file: bytes = field(default=b"", repr=False)
    """The file of an earlier job, when only other anchors are wanted of it."""


@dataclass(frozen=True, slots=True)
class View:
    """One decoded picture, as pixels and as the PNG that browsers get."""

    anchor: str
    label: str
    pixels: Image = field(repr=False)
    png: bytes = field(repr=False)
    decode_s: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: its views, or the sentence that says why there are none."""

    codec: str
    views: tuple[View, ...] = ()
    file: bytes = field(default=b"", repr=False)
    target_bpp: float | None = None
    encode_s: float | None = None
    error: str = ""


def run_job(job: Job) -> Outcome:
    """Encode once, decode once per anchor; every picture comes out of the file's bytes."""
    if job.file:
        return replace(open_file(job.file, job.anchors), target_bpp=job.bpp)
    anchors = [_anchor(text) for text in job.anchors]
    try:
        need_weights(job.codec)
        codec, profile = parts_of(job.codec)
        made = decode_all(codec, job.pixels, Target(bpp=job.bpp), anchors, profile)
    except ModeError as error:
        return Outcome(job.codec, error=sentence(error))
    terms = terms_of_file(Bitstream.from_bytes(made[0].file))
    views = tuple(
        View(
            anchor,
            with_profile(one.label, job.codec),
            one.image,
            png_bytes(one.image, terms, FASTEST),
            one.decode_s,
            one.note,
        )
        for anchor, one in zip(job.anchors, made, strict=True)
    )
    return Outcome(job.codec, views, made[0].file, job.bpp, made[0].encode_s)


def open_file(data: bytes, anchors: Sequence[str] = ()) -> Outcome:
    """The pictures in a `.mode` file: at these anchors, or at all that its codec offers."""
    try:
        stream = Bitstream.from_bytes(data)
        maker = maker_of(stream)
        need_weights(maker)
        wanted = anchors or ["" if one is None else str(one) for one in info_of(maker).outputs]
        views = tuple(_decode(maker, data, anchor) for anchor in wanted)
    except ModeError as error:
        return Outcome("", error=sentence(error))
    return Outcome(maker, views, data, stream.target_bpp)


def warm(codecs: Sequence[str]) -> None:
    """Load what takes long to load, so that the first visitor does not wait for it."""
    for id in codecs:
        with suppress(ModeError):
            need_weights(id)
            load_codec(id)


def sentence(error: ModeError) -> str:
    """The error's words, as visitors may read them."""
    return without_folders(str(error))


def without_folders(words: str) -> str:
    """The same words without the folders that this program and its weights lie in."""
    imported = str(weights_folders()[-1])
    return words.replace(f"{ROOT}{os.sep}", "").replace(imported, FOLDER_VARIABLE)


def _decode(maker: str, data: bytes, anchor: str) -> View:
    codec, place = load_codec(*parts_of(maker)), _anchor(anchor)
    start = perf_counter()
    stream = Bitstream.from_bytes(data)
    pixels = codec.decode(stream, place)
    decode_s = perf_counter() - start
    label = with_profile(output_label(codec.info, place), maker)
    png = png_bytes(pixels, terms_of_file(stream), FASTEST)
    return View(anchor, label, pixels, png, decode_s)


def _anchor(text: str) -> Anchor | None:
    return Anchor.parse(text) if text else None


def measure_pair(reference: Image, decoded: Image, names: Sequence[str]) -> Measured:
    """These metrics; where LPIPS cannot be had, its student under its own name."""
    measured = measure(reference, decoded, names)
    values, missing = dict(measured.values), dict(measured.missing)
    if "lpips" in missing:
        student = measure(reference, decoded, ("lpips_student",))
        values |= student.values
        missing |= student.missing
    return Measured(values, {name: without_folders(why) for name, why in missing.items()})
