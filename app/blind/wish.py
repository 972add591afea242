"""What a blind test is asked to be: read from a stranger's JSON, and refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf
from typing import NamedTuple

from app.blind.plan import LEAST_TRIALS, MOST_TRIALS, Design, Pair
from app.panes.names import (
    ORIGINAL,
    opened_key,
    own_rate,
    pane_id,
    parse_pane,
    plain_name,
    rate_of,
)
from app.server.demands import BadRequest, check_request
from app.server.service import Service
from app.server.store import Opened

MOST_PICTURES, MOST_CANDIDATES = 24, 11
"""One candidate fewer than panes that are coded at once: the checks need one as well."""
MOST_SPOTS, MOST_SEED = 12, 10**15 - 1
"""Seeds are so long that nobody finds one by trying, and spreadsheets still show all of it."""
WORST = "jpeg@0.03"
"""A pane that is plainly worse than its original; every server has it."""
QUESTIONS: Mapping[str, str] = {
    "closer": "Which is closer to the original?",
    "better": "Which looks better?",
}
_LONGEST_ID = 64
Spot = tuple[float, float, float]


class Scene(NamedTuple):
    """A picture of a test: its id or key, what votes call it, and places to look at."""

    id: str
    name: str
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """A test as somebody wants it."""

    scenes: tuple[Scene, ...]
    panes: Mapping[str, str]
    """The pane of each candidate, by the name that votes have for it."""
    design: Design
    question: str
    alone: bool
    """Whether its maker is its only rater."""
    each: bool
    """Whether raters see their own result before the test is closed."""

    @classmethod
    def parse(cls, wish: object, service: Service) -> Wish:
        """The wish; BadRequest says what is wrong with it."""
        match wish:
            case {
                "pictures": list(pictures),
                "panes": list(panes),
                "bpp": float() | int() as bpp,
                "trials": int(trials),
                "seed": int(seed),
                "question": str(question),
                "alone": bool(alone),
                "each": bool(each),
                "across": bool(across),
            }:
                pass
            case _:
                raise BadRequest(
                    "expected pictures, panes, bpp, trials, seed, question, alone, each and across"
                )
        if question not in QUESTIONS:
            raise BadRequest(f"the question must be one of {', '.join(QUESTIONS)}")
        if isinstance(trials, bool) or not LEAST_TRIALS <= trials <= MOST_TRIALS:
            raise BadRequest(
                f"a test has {LEAST_TRIALS} to {MOST_TRIALS} trials, not {trials!r:.20}"
            )
        if isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
            raise BadRequest(f"the seed is a whole number from 0 to {MOST_SEED}")
        scenes = _scenes(pictures)
        # a whole number of JSON may be too large for a float
        rates, named = _candidates(panes, float(bpp) if bpp < MOST_SEED else inf, service)
        _belong(named, scenes, service)
        design = Design(
            tuple(one.name for one in scenes), _pairs(rates, across), WORST, trials, seed
        )
        return cls(scenes, named, design, question, alone, each)


def _scenes(pictures: Sequence[object]) -> tuple[Scene, ...]:
    if not 1 <= len(pictures) <= MOST_PICTURES:
        raise BadRequest(f"a test has 1 to {MOST_PICTURES} pictures, not {len(pictures)}")
    found: dict[str, Scene] = {}
    for one in pictures:
        match one:
            case {"id": str(id), "name": str(name), "spots": list(spots)}:
                if id not in {known.id for known in found.values()}:
                    called = _only(plain_name(name), found)
                    found[called] = Scene(id[:_LONGEST_ID], called, _spots(spots))
            case _:
                raise BadRequest("each picture of a test is given by id, name and spots")
    return tuple(found.values())


def _spots(spots: Sequence[object]) -> tuple[Spot, ...]:
    found: list[Spot] = []
    for one in spots[:MOST_SPOTS]:
        match one:
            case [float() | int() as x, float() | int() as y, float() | int() as scale] if (
                0 <= x <= 1 and 0 <= y <= 1 and 1 / 32 <= scale <= 32
            ):
                found.append((float(x), float(y), float(scale)))
            case _:
                raise BadRequest(
                    "each spot is [x, y, scale]: two shares of the picture, and a zoom"
                )
    return tuple(found)


def _candidates(
    panes: Sequence[object], bpp: float, service: Service
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The rate that each is asked for at, None of what was made elsewhere; and its pane."""
    ids = [one for one in panes if isinstance(one, str) and one != ORIGINAL]
    if len(ids) < len([one for one in panes if one != ORIGINAL]):
        raise BadRequest("candidates are names of panes, such as mode-p@0.1")
    check_request(ids, bpp)
    rates: dict[str, float | None] = {}
    named: dict[str, str] = {}
    # Coded ones have their names first: no opened picture takes the place of one.
    for id in sorted(ids, key=lambda one: bool(opened_key(one))):
        if key := opened_key(id):
            opened = service.store.get(key)
            name = _only(
                plain_name(opened.name if isinstance(opened, Opened) else ""), [*named, WORST]
            )
            rates[name], named[name] = None, id
        else:
            rate = rate_of(id, bpp)
            name = pane_id(*parse_pane(id), rate)
            rates[name], named[name] = own_rate(name), name
    if not 2 <= len(named) <= MOST_CANDIDATES:
        raise BadRequest(
            f"a test has 2 to {MOST_CANDIDATES} different candidates, not {len(named)}"
        )
    if WORST in named:
        raise BadRequest(f"{WORST} is what the checks show; take another rate for JPEG")
    return rates, named


def _only(name: str, known: Iterable[str]) -> str:
    """The name, or with a number behind it where it is taken; `original` always is."""
    taken = {*known, ORIGINAL}
    tries = (name, *(f"{name[:50]} ({number})" for number in range(2, len(taken) + 3)))
    return next(one for one in tries if one not in taken)


def _belong(named: Mapping[str, str], scenes: Sequence[Scene], service: Service) -> None:
    """What was made elsewhere was made of one picture."""
    keys = [key for id in named.values() if (key := opened_key(id))]
    if keys and len(scenes) > 1:
        raise BadRequest(
            "opened pictures belong to one original; choose that picture alone, or leave them out"
        )
    for key in keys:
        opened = service.store.get(key)
        if not isinstance(opened, Opened) or opened.photo != service.photo(scenes[0].id).key:
            raise BadRequest(
                "an opened picture has left the server's memory, or belongs to another original; "
                "open its file again"
            )


def _pairs(rates: Mapping[str, float | None], across: bool) -> tuple[Pair, ...]:
    """Those that were asked for at one rate, or all; nothing is said of a stranger's rate."""
    pairs = [
        (one, other)
        for one, other in combinations(rates, 2)
        if across or rates[one] == rates[other] or None in (rates[one], rates[other])
    ]
    alone = [name for name in rates if not any(name in pair for pair in pairs)]
    if alone:
        raise BadRequest(
            f"{alone[0]} has no partner at its rate; add one, or tick pairs of different rates"
        )
    return tuple(pairs)
