"""Sentences and tables about a ranking, for the command line and later for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from mode_core.metrics.table import METRICS
from mode_core.stream.cells import csv_line, disarmed
from mode_core.votes.raters import LEAST_RIGHT, share_interval
from mode_core.votes.records import Field, Group, Ranking, Rater, Sides, Standing

HEAD = ("place", "candidate", "wins", "95 % interval", "Bradley-Terry", "votes")
METRIC_HEAD = ("metric", "votes that agree", "95 % interval", "votes", "Kendall's tau")
FILE_HEAD = (
    "picture", "field", "candidate", "first_place", "last_place", "win_probability", "win_low",
    "win_high", "strength", "strength_low", "strength_high", "votes",
)  # fmt: skip
_SHOWN = 10
_FEW = 5
"""With fewer raters or pictures than these, Student's t widens intervals more than chance does."""


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
    for rater in out[:_SHOWN]:
        yield (
            f"Left out: {rater.name}, right in {rater.right} of {_many(rater.checks, 'check')}, "
            f"which is fewer than {LEAST_RIGHT:.0%}; {_many(rater.pairs, 'vote')} not counted."
        )
    if len(out) > _SHOWN:
        votes = sum(rater.pairs for rater in out[_SHOWN:])
        yield f"Left out as well: {len(out) - _SHOWN} more raters; {_many(votes, 'vote')}."
    unchecked = [rater.name for rater in kept if not rater.checks]
    if unchecked:
        yield f"Never checked: {_first(unchecked)}."
    yield from _about_sides(ranking, [rater for rater in kept if rater.one_sided])


def about_field(field: Field) -> Iterator[str]:
    """What the votes do not tell, and how many more would."""
    for group in field.groups:
        yield _not_told(group, field)
    yield from _overlapping(field)
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


def metric_rows(field: Field) -> list[tuple[str, ...]]:
    """The rows of the table under `METRIC_HEAD`; no order is held against one not borne out."""
    return [
        (
            METRICS[one.metric].label,
            f"{one.share:.1%}",
            f"{one.low:.1%} to {one.high:.1%}",
            str(one.votes),
            "-" if one.kendall is None or not field.ranked else f"{one.kendall:+.2f}",
        )
        for one in field.agreements
    ]


def about_tau(field: Field) -> str:
    """How much of the order that Kendall's tau takes for the truth is borne out."""
    pairs = [*combinations([one.candidate for one in field.standings], 2)]
    told = sum(field.tells_apart(*pair) for pair in pairs)
    if not told:
        return "Kendall's tau is not shown: no two candidates are told apart."
    return (
        f"Kendall's tau is over the order of all {len(field.standings)} candidates; "
        f"{told} of their {_many(len(pairs), 'pair')} are told apart."
    )


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
    for name, stood in ranking.lopsided:
        yield (
            f"{name} stood on the left {stood.left} times and on the right {stood.right} times, "
            "which is no lot: its wins may be those of its side."
        )
    for rater in one_sided[:_SHOWN]:
        same = rater.same
        yield (
            f"{rater.name} leans to one side: between identical pictures {same.left} times left, "
            f"{same.right} times right."
        )
    if len(one_sided) > _SHOWN:
        yield f"{len(one_sided) - _SHOWN} more raters lean to one side."


def _left_share(chosen: Sides) -> str:
    decided = chosen.left + chosen.right
    low, high = share_interval(chosen.left, decided)
    share = f"{chosen.left / decided:.0%} ({low:.0%} to {high:.0%})" if decided else "none"
    return f"{share} of {_many(decided, 'decided answer')} were left, {chosen.unsure} unsure"


def _not_told(group: Group, field: Field) -> str:
    names, ends = _some(group.candidates), (group.candidates[0], group.candidates[-1])
    sentence = f"Not told apart by {_many(field.votes, 'vote')}: {names}"
    few = [
        _many(count, what)
        for count, what in ((field.raters, "rater"), (field.pictures, "picture"))
        if 1 < count < _FEW
    ]
    others = f", of others than these {' and '.join(few)}," if few else ""
    if group.more is not None:
        return f"{sentence}; about {group.more} more{others} would do."
    if len(group.candidates) > 2 and group.more_for_ends is not None:
        more = f"{group.more_for_ends} more{others}"
        return f"{sentence}; about {more} would tell {ends[0]} from {ends[1]}."
    if few:
        return f"{sentence}; {' and '.join(few)} are too few to say more, so add others."
    return f"{sentence}; they are so alike that not even 100 times as many would do."


def _overlapping(field: Field) -> Iterator[str]:
    """Where the intervals of the table would mislead: places do not follow from them."""
    told = [
        f"{ahead.candidate} from {behind.candidate}"
        for ahead, behind in combinations(field.standings, 2)
        if ahead.low <= behind.high and field.tells_apart(ahead.candidate, behind.candidate)
    ]
    if told:
        yield (
            "Told apart by the interval of their difference, though their own intervals, which are "
            f"against the whole field, overlap: {_first(told)}."
        )


def _place(one: Standing) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _first(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return _some(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names)
