"""Values of metrics for the pictures of votes, from results files that `bench` makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath

from mode_core.evaluation.rows import THEIRS, Row
from mode_core.types import SHORT_ANCHORS, number_in
from mode_core.votes.records import PAIR, Vote
from mode_core.weights.sets import PUBLIC

Values = Mapping[str, float]
Table = Mapping[tuple[str, str], Values]
"""By candidate, and by the name or the stem of a picture."""


def table_of(rows: Iterable[Row]) -> Table:
    """The values of each row's candidate and picture."""
    found: dict[tuple[str, str], Values] = {}
    for row in rows:
        name = candidate_of(row)
        found[name, row.image] = found[name, PurePath(row.image).stem] = row.values
    return found


def candidate_of(row: Row) -> str:
    """What a row's picture is called in votes: `mode-p@0.1`, `ms-illm.public@0.3`."""
    named = row.profile.startswith(PUBLIC) or row.profile == THEIRS
    maker = f"{row.codec}.{row.profile}" if named else row.codec
    anchor = f"-{SHORT_ANCHORS.get(row.anchor, row.anchor)}" if row.anchor else ""
    return f"{maker}{anchor}@{row.rate_name or f'{row.target_bpp:g}'}"


def with_values(votes: Iterable[Vote], table: Table) -> list[Vote]:
    """The votes with those values; what a vote says itself is of the very pictures, and stays."""
    return [
        vote._replace(
            left_values={**_values(table, vote.left, vote.picture), **vote.left_values},
            right_values={**_values(table, vote.right, vote.picture), **vote.right_values},
        )
        if vote.kind == PAIR
        else vote
        for vote in votes
    ]


def knows_any(table: Table, votes: Iterable[Vote]) -> bool:
    """Whether it has values of anything that a pair shows."""
    return any(
        _values(table, name, vote.picture)
        for vote in votes
        if vote.kind == PAIR
        for name in (vote.left, vote.right)
    )


def _values(table: Table, candidate: str, picture: str) -> Values:
    """A name is taken as it is written, or with its rate as numbers are written here."""
    maker, _, rate = candidate.rpartition("@")
    try:
        plain = f"{maker}@{number_in(rate):g}"
    except ValueError:
        plain = candidate
    tried = ((name, part) for name in (candidate, plain) for part in _parts(picture))
    return next((table[place] for place in tried if place in table), {})


def _parts(picture: str) -> tuple[str, str]:
    return picture, PurePath(picture).stem
