"""From a target size to the quality that comes nearest, with as few encodings as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from math import log

from mode_core.stream.container import Bitstream
from mode_core.types import Target

_TYPICAL_SPAN = log(40)
"""Log-ratio of the largest to the smallest file of a codec, good enough for a first step."""

Estimate = Callable[[int, int | None], float]
"""About the size at one quality, as things look at another one; without one, at a glance."""
_LOOKS, _CLOSE, _CORRECTED = 3, 6, 2
"""How often an estimate looks anew, from how far a look is good enough, and how often a real size
corrects it."""
_BELIEVED = 0.03
"""How far an estimate may be off the one file that was made, to be believed about the next."""
_LARGEST = 1e12
_LEAST_RISE = 8.0
"""Bytes from one quality to the next below which sizes rise in steps and dips of their own, as in
tiny files; those are made quickly, and the search goes its old way to the same one."""
_DOUBT, _DOUBTED_BYTES = 0.01, 4.0
"""How far it may then be off the next quality's size."""


def nearest_file(
    make: Callable[[int], Bitstream],
    qualities: range,
    target: Target,
    sides: Sequence[int],
    guess: int | None = None,
    estimate: Estimate | None = None,
) -> Bitstream:
    """The file of the target's quality, or of its size for a picture; `make` gives each once."""
    file_at = cache(make)
    if target.bpp is None:
        return file_at(min(max(target.quality or 0, qualities[0]), qualities[-1]))
    wanted = target.bpp * sides[0] * sides[1] / 8

    def size_of(quality: int) -> int:
        return len(file_at(quality).to_bytes())

    return file_at(nearest_quality(size_of, qualities, wanted, guess, estimate))


def nearest_quality(
    size_of: Callable[[int], float],
    qualities: range,
    wanted_bytes: float,
    guess: int | None = None,
    estimate: Estimate | None = None,
) -> int:
    """The quality whose file size is nearest to the wanted one; the nearest end outside the range.

    Sizes are expected to rise with quality. Where they dip, the answer is still a quality whose
    neighbour lies on the other side of the wanted size. An estimate saves most encodings; where it
    leaves a doubt, or is not what it says, real sizes decide as without one.
    """
    size = cache(size_of)
    if estimate is not None and len(qualities) > 1:
        reckoned, sure = _reckoned(size, _sober(estimate), qualities, wanted_bytes)
        guess = guess if reckoned is None else reckoned
        if sure and guess is not None:
            return guess
    low, high = qualities[0], qualities[-1]
    start = (low + high) // 2 if guess is None else min(max(guess, low), high)
    below, above = _bracket(size, low, high, start, wanted_bytes)
    if below is None or above is None:
        return high if above is None else low
    below, above = _close(size, below, above, wanted_bytes)
    return min(below, above, key=lambda quality: abs(size(quality) - wanted_bytes))


def _reckoned(
    size: Callable[[int], float], estimate: Estimate, qualities: range, wanted: float
) -> tuple[int | None, bool]:
    """The quality that an estimate finds, if it helps, and whether no other one can come nearer."""
    near = found = nearest_quality(partial(_seen_from, estimate, None), qualities, wanted)
    for _ in range(_LOOKS):
        found = nearest_quality(partial(_seen_from, estimate, near), qualities, wanted, near)
        if abs(found - near) <= _CLOSE:
            break
        near = found
    around = max(found - 1, qualities[0]), min(found + 1, qualities[-1])
    least, most = (estimate(quality, near) for quality in around)
    if abs(most - least) < _LEAST_RISE * (around[1] - around[0]):
        return None, False
    for _ in range(_CORRECTED):
        there = size(found)
        factor = there / estimate(found, near)
        corrected = partial(_seen_from, estimate, near, factor=factor)
        beyond = found + 1 if there < wanted else found - 1
        if beyond not in qualities:
            return found, True
        doubt = _DOUBT * corrected(beyond) + _DOUBTED_BYTES
        nearer = abs(there - wanted) + doubt < abs(corrected(beyond) - wanted)
        if nearer and abs(factor - 1) < _BELIEVED:
            return found, True
        better = nearest_quality(corrected, qualities, wanted, found)
        if better == found:
            break
        found = better
    return found, False


def _seen_from(estimate: Estimate, near: int | None, quality: int, factor: float = 1.0) -> float:
    return factor * estimate(quality, near)


def _sober(estimate: Estimate) -> Estimate:
    """The same, where it gives sizes that a file can have; each is asked for once."""
    return cache(lambda quality, near: min(max(1.0, estimate(quality, near)), _LARGEST))


def _bracket(
    size: Callable[[int], float], low: int, high: int, start: int, wanted: float
) -> tuple[int | None, int | None]:
    """The tightest tried pair: too small, large enough; None on a side whose end was passed."""
    below: int | None = None
    above: int | None = None
    slope = _TYPICAL_SPAN / max(high - low, 1)
    quality, least = start, 1
    while True:
        before = below if below is not None else above
        if size(quality) < wanted:
            below, way, end = quality, 1, high
        else:
            above, way, end = quality, -1, low
        if quality == end or (below is not None and above is not None):
            return below, above
        if before is not None:
            slope = max(_slope(size, before, quality), slope / 8)
        # A tenth too far, so that the next try lies beyond; ever longer where sizes hardly change.
        step = max(round(1.1 * abs(log(wanted / size(quality))) / slope), least)
        quality = min(max(quality + way * step, low), high)
        least *= 2


def _close(size: Callable[[int], float], below: int, above: int, wanted: float) -> tuple[int, int]:
    """The bracket narrowed to two neighbours: secant in log size, bisection where that stalls."""
    stalled = 0
    while above - below > 1:
        width = above - below
        slope = _slope(size, below, above)
        step = round(log(wanted / size(below)) / slope) if slope > 0 and stalled < 2 else width // 2
        middle = min(max(below + step, below + 1), above - 1)
        if size(middle) < wanted:
            below = middle
        else:
            above = middle
        stalled = stalled + 1 if above - below > width // 2 else 0
    return below, above


def _slope(size: Callable[[int], float], first: int, second: int) -> float:
    """Growth of the log size per step of quality."""
    return log(size(second) / size(first)) / (second - first)
