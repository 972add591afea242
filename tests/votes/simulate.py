"""Raters of known preferences: votes as a test would give them, and the truth behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mode_core.votes.records import CHECK, LEFT, ORIGINAL, PAIR, RIGHT, SAME, UNSURE, Vote
from mode_core.votes.strengths import Numbers, fit, odds

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
    votes = []
    for rater in range(world.raters):
        careless = rater >= world.raters - world.careless
        for trial in range(world.trials):
            picture = int(rng.integers(world.pictures))
            left, right = rng.choice(size, 2, replace=False)
            liked = strength + taste[rater] + scene[picture]
            answer = _answer(rng, 0.0 if careless else liked[left] - liked[right], world.unsure)
            votes.append(
                _vote(rng, rater, trial, PAIR, picture, (names[left], names[right]), answer)
            )
        for extra in range(world.checks + world.same):
            kind, trial = (CHECK if extra < world.checks else SAME), world.trials + extra
            picture, turned = int(rng.integers(world.pictures)), bool(rng.integers(2))
            both = (ORIGINAL, WORST) if kind == CHECK else (names[0], names[0])
            sure = kind == CHECK and not careless
            chosen = ORIGINAL if sure else both[int(rng.integers(2))]
            both = both[::-1] if turned else both
            answer = (LEFT, RIGHT)[both.index(chosen)] if sure else _answer(rng, 0.0, 0)
            votes.append(_vote(rng, rater, trial, kind, picture, both, answer))
    return votes


def truth(world: World) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """What infinitely many votes of this world would give: strengths, and logarithms of odds.

    Raters and pictures that differ, and unsure votes, draw strengths together.
    """
    strength = np.array([*world.strengths.values()])
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = nodes * (2 * (world.taste**2 + world.scene**2)) ** 0.5
    difference = (strength[:, None] - strength)[..., None] + spread
    win, tie = _chances(difference, world.unsure)
    wins = ((win + tie / 2) * weights).sum(-1) / weights.sum()
    np.fill_diagonal(wins, 0)
    found = fit(1e7 * wins[None])
    names = [*world.strengths]
    return dict(zip(names, found[0], strict=True)), dict(zip(names, odds(found)[0], strict=True))


def _chances(difference: Numbers, unsure: float) -> tuple[Numbers, Numbers]:
    ahead, behind = np.exp(difference / 2), np.exp(-difference / 2)
    return ahead / (ahead + behind + unsure), unsure / (ahead + behind + unsure)


def _answer(rng: np.random.Generator, difference: float, unsure: float) -> str:
    win, tie = _chances(np.array(difference), unsure)
    drawn = rng.random()
    return LEFT if drawn < win else UNSURE if drawn < win + tie else RIGHT


def _vote(
    rng: np.random.Generator, rater: int, trial: int, kind: str, picture: int,
    both: tuple[str, ...], answer: str,
) -> Vote:  # fmt: skip
    seconds = round(float(rng.lognormal(1.5, 0.5)), 1)
    name, scene = f"rater{rater + 1:03}", f"kodim{picture + 1:02}"
    return Vote(name, str(trial + 1), kind, scene, both[0], both[1], answer, seconds)
