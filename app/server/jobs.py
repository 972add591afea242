"""What a worker process does: one codec on one picture, or the metrics of two pictures."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from app.panes.names import parse_pane, rate_of
from app.panes.weights import info_of, maker_of, need_weights, parts_of, sentence
from app.server.store import StoredFile
from mode_core.codecs.registry import load_codec
from mode_core.codecs.roundtrip import decode_all, decode_file
from mode_core.errors import ModeError
from mode_core.metrics import METRICS, QUICK_METRICS, Measured, measure, unavailable
from mode_core.types import Anchor, Image, Reconstruction, Target

R = TypeVar("R")
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
    measured: tuple[Measured, ...] = ()
    """The quick metrics of each picture; the others come later."""
    timing: str = ""
    """What the times were taken on."""
    bpp: float = 0.0
    """The rate that was asked for; 0 for a file that somebody brought."""

    @classmethod
    def failed(cls, job: Job, why: str) -> Outcome:
        """No pictures, and the sentence that says why."""
        return cls(job.codec, error=why, bpp=job.bpp)


@dataclass(frozen=True, slots=True)
class Begun:
    """A job is being worked on from now."""

    codec: str
    decodes: bool = False
    """Whether its file is there already, so that nothing is coded."""
    bpp: float = 0.0

    @classmethod
    def of(cls, job: Job) -> Begun:
        """That this job has begun."""
        return cls(job.codec, job.file is not None, job.bpp)


def jobs_for(pixels: Image, panes: Sequence[str], bpp: float) -> list[Job]:
    """One job per file, in the order of the panes: it is encoded once for all its anchors.

    `bpp` is the rate of those panes that have none of their own.
    """
    anchors: dict[tuple[str, float], dict[str, None]] = {}
    for id in panes:
        codec, anchor = parse_pane(id)
        anchors.setdefault((codec, rate_of(id, bpp)), {})[anchor] = None
    return [Job(codec, tuple(some), rate, pixels) for (codec, rate), some in anchors.items()]


def run_job(job: Job) -> Outcome:
    """Encode once, decode once per anchor; every picture comes out of the file's bytes."""
    load = machine_load()
    try:
        if job.file is not None:
            made = [replace(one, target_bpp=job.bpp) for one in _opened(job.file, job.anchors)]
        else:
            need_weights(job.codec)
            codec, profile = parts_of(job.codec)
            anchors = [anchor_of(text) for text in job.anchors]
            made = decode_all(codec, job.pixels, Target(bpp=job.bpp), anchors, profile)
    except ModeError as error:
        return Outcome.failed(job, sentence(error))
    except Exception:  # such as a GPU without memory: this pane's business, not the others'
        _LOG.exception("%s failed", job.codec)
        return Outcome.failed(job, "something broke on the server; its log says what")
    measured = tuple(measure(job.pixels, one.image, QUICK_METRICS) for one in made)
    timing = f"{machine(job.codec)}{load}"
    return Outcome(job.codec, tuple(made), "", measured, timing, job.bpp)


def on_threads(threads: int, task: Callable[..., R], *given: Any) -> R:
    """What a task gives while torch has so many threads; 0 leaves it those that it has.

    A process that has not loaded torch yet has them from its environment.
    """
    torch: Any = sys.modules.get("torch")
    if threads and torch:
        torch.set_num_threads(threads)  # nothing resets it: every task says how many it wants
    return task(*given)


def open_file(file: StoredFile, anchors: Sequence[str] = ()) -> Outcome:
    """The pictures in a `.mode` file: at these anchors, or at all that its codec offers."""
    load = machine_load()
    try:
        maker = maker_of(file.bitstream)
        return Outcome(maker, tuple(_opened(file, anchors)), timing=f"{machine(maker)}{load}")
    except ModeError as error:
        return Outcome("", error=sentence(error))


def anchor_of(text: str) -> Anchor | None:
    """The anchor of a pane; "" is a codec's only way to decode."""
    return Anchor.parse(text) if text else None


def warm(jobs: Sequence[Job]) -> list[Outcome]:
    """Do small jobs: no visitor waits for what loads, and it is known what others will take."""
    for job in jobs:
        with suppress(ModeError):
            need_weights(job.codec)
            load_codec(*parts_of(job.codec))
    return [run_job(job) for job in jobs]


def machine(maker: str) -> str:
    """What the codec computes on: "2 processor cores", one of them, or the name of a GPU."""
    if info_of(maker).learned:
        import torch

        from mode_core.layers.device import chosen_device

        if chosen_device().type == "cuda":
            return torch.cuda.get_device_name(chosen_device())
        if (threads := torch.get_num_threads()) < cores():
            return f"{threads} of {cores()} processor cores"
    return f"{cores()} processor cores"


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine_load() -> str:
    """How busy the machine is before the codec begins; empty where the system does not say."""
    return f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


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
