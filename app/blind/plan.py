"""The trials of a blind test, drawn by lot; the same seed gives the same ones. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import NamedTuple

from mode_core.votes.records import CHECK, ORIGINAL, PAIR, SAME

LEAST_TRIALS, MOST_TRIALS = 10, 120
CHECKS, SAMES = 0.10, 0.05
"""Their shares of all trials."""
Pair = tuple[str, str]


class Trial(NamedTuple):
    """What stands on the left and on the right; `spot` is a running number of places to look at."""

    kind: str
    picture: str
    left: str
    right: str
    spot: int = 0


@dataclass(frozen=True, slots=True)
class Design:
    """What all raters of a test have in common."""

    pictures: tuple[str, ...]
    pairs: tuple[Pair, ...]
    """Candidates that are held against each other."""
    worst: str
    """What stands beside the original in checks."""
    trials: int
    seed: int

    @property
    def checks(self) -> int:
        """How many trials have a right answer."""
        return max(1, round(CHECKS * self.trials))

    @property
    def sames(self) -> int:
        """How many trials show the same on both sides."""
        return max(1, round(SAMES * self.trials))

    @property
    def candidates(self) -> list[str]:
        """All that the pairs name."""
        return sorted({name for pair in self.pairs for name in pair})


def plan(design: Design, rater: int) -> list[Trial]:
    """The trials of the rater of this number, in their order."""
    rng = Random(f"{design.seed} {rater}")
    count = design.trials - design.checks - design.sames
    drawn = [*islice(_deck(design), rater * count, (rater + 1) * count)]
    sided = _sided([pair for pair, _, _ in drawn], rng)
    trials = [
        Trial(PAIR, picture, left, right, spot)
        for (left, right), (_, picture, spot) in zip(sided, drawn, strict=True)
    ]
    trials += _checks(design, rng)
    trials += _sames(design, rater, rng)
    rng.shuffle(trials)
    return trials


def _deck(design: Design) -> Iterator[tuple[Pair, str, int]]:
    """All pairs, again and again, each time on another picture; raters take one part each.

    Whatever part it is, each pair is in it as often as the others, and so is each candidate, but
    for one or two; no pair comes back to a picture before it has been on all of them.
    """
    rng = Random(f"{design.seed} deck")
    pictures = [*design.pictures]
    rng.shuffle(pictures)
    starts = [*range(len(design.pairs))]
    rng.shuffle(starts)
    start_of = dict(zip(design.pairs, starts, strict=True))
    block = 0
    while True:
        for pair in _spread(design.pairs, rng):
            start = start_of[pair]
            picture = pictures[(start + block) % len(pictures)]
            yield pair, picture, start + block // len(pictures)
        block += 1


def _spread(pairs: Sequence[Pair], rng: Random) -> Iterator[Pair]:
    """The pairs by lot, but always one whose candidates have come least often so far."""
    left, seen = [*pairs], Counter[str]()
    rng.shuffle(left)
    while left:
        pair = min(
            left, key=lambda one: (max(seen[one[0]], seen[one[1]]), seen[one[0]] + seen[one[1]])
        )
        left.remove(pair)
        seen.update(pair)
        yield pair


def _sided(pairs: Sequence[Pair], rng: Random) -> list[Pair]:
    """Each pair with its left and right side: no candidate is on one side more than once oftener.

    Pairs are the lines of a drawing whose points are candidates. A walk along lines, each used
    once, leaves a point as often as it comes to one, unless it begins or ends there; it begins
    where an odd number of lines meet, so it ends at such a point as well.
    """
    lines: dict[str, list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        for name in pair:
            lines[name].append(at)
    for some in lines.values():
        rng.shuffle(some)
    names = sorted(lines)
    rng.shuffle(names)
    sided: dict[int, Pair] = {}

    def left(name: str) -> int:
        return sum(at not in sided for at in lines[name])

    def walk(start: str) -> None:
        trail = _walk(start, lines, pairs, sided)
        if rng.random() < 0.5:
            sided.update({at: sided[at][::-1] for at in trail})

    for name in names:
        if left(name) % 2:
            walk(name)
    for name in names:
        while left(name):
            walk(name)
    return [sided[at] for at in range(len(pairs))]


def _walk(
    name: str, lines: dict[str, list[int]], pairs: Sequence[Pair], sided: dict[int, Pair]
) -> list[int]:
    """The lines of one walk from here to where no unused one goes on."""
    trail = []
    while (at := next((one for one in lines[name] if one not in sided), None)) is not None:
        first, second = pairs[at]
        other = second if name == first else first
        sided[at] = name, other
        trail.append(at)
        name = other
    return trail


def _checks(design: Design, rng: Random) -> Iterator[Trial]:
    """The original on either side equally often, whichever comes first."""
    first = rng.random() < 0.5
    pictures = rng.sample(design.pictures, len(design.pictures))
    for at, picture in enumerate(islice(cycle(pictures), design.checks)):
        both = (ORIGINAL, design.worst) if first == (at % 2 == 0) else (design.worst, ORIGINAL)
        yield Trial(CHECK, picture, *both, spot=rng.randrange(MOST_TRIALS))


def _sames(design: Design, rater: int, rng: Random) -> Iterator[Trial]:
    """Other candidates for each rater in turn."""
    candidates = design.candidates
    Random(f"{design.seed} same").shuffle(candidates)
    start = rater * design.sames
    for name in islice(cycle(candidates), start, start + design.sames):
        picture = rng.choice(design.pictures)
        yield Trial(SAME, picture, name, name, spot=rng.randrange(MOST_TRIALS))
