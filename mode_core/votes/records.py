"""What a vote is, and what is made of many: the records that this folder's modules share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

PAIR, CHECK, SAME = "pair", "check", "same"
KINDS = PAIR, CHECK, SAME
LEFT, RIGHT, UNSURE = "left", "right", "unsure"
ANSWERS = LEFT, RIGHT, UNSURE
ORIGINAL = "original"
"""The candidate that nothing was done to."""


class Vote(NamedTuple):
    """One answer of one rater to two candidates of one picture, side by side."""

    rater: str
    trial: str
    kind: str
    picture: str
    left: str
    right: str
    answer: str
    seconds: float
    left_values: Mapping[str, float] = {}
    right_values: Mapping[str, float] = {}
    """Metrics of what stood on that side, by key."""


class Sides(NamedTuple):
    """How often somebody chose each side."""

    left: int = 0
    right: int = 0
    unsure: int = 0


@dataclass(frozen=True, slots=True)
class Rater:
    """What one rater did, and whether it counts."""

    name: str
    pairs: int
    checks: int
    right: int
    """Checks with the right answer."""
    same: Sides
    """Answers where both sides were identical."""
    seconds: float
    """The median over all trials."""
    left_out: bool
    one_sided: bool
    """Whether the answers to identical pictures lean to one side by more than chance does."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate of a field."""

    candidate: str
    first: int
    last: int
    """The best and the worst place that the votes leave open."""
    wins: float
    low: float
    high: float
    """The chance to win against a rival of the field drawn by lot, and its interval."""
    strength: float
    strength_low: float
    strength_high: float
    """The Bradley-Terry value: the logarithm of the odds, 0 on average over the field."""
    votes: int


class Group(NamedTuple):
    """Neighbours that the votes do not tell apart."""

    candidates: tuple[str, ...]
    more: int | None
    """About how many more votes would tell all of them apart; None for too many to say."""
    more_for_ends: int | None
    """The same for the first and the last of them alone."""


class Agreement(NamedTuple):
    """How far a metric prefers what raters prefer."""

    metric: str
    share: float
    low: float
    high: float
    votes: int
    """How many votes went the metric's way (an equal value is half), of how many."""
    kendall: float | None
    """Between the metric's means and the strengths; None where they are not of equal pictures."""


@dataclass(frozen=True, slots=True)
class Field:
    """Candidates that chains of votes connect, best first; in order of names if none is told."""

    picture: str
    """The only picture that its votes are of; empty where all of them count together."""
    standings: tuple[Standing, ...]
    groups: tuple[Group, ...]
    votes: int
    unsure: int
    raters: int
    pictures: int
    one_way: tuple[tuple[str, ...], ...]
    """Sets between which all votes went one way, best first; empty where there is one set."""
    agreements: tuple[Agreement, ...]

    @property
    def ranked(self) -> bool:
        """Whether any candidate is told from any other."""
        return any((one.first, one.last) != (1, len(self.standings)) for one in self.standings)

    def tells_apart(self, one: str, other: str) -> bool:
        """Whether the order of two of its candidates is borne out: no group holds both."""
        return one != other and not any({one, other} <= {*each.candidates} for each in self.groups)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What all votes together say."""

    fields: tuple[Field, ...]
    raters: tuple[Rater, ...]
    same: Sides
    """Answers to identical pictures of the raters who count."""
    pairs: Sides
    """Their answers to pairs."""
    lopsided: tuple[tuple[str, Sides], ...]
    """Candidates that stood on one side of these pairs more often than a lot would put them."""
    seconds: float
    """The median of theirs for a pair; 0 without any."""
    pictures: int
