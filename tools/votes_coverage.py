"""How often the intervals of `votes` cover the truth of simulated raters, and promises hold."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import exp, log
from pathlib import Path
from statistics import fmean, median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from mode_core.votes.ranking import rank
from mode_core.votes.records import LEFT, PAIR, RIGHT, Field, Vote
from tests.votes.simulate import FIVE, World, truth, votes_of

TESTS = 200
MIXED = World(FIVE, taste=0.5, scene=0.5)
EQUAL = dict.fromkeys(FIVE, 0.0)
TEN = {f"c{at}": (4.5 - at) / 4 for at in range(10)}
WORLDS: Mapping[str, World] = {
    "chance alone": World(FIVE),
    "nobody unsure": World(FIVE, unsure=0),
    "many unsure": World(FIVE, unsure=2),
    "tastes and scenes differ": MIXED,
    "tastes differ much": World(FIVE, taste=1),
    "8 pictures that differ much": World(FIVE, scene=1, pictures=8),
    "6 raters": World(FIVE, taste=0.7, scene=0.7, raters=6),
    **{
        f"{raters} raters, equal, tastes differ": World(
            {"a": 0.0, "b": 0.0}, taste=0.7, raters=raters, trials=100
        )
        for raters in (2, 3, 4, 6)
    },
    "two candidates": World({"a": 0.5, "b": -0.5}, taste=0.5, scene=0.5),
    "two far apart, 10 x 20": World({"a": 2, "b": -2}, raters=10, trials=20),
    "five far apart": World(
        dict(zip("abcde", (3, 1, 0, -1, -3), strict=True)), taste=0.3, scene=0.3
    ),
    "one picture": World(FIVE, pictures=1, taste=0.5),
    "8 raters x 10, 5 pictures": World(FIVE, raters=8, trials=10, pictures=5),
    "ten candidates": World(TEN, taste=0.5, scene=0.5),
    "equal, tastes and scenes": replace(MIXED, strengths=EQUAL),
    "equal, chance alone": World(EQUAL),
}


def main() -> None:
    """A line for each world, and one for each promise of further votes."""
    for name, world in WORLDS.items():
        strengths, odds = truth(world)
        found = [rank(votes_of(world, seed)).fields for seed in range(TESTS)]
        fields = [field for each in found for field in each]
        ends = [(one, odds[one.candidate]) for field in fields for one in field.standings]
        share = fmean(one.low <= 1 / (1 + exp(-true)) <= one.high for one, true in ends)
        width = fmean(one.high - one.low for one, _ in ends)
        wrong = fmean(_is_wrong(field, strengths) for field in fields)
        print(f"{name:28} covered {share:.3f}, width {width:.3f}, told wrongly {wrong:.3f}")
    for won in (112, 108, 105):
        _promise(won, 200 - won)


def _is_wrong(field: Field, strengths: Mapping[str, float]) -> bool:
    """Whether a pair is told apart whose first is not the stronger one."""
    names = [one.candidate for one in field.standings]
    return any(
        field.tells_apart(ahead, behind) and strengths[ahead] < strengths[behind] + 1e-9
        for ahead, behind in combinations(names, 2)
    )


def _promise(won: int, lost: int) -> None:
    """How many tests of the promised size tell two candidates apart that differ as it looked."""
    pilots = [rank(_pilot(won, lost, seed)).fields[0] for seed in range(30)]
    more = round(median(field.groups[0].more or 0 for field in pilots if field.groups))
    world = World({"a": log(won / lost), "b": 0}, raters=round((200 + more) / 40), unsure=0)
    told = fmean(rank(votes_of(world, seed)).fields[0].ranked for seed in range(TESTS))
    print(f"{won} of 200 votes: about {more} more, which tell apart in {told:.3f}")


def _pilot(won: int, lost: int, seed: int) -> Sequence[Vote]:
    rng = np.random.default_rng(seed)
    answers = rng.permutation([LEFT] * won + [RIGHT] * lost).tolist()
    return [
        Vote(f"r{at % 20}", str(at), PAIR, f"p{rng.integers(24)}", "a", "b", answer, 3.0)
        for at, answer in enumerate(answers)
    ]


if __name__ == "__main__":
    main()
