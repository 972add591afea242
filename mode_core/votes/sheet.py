"""Files of votes: read strictly, with all that is wrong said at once, and written the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

from mode_core.errors import ResultsError
from mode_core.metrics.table import METRICS, joined
from mode_core.stream.cells import csv_line, disarmed
from mode_core.stream.sheets import Line, need_columns, read_sheet
from mode_core.types import number_in
from mode_core.votes.records import ANSWERS, CHECK, KINDS, ORIGINAL, PAIR, SAME, UNSURE, Vote

COLUMNS = ("rater", "trial", "kind", "picture", "left", "right", "answer", "seconds")
SIDES = ("left", "right")
MAX_BYTES, MAX_VOTES = 20_000_000, 100_000
LONGEST = 60
"""Letters of a name."""
LONGEST_TRIAL_S = 86_400
MOST = {"rater": 2000, "picture": 2000, "candidate": 60}
"""More than these would fill the memory with what nobody reads."""
_NOT_SURE = {"not sure": UNSURE, "unsure": UNSURE}
_NUMBERS = {"seconds", *(f"{side}_{key}" for side in SIDES for key in METRICS)}
Refuse = Callable[[str], None]


class Sheet(NamedTuple):
    """One file of votes: what it is called, and its text."""

    name: str
    text: str


def read_votes(sheets: Iterable[Sheet]) -> tuple[list[Vote], list[str]]:
    """The votes of files, and a sentence on each thing that is wrong; any makes them unfit."""
    votes: list[Vote] = []
    wrong: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    names: dict[str, str] = {}
    for sheet in sheets:
        if sheet.text in names:
            wrong.append(f"{sheet.name}: it is given twice, or is the same as {names[sheet.text]}")
            continue
        names[sheet.text] = sheet.name
        try:
            votes += _votes(sheet, seen, wrong.append)
        except ResultsError as error:
            wrong.append(f"{sheet.name}: {error}")
    if not wrong:
        wrong += _unfit(votes)
    return votes, wrong


def votes_csv(votes: Iterable[Vote], more: Sequence[Mapping[str, object]] = ()) -> str:
    """The text of a file of votes, with a pair of columns for each metric that any of them has.

    `more` are further columns that nobody has to read, by name and vote by vote.
    """
    votes = list(votes)
    further = list(dict.fromkeys(name for one in more for name in one))
    found = {key for vote in votes for key in (*vote.left_values, *vote.right_values)}
    keys = [key for key in METRICS if key in found]
    header = [*COLUMNS, *(f"{side}_{key}" for key in keys for side in SIDES), *further]
    lines = [csv_line(header)]
    for vote, beside in zip(votes, more or repeat({}), strict=False):
        cells = [disarmed(str(cell)) for cell in vote[: len(COLUMNS) - 1]]
        values = (of.get(key, "") for key in keys for of in (vote.left_values, vote.right_values))
        last = (disarmed(str(beside.get(name, ""))) for name in further)
        lines.append(csv_line([*cells, f"{vote.seconds:g}", *values, *last]))
    return "".join(lines)


def _votes(sheet: Sheet, seen: dict[tuple[str, str], str], refuse: Refuse) -> Iterator[Vote]:
    if len(sheet.text) > MAX_BYTES:
        raise ResultsError(f"it is larger than {MAX_BYTES // 1_000_000} MB; split it")
    header, cells, lines = read_sheet(
        sheet.text, joined, MAX_VOTES, lambda sentence: refuse(f"{sheet.name}, {sentence}")
    )
    need_columns(COLUMNS, header, cells, ", ".join(COLUMNS))
    commas = "," in sheet.text.lstrip("\ufeff \r\n").partition("\n")[0]
    for key in METRICS:
        given = [f"{side}_{key}" for side in SIDES if f"{side}_{key}" in header]
        if len(given) == 1:
            raise ResultsError(f"the header has {given[0]} for one side only; give both, or none")
    for number, line in lines:
        where = f"{sheet.name}, line {number}"
        line = line if commas else {name: pointed(name, cell) for name, cell in line.items()}
        faults = [*_faults(line)]
        once = line["rater"], line["trial"]
        if once in seen:
            rater, trial = (text[:LONGEST] for text in once)
            faults.append(
                f"rater {rater!r} has trial {trial!r} already in {seen[once]}; give each trial of "
                "a rater its own name, and different raters different ones"
            )
        seen.setdefault(once, where)
        for fault in faults:
            refuse(f"{where}: {fault}")
        if not faults:
            yield _vote(line)


def pointed(column: str, cell: str) -> str:
    """A number with a point; where commas part no cells, spreadsheets put them in numbers."""
    return cell.replace(",", ".", 1) if column in _NUMBERS else cell


def _vote(line: Line) -> Vote:
    left, right = (
        {key: number_in(line[name]) for key in METRICS if line.get(name := f"{side}_{key}")}
        for side in SIDES
    )
    answer = _NOT_SURE.get(line["answer"], line["answer"])
    return Vote(
        line["rater"], line["trial"], line["kind"], line["picture"], line["left"], line["right"],
        answer, number_in(line["seconds"]), left, right,
    )  # fmt: skip


def _faults(line: Line) -> Iterator[str]:
    """What is wrong with the cells of one line."""
    for column in COLUMNS[:-1]:
        text = line[column]
        if not text:
            yield f"{column} is empty"
        elif len(text) > LONGEST or not text.isprintable():
            yield f"{column} is {text[:LONGEST]!a}; give up to {LONGEST} letters that can be seen"
    if line["kind"] not in KINDS:
        yield f"kind is {line['kind'][:LONGEST]!r}; give {_or(KINDS)}"
    if _NOT_SURE.get(line["answer"], line["answer"]) not in ANSWERS:
        yield f"answer is {line['answer'][:LONGEST]!r}; give {_or(ANSWERS)}"
    yield from _misplaced(line["kind"], line["left"], line["right"])
    yield from _number(line, "seconds", (0, LONGEST_TRIAL_S))
    for key, metric in METRICS.items():
        for name in (f"{side}_{key}" for side in SIDES):
            if line.get(name):
                yield from _number(line, name, metric.limits)


def _misplaced(kind: str, left: str, right: str) -> Iterator[str]:
    if kind == PAIR and left == right:
        yield f"a pair shows {left[:LONGEST]!r} on both sides; such a trial is of the kind {SAME}"
    if kind == SAME and left != right:
        yield f"left and right differ, which is no trial of the kind {SAME}; it may be a {PAIR}"
    if kind == CHECK and (left == ORIGINAL) == (right == ORIGINAL):
        yield f"a {CHECK} shows {ORIGINAL!r} on exactly one side, beside its lowest rate"


def _number(line: Line, column: str, limits: tuple[float, float]) -> Iterator[str]:
    cell, (low, high) = line[column], limits
    try:
        inside = low <= number_in(cell) <= high
    except ValueError:
        inside = False
    if not inside:
        yield f"{column} is {cell[:LONGEST]!r}; give a number from {low:g} to {high:g}"


def _unfit(votes: list[Vote]) -> Iterator[str]:
    """What is wrong with all the votes together."""
    if not any(vote.kind == PAIR for vote in votes):
        yield f"there is no vote of the kind {PAIR}, so nothing can be ranked"
    if len(votes) > MAX_VOTES:
        yield f"there are {len(votes)} votes; at most {MAX_VOTES} are ranked together"
    pairs = [vote for vote in votes if vote.kind == PAIR]
    names: Mapping[str, set[str]] = {
        "rater": {vote.rater for vote in votes},
        "picture": {vote.picture for vote in votes},
        "candidate": {name for vote in pairs for name in (vote.left, vote.right)},
    }
    for what, found in names.items():
        if len(found) > MOST[what]:
            yield f"there are {len(found)} {what}s; at most {MOST[what]} are ranked together"


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
