"""Raters of known preferences: votes as a test would give them, and the truth behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp

import numpy as np

from mode_core.votes.records import CHECK, LEFT, ORIGINAL, PAIR, RIGHT, SAME, UNSURE, Vote
from mode_core.votes.strengths import fit, odds

WORST = "jpeg@0.05"
FIVE = {"mode-p@0.1": 0.9, "ms-illm@0.1": 0.5, "elic@0.1": 0.0, "avif@0.1": -0.4, "jpeg@0.1": -1.0}


@dataclass(frozen=True)
class World:
    """Candidates and the people and pictures of a test."""

    strengths: Mapping[str, float]
    raters: int = 20
    trials: int = 40
    pictures: int = 24
    taste: float = 0.0
    """How far raters differ in what they like, in strengths."""
    scene: float = 0.0
    """How far pictures differ in what suits them."""
    unsure: float = 0.3
    """Davidson's constant: 0 for raters who always decide."""
    checks: int = 4
    same: int = 2
    careless: int = 0
    """Raters, the last ones, who choose a side by lot."""


def votes_of(world: World, seed: int) -> list[Vote]:
    """One test; all pairs, pictures and sides are drawn by lot."""
    rng = np.random.default_rng(seed)
    names, size = [*world.strengths], len(world.strengths)
    taste = rng.normal(0, 1, (world.raters, size)) * world.taste
    scene = rng.normal(0, 1, (world.pictures, size)) * world.scene
    strength = np.array([*world.strengths.values()])
    liked = strength + taste[:, None] + scene
    votes: list[Vote] = []
    for rater in range(world.raters):
        careless = rater >= world.raters - world.careless
        draws = rng.random((world.trials, 5)).tolist()
        for trial, (what, first, second, chosen, time) in enumerate(draws):
            picture, left = int(what * world.pictures), int(first * size)
            right = (left + 1 + int(second * (size - 1))) % size
            ahead = 0.0 if careless else liked[rater, picture, left] - liked[rater, picture, right]
            answer = _answer(ahead, world.unsure, chosen)
            both = names[left], names[right]
            votes.append(_vote(rater, trial, PAIR, picture, both, answer, time))
        votes += _extra(world, rater, careless, rng)
    return votes


def _extra(world: World, rater: int, careless: bool, rng: np.random.Generator) -> Iterator[Vote]:
    """A rater's checks, and trials with the same candidate on both sides."""
    for extra in range(world.checks + world.same):
        kind = CHECK if extra < world.checks else SAME
        what, turned, chosen, time = rng.random(4).tolist()
        both = (ORIGINAL, WORST) if kind == CHECK else (next(iter(world.strengths)),) * 2
        both = both[::-1] if turned < 0.5 else both
        answer = LEFT if chosen < 0.5 else RIGHT
        if kind == CHECK and not careless:
            answer = (LEFT, RIGHT)[both.index(ORIGINAL)]
        picture = int(what * world.pictures)
        yield _vote(rater, world.trials + extra, kind, picture, both, answer, time)


def truth(world: World) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """What infinitely many votes of this world would give: strengths, and logarithms of odds.

    Raters and pictures that differ, and unsure votes, draw strengths together.
    """
    strength = np.array([*world.strengths.values()])
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = nodes * (2 * (world.taste**2 + world.scene**2)) ** 0.5
    difference = (strength[:, None] - strength)[..., None] + spread
    ahead = np.exp(difference / 2)
    chance = (ahead + world.unsure / 2) / (ahead + 1 / ahead + world.unsure)
    wins = (chance * weights).sum(-1) / weights.sum()
    np.fill_diagonal(wins, 0)
    found = fit(1e7 * wins[None])
    names = [*world.strengths]
    return dict(zip(names, found[0], strict=True)), dict(zip(names, odds(found)[0], strict=True))


def _answer(difference: float, unsure: float, drawn: float) -> str:
    ahead, behind = exp(difference / 2), exp(-difference / 2)
    win, tie = (one / (ahead + behind + unsure) for one in (ahead, unsure))
    return LEFT if drawn < win else UNSURE if drawn < win + tie else RIGHT


def _vote(
    rater: int, trial: int, kind: str, picture: int, both: tuple[str, ...], answer: str, time: float
) -> Vote:
    seconds = round(2 + 6 * time**2, 1)
    name, scene = f"rater{rater + 1:03}", f"kodim{picture + 1:02}"
    return Vote(name, str(trial + 1), kind, scene, both[0], both[1], answer, seconds)
