"""How long codecs take on this machine, learnt from the pictures that they have coded here."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from math import log
from threading import Lock
from typing import Literal

import numpy as np

from app.server.jobs import Job
from mode_core.stream.container import MAX_PIXELS

Step = Literal["encode", "decode"]
Knots = list[tuple[float, float]]
"""Pixels and seconds; what lies between two of them is on the straight line through both."""
Lines = dict[str, dict[Step, list[list[float]]]]
"""For each maker and step, knots as a browser gets them: pairs of megapixels and seconds."""
_NEW = 0.5
"""Share of the newest time in what is believed: the machine may be busier now than before."""


class Pace:
    """For each maker, what it took to encode pictures of some sizes, and to decode one of them."""

    def __init__(self) -> None:
        self._known: defaultdict[tuple[str, Step], dict[int, tuple[float, float]]]
        self._known = defaultdict(dict)
        self._lock = Lock()

    def learn(self, maker: str, step: Step, pixels: int, seconds: float) -> None:
        """A picture of so many pixels took so long; sizes that are nearly the same are one."""
        about = round(log(pixels, 2))
        with self._lock:
            known = self._known[maker, step]
            size, before = known.get(about, (pixels, seconds))
            rate = _NEW * seconds / pixels + (1 - _NEW) * before / size
            known[about] = pixels, rate * pixels

    def seconds(self, maker: str, pixels: int, pictures: int, encodes: bool = True) -> float | None:
        """What so many pictures out of one file will probably take; None if that is not known."""
        decoding, encoding = self._line(maker, "decode"), self._line(maker, "encode")
        if not decoding or (encodes and not encoding):
            return None
        return pictures * _at(pixels, decoding) + (_at(pixels, encoding) if encodes else 0)

    def seconds_of(self, job: Job) -> float | None:
        """What a job will probably take: with a file, it is only decoded."""
        pixels, pictures = job.pixels.size // 3, len(job.anchors)
        return self.seconds(job.codec, pixels, pictures, encodes=job.file is None)

    def as_json(self) -> Lines:
        """For a browser, which then needs no rule of its own but the straight line."""
        with self._lock:
            makers = dict.fromkeys(maker for maker, _ in self._known)
        steps: tuple[Step, ...] = ("encode", "decode")
        return {
            maker: {step: _rounded(line) for step in steps if (line := self._line(maker, step))}
            for maker in makers
        }

    def _line(self, maker: str, step: Step) -> Knots:
        with self._lock:
            known = self._known.get((maker, step), {})
            return line_through(sorted(known.values()))


def line_through(known: Knots) -> Knots:
    """From no pixels to the most that there can be, through what is known, in order of size.

    Outside of what is known it goes on as from the smallest to the largest, which are far apart
    and so hardly bent by a busy moment; it never falls, and never begins below zero.
    """
    if not known:
        return []
    sizes = [size for size, _ in known]
    times = list(accumulate((seconds for _, seconds in known), max))
    slope = times[-1] / sizes[-1]
    if times[-1] > times[0]:
        slope = min(slope, (times[-1] - times[0]) / (sizes[-1] - sizes[0]))
    fixed = max(0.0, times[0] - slope * sizes[0])
    end = times[-1] + slope * max(0.0, MAX_PIXELS - sizes[-1])
    return [(0.0, fixed), *zip(sizes, times, strict=True), (MAX_PIXELS, end)]


def _at(pixels: int, line: Knots) -> float:
    sizes, times = zip(*line, strict=True)
    return float(np.interp(pixels, sizes, times))


def _rounded(line: Knots) -> list[list[float]]:
    return [[round(size / 1e6, 6), round(seconds, 3)] for size, seconds in line]
