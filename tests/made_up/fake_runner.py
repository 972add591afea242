"""A runner without codecs: it darkens pictures instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event, Semaphore
from typing import Any

import numpy as np

from app.panes.weights import parts_of
from app.server.jobs import Begun, Job, Outcome, anchor_of
from app.server.pace import Pace
from app.server.process import Wanted, always
from app.server.reader import Reader
from app.server.snapshot import Comparison
from app.server.store import StoredFile
from app.settings import Settings
from mode_core.metrics import Measured
from mode_core.metrics.fidelity import psnr
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Image, Reconstruction


def file_of(job: Job) -> StoredFile:
    height, width, _ = job.pixels.shape
    payload = f"{job.codec} {job.bpp}".encode()
    stream = Bitstream(1, b"\0" * 4, 0, width, height, (Stream(payload),), job.bpp)
    return StoredFile("", stream.to_bytes(), stream)


def _decoded(maker: str, anchor: str, pixels: Image, file: StoredFile) -> Reconstruction:
    codec, profile = parts_of(maker)
    return Reconstruction(
        codec=codec,
        profile=profile,
        anchor=anchor_of(anchor),
        label=maker + anchor,
        image=pixels,
        file=file.data,
        bitstream=file.bitstream,
        target_bpp=file.bitstream.target_bpp,
        encode_s=0.02,
        decode_s=0.01,
    )


class InPlace:
    """Does its tasks in this process, as they come."""

    seconds = 15.0

    def call(self, task: Callable[..., Any], *args: Any, wanted: Wanted) -> Any:
        return task(*args)


def reader_in_place() -> Reader:
    reader = Reader(Settings())
    reader._worker = InPlace()  # type: ignore[assignment]
    return reader


@dataclass
class FakeRunner:
    """Darkens pictures by a number of grey levels that depends on codec and anchor."""

    jobs: list[Job] = field(default_factory=list)
    turns: Semaphore = field(default_factory=lambda: Semaphore(1000))
    """One is used up by each job; a test that runs out of them holds the worker."""
    started: Event = field(default_factory=Event)
    broken: str = ""
    places: int = 1
    hands: int = 1
    pace: Pace = field(default_factory=Pace)
    reader: Reader = field(default_factory=reader_in_place)

    def run(self, jobs: Sequence[Job], wanted: Wanted = always) -> Iterator[Begun | Outcome]:
        for job in jobs:
            yield Begun.of(job)
            self.started.set()
            assert self.turns.acquire(timeout=10)
            self.jobs.append(job)
            if job.codec == self.broken:
                yield Outcome.failed(job, f"{job.codec} is broken")
                continue
            made, file = [], job.file or file_of(job)
            for anchor in job.anchors:
                pixels = job.pixels // 2 + (7 if anchor == "perception" else 3)
                made.append(_decoded(job.codec, anchor, pixels, file))
            measured = tuple(self.measure(job.pixels, one.image, ["psnr"]) for one in made)
            timing = "2 processor cores, load 0.1"
            yield Outcome(job.codec, tuple(made), "", measured, timing, job.bpp)

    def hands_for(self, pixels: int, makers: Sequence[str] = ()) -> int:
        return self.hands

    def open_file(
        self, file: StoredFile, anchors: Sequence[str], wanted: Wanted = always
    ) -> Outcome:
        pixels = np.full((file.bitstream.height, file.bitstream.width, 3), 50, np.uint8)
        chosen = anchors or ["fidelity", "perception"]
        return Outcome("mode", tuple(_decoded("mode", one, pixels, file) for one in chosen))

    def measure(
        self,
        reference: Image,
        decoded: Image,
        names: Sequence[str],
        wanted: Wanted | None = None,
    ) -> Measured:
        values = {"psnr": psnr(reference, decoded)} if "psnr" in names else {}
        return Measured(values, {"lpips": "not here"} if "lpips" in names else {})

    def warm(self) -> None:
        """Nothing to load."""

    def rehearsals(self) -> list[Job]:
        """Nothing to learn."""
        return []


def last(moments: Iterator[Comparison]) -> Comparison:
    *_, end = moments
    return end
