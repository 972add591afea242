"""Answers with the names of what they were about: as CSV, and in the operator's folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from app.blind.opened import OpenTest
from app.blind.places import Places, short_id
from app.blind.plan import Trial
from app.blind.rater import Answer, Rater, answers_in
from app.server.demands import BadRequest
from mode_core.errors import ModeError
from mode_core.metrics.table import METRICS
from mode_core.stream.atomic import write_atomic
from mode_core.votes.records import PAIR, Vote
from mode_core.votes.sheet import votes_csv

TOO_LATE = (
    "the test was closed before you finished; your answers were not stored, save them as a file"
)


def named(test: OpenTest, rater: Rater, answers: Sequence[Answer]) -> str:
    """The answers as a file of votes; only for who may know what was what."""
    pairs = [*zip(rater.trials, answers, strict=False)]
    votes = [_vote(test, rater, at, *both) for at, both in enumerate(pairs, 1)]
    return votes_csv(votes, [_beside(test, *both) for both in pairs])


def rater_name(test: OpenTest, rater: Rater) -> str:
    """What votes call a rater: drawn by lot, and no other test has it."""
    return f"{short_id(test.id)}-{rater.number + 1:02}"


def _vote(test: OpenTest, rater: Rater, at: int, trial: Trial, answer: Answer) -> Vote:
    left, right = _values(test, trial) if trial.kind == PAIR else ({}, {})
    return Vote(
        rater_name(test, rater), str(at), trial.kind, trial.picture, trial.left, trial.right,
        answer.answer, round(answer.seconds, 1), left, right,
    )  # fmt: skip


def _values(test: OpenTest, trial: Trial) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Metrics that both sides have: one side alone would be no vote's business."""
    assert test.prepared is not None
    both = [test.prepared.facts[trial.picture, name].values for name in (trial.left, trial.right)]
    keys = [key for key in METRICS if all(key in one for one in both)]
    left, right = ({key: float(f"{one[key]:.6g}") for key in keys} for one in both)
    return left, right


def _beside(test: OpenTest, trial: Trial, answer: Answer) -> dict[str, object]:
    """The columns that the ranking does not read."""
    assert test.prepared is not None
    prepared = test.prepared
    facts = {
        side: prepared.facts[trial.picture, name]
        for side, name in (("left", trial.left), ("right", trial.right))
    }
    apart = trial.kind == PAIR and prepared.unequal(trial.picture, (trial.left, trial.right))
    return {
        "time": answer.time,
        "zoom": f"{answer.zoom:g}",
        "device_pixel_ratio": f"{answer.ratio:g}",
        "resolution": answer.screen,
        "flips": answer.flips,
        "layout": "side" if answer.side_by_side else "flip",
        "unequal_bytes": "yes" if apart else "no",
        **{f"{side}_bytes": one.bytes or "" for side, one in facts.items()},
        **{f"{side}_sha256": one.sha256 for side, one in facts.items()},
        **{f"{side}_weights": one.weights for side, one in facts.items()},
        "question": test.wish.question,
        "seed": test.wish.design.seed,
        "session": short_id(test.id),
    }


def hand_in(test: OpenTest, rater: Rater, answers: Sequence[Answer], places: Places) -> str:
    """Keep the answers where the operator wants them, once; else a sentence says why not."""
    if not test.stored or places.folder is None:
        return ""
    with rater.keeping:
        if rater.kept:
            return ""
        if test.closed:
            return TOO_LATE
        try:
            keep(test, rater, answers, places)
        except ModeError as error:
            return str(error)
        rater.kept = True
    return ""


def keep(test: OpenTest, rater: Rater, answers: Sequence[Answer], places: Places) -> None:
    """Write the votes of one rater into the folder of this test, whole or not at all."""
    try:
        place = places.take(test.id, test.visitor)
        write_atomic(place / f"{rater_name(test, rater)}.csv", named(test, rater, answers).encode())
    except ModeError as error:
        raise ModeError(f"{error}; save your answers as a file instead") from error
    except OSError as error:
        raise ModeError(
            "the server could not write your answers; save them as a file instead"
        ) from error


def kept(test: OpenTest, folder: Path) -> Iterator[tuple[str, str]]:
    """The files of this test's raters, by name."""
    for path in sorted((folder / f"blind-{short_id(test.id)}").glob("*.csv")):
        yield path.name, path.read_text(encoding="utf-8")


def unsealed(
    test: OpenTest, files: Iterable[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Files that raters gave to the host, sealed ones with names; and what is wrong with others."""
    found, faults = [], []
    for name, text in files:
        try:
            found.append((name, text if not text.lstrip().startswith("{") else _opened(test, text)))
        except ModeError as error:
            faults.append(f"{name} is left out: {error}")
    return found, faults


def _opened(test: OpenTest, text: str) -> str:
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest("it is damaged; ask its rater for it again") from error
    if sent.get("test") != test.id:
        raise BadRequest("it is of another test")
    rater = test.rater(sent.get("rater"))
    if sha256(text.encode()).hexdigest() != rater.sealed:
        raise BadRequest("it is not what its rater finished with, or was changed since")
    return named(test, rater, answers_in(sent.get("answers"), test.wish.design.trials, whole=False))
