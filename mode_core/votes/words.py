"""Sentences and tables about a ranking, for the command line and later for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mode_core.metrics.table import METRICS
from mode_core.stream.cells import csv_line, disarmed
from mode_core.votes.raters import LEAST_RIGHT, share_interval
from mode_core.votes.records import Agreement, Field, Group, Ranking, Rater, Sides, Standing

HEAD = ("place", "candidate", "wins", "95 % interval", "Bradley-Terry", "votes")
METRIC_HEAD = ("metric", "votes that agree", "95 % interval", "votes", "Kendall's tau")
FILE_HEAD = (
    "picture", "field", "candidate", "first_place", "last_place", "win_probability", "win_low",
    "win_high", "strength", "strength_low", "strength_high", "votes",
)  # fmt: skip
ENOUGH_RATERS = 4
"""Of fewer, intervals of simulated raters held the truth in 86 to 89 % of tests, not in 95."""
_SHOWN = 10


def about_raters(ranking: Ranking) -> Iterator[str]:
    """Who voted, who is left out and why, and whether anybody prefers a side."""
    out = [rater for rater in ranking.raters if rater.left_out]
    kept = [rater for rater in ranking.raters if not rater.left_out]
    votes = sum(ranking.pairs)
    yield (
        f"{_many(len(kept), 'rater')}, {_many(votes, 'vote')} on "
        f"{_many(ranking.pictures, 'picture')}, {ranking.pairs.unsure} of them unsure; "
        f"{ranking.seconds:.1f} s a vote (median)."
    )
    for rater in out:
        yield (
            f"Left out: {rater.name}, right in {rater.right} of {_many(rater.checks, 'check')}, "
            f"which is fewer than {LEAST_RIGHT:.0%}; {_many(rater.pairs, 'vote')} not counted."
        )
    unchecked = [rater.name for rater in kept if not rater.checks]
    if unchecked:
        more = len(unchecked) - _SHOWN
        others = f" and {more} more" if more > 0 else ""
        yield f"Never checked: {_some(unchecked[:_SHOWN])}{others}."
    yield from _about_sides(ranking, [rater for rater in kept if rater.one_sided])


def about_field(field: Field) -> Iterator[str]:
    """What the votes do not tell, and how many more would."""
    for group in field.groups:
        yield _not_told(group, field)
    if field.one_way:
        sets = "; ".join(_some(names) for names in field.one_way)
        yield (
            "All votes between these sets went one way, so how far apart they are is held by the "
            f"prior (half a vote won and half lost for each candidate): {sets}."
        )
    alone = [
        one for one, count in (("rater", field.raters), ("picture", field.pictures)) if count == 1
    ]
    if alone:
        yield f"One {' and one '.join(alone)}: the intervals say nothing about others."
    if 1 < field.raters < ENOUGH_RATERS:
        yield (
            f"Only {field.raters} raters: intervals of so few are often too narrow, and a ranking "
            f"may be chance; have {ENOUGH_RATERS} or more."
        )


def standing_rows(field: Field) -> list[tuple[str, ...]]:
    """The rows of the table under `HEAD`; no place where no candidate is told from another."""
    return [
        (
            _place(one) if field.ranked else "-",
            one.candidate,
            f"{one.wins:.1%}",
            f"{one.low:.1%} to {one.high:.1%}",
            f"{one.strength:+.2f}",
            str(one.votes),
        )
        for one in field.standings
    ]


def metric_rows(agreements: Sequence[Agreement]) -> list[tuple[str, ...]]:
    """The rows of the table under `METRIC_HEAD`."""
    return [
        (
            METRICS[one.metric].label,
            f"{one.share:.1%}",
            f"{one.low:.1%} to {one.high:.1%}",
            str(one.votes),
            "-" if one.kendall is None else f"{one.kendall:+.2f}",
        )
        for one in agreements
    ]


def ranking_csv(ranking: Ranking) -> str:
    """The standings of all fields as a file; names of strangers do no harm in it."""
    lines = [csv_line(FILE_HEAD)]
    for number, field in enumerate(ranking.fields, 1):
        for one in field.standings:
            numbers = (
                one.wins, one.low, one.high, one.strength, one.strength_low, one.strength_high
            )  # fmt: skip
            names = disarmed(field.picture), number, disarmed(one.candidate)
            cells = (f"{value:.4f}" for value in numbers)
            lines.append(csv_line([*names, one.first, one.last, *cells, one.votes]))
    return "".join(lines)


def _about_sides(ranking: Ranking, one_sided: Sequence[Rater]) -> Iterator[str]:
    if sum(ranking.same):
        yield f"Side bias: between identical pictures {_left_share(ranking.same)}."
    if sum(ranking.pairs):
        yield f"Of the pairs {_left_share(ranking.pairs)}; sides drawn by lot give about half."
    for rater in one_sided:
        same = rater.same
        yield (
            f"{rater.name} leans to one side: between identical pictures {same.left} times left, "
            f"{same.right} times right."
        )


def _left_share(chosen: Sides) -> str:
    decided = chosen.left + chosen.right
    low, high = share_interval(chosen.left, decided)
    share = f"{chosen.left / decided:.0%} ({low:.0%} to {high:.0%})" if decided else "none"
    return f"{share} of {_many(decided, 'decided answer')} were left, {chosen.unsure} unsure"


def _not_told(group: Group, field: Field) -> str:
    names, ends = _some(group.candidates), (group.candidates[0], group.candidates[-1])
    sentence = f"Not told apart by {_many(field.votes, 'vote')}: {names}"
    if group.more is not None:
        return f"{sentence}; about {group.more} more would do."
    if len(group.candidates) > 2 and group.more_for_ends is not None:
        return f"{sentence}; about {group.more_for_ends} more would tell {ends[0]} from {ends[1]}."
    return f"{sentence}; how many more would do cannot be told from these."


def _place(one: Standing) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names)
