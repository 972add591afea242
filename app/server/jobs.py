"""What a worker process does: one codec on one picture, or the metrics of two pictures."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from app.panes.weights import maker_of, need_weights, parts_of, sentence
from app.server.store import StoredFile
from mode_core.codecs.registry import load_codec
from mode_core.codecs.roundtrip import decode_all, decode_file
from mode_core.errors import ModeError
from mode_core.metrics import METRICS, Measured, measure, unavailable
from mode_core.types import Anchor, Image, Reconstruction, Target

NOT_HERE = "not available on this server"
_LOG = logging.getLogger("mode.app")


@dataclass(frozen=True, slots=True)
class Job:
    """Encode `pixels` at `bpp` and decode at every anchor; "" is a codec's only way to decode."""

    codec: str
    """A maker, as in app.panes.weights."""
    anchors: tuple[str, ...]
    bpp: float
    pixels: Image = field(repr=False)
    file: StoredFile | None = field(default=None, repr=False)
    """The file of an earlier job, if only other anchors of it are wanted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: its pictures, or the sentence that says why there are none."""

    codec: str
    pictures: tuple[Reconstruction, ...] = ()
    error: str = ""


def run_job(job: Job) -> Outcome:
    """Encode once, decode once per anchor; every picture comes out of the file's bytes."""
    try:
        if job.file is not None:
            made = [replace(one, target_bpp=job.bpp) for one in _opened(job.file, job.anchors)]
        else:
            need_weights(job.codec)
            codec, profile = parts_of(job.codec)
            anchors = [anchor_of(text) for text in job.anchors]
            made = decode_all(codec, job.pixels, Target(bpp=job.bpp), anchors, profile)
    except ModeError as error:
        return Outcome(job.codec, error=sentence(error))
    return Outcome(job.codec, tuple(made))


def open_file(file: StoredFile, anchors: Sequence[str] = ()) -> Outcome:
    """The pictures in a `.mode` file: at these anchors, or at all that its codec offers."""
    try:
        return Outcome(maker_of(file.bitstream), tuple(_opened(file, anchors)))
    except ModeError as error:
        return Outcome("", error=sentence(error))


def anchor_of(text: str) -> Anchor | None:
    """The anchor of a pane; "" is a codec's only way to decode."""
    return Anchor.parse(text) if text else None


def warm(codecs: Sequence[str]) -> None:
    """Load what takes long to load, so that the first visitor does not wait for it."""
    for id in codecs:
        with suppress(ModeError):
            need_weights(id)
            load_codec(*parts_of(id))


def _opened(file: StoredFile, anchors: Sequence[str]) -> list[Reconstruction]:
    need_weights(maker_of(file.bitstream))
    return decode_file(file.data, file.bitstream, [anchor_of(text) for text in anchors])


def measure_pair(reference: Image, decoded: Image, names: Sequence[str]) -> Measured:
    """The named metrics; where files for one are of no use visitors read so, and the log why."""
    known = {*unavailable()}
    found = measure(reference, decoded, names)
    log_unavailable(known)
    lost, missing = unavailable(), found.missing.items()
    plain = {name: NOT_HERE if name in lost else sentence(why) for name, why in missing}
    return Measured(found.values, plain)


def log_unavailable(but: Collection[str] = ()) -> None:
    """Tell who runs the server which metrics nothing here can compute, and what would help."""
    for name, why in unavailable().items():
        if name not in but:
            _LOG.warning("no %s on this page: %s", METRICS[name].label, why)
