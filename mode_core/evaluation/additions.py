"""Newer metrics for rows that were measured without them, without searching for rates again.

Only if a row's file comes out the same (`again.py`), and the picture of the row's anchor has the
PSNR that the row says, is anything measured; otherwise the cell stays empty. All other cells, and
the timings, stay as they are. What is measured so far lies in `<name>.added.partial.csv`
and is taken up by the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mode_core.errors import ModeError, ResultsError
from mode_core.evaluation.again import OTHER_PICTURE, OtherwiseError, by_file, pictures_again
from mode_core.evaluation.filling import Record, fill
from mode_core.evaluation.folders import results_files
from mode_core.evaluation.ledger import Ledger
from mode_core.evaluation.rows import THEIRS, Measurement, Row, as_file, read_rows, row_key
from mode_core.evaluation.workers import ALONE, Engine, Maker, Reader
from mode_core.metrics import METRICS, measure
from mode_core.pictures.files import read_image
from mode_core.types import Image

ADDED = ".added"


@dataclass(frozen=True, slots=True)
class Additions:
    """Which metrics the results of a folder are to get."""

    photos: Sequence[Path]
    out: Path
    metrics: Sequence[str]
    codecs: Sequence[str] = ()
    """Those whose rows are looked at; all unless given."""


@dataclass(frozen=True, slots=True)
class FileAgain:
    """One file that is to be made again, and the rows of its pictures that lack a metric."""

    photo: Path | None
    results: str
    """The name of the results file without its suffix."""
    rows: Sequence[Row]
    metrics: Sequence[str]

    codec = property(lambda self: self.results, doc="Whose ledger the rows belong to.")

    @property
    def maker(self) -> Maker | None:
        """Whose weights it needs; none for what others decoded."""
        first = self.rows[0]
        return None if first.profile == THEIRS else (first.codec, first.profile)


def add_metrics(plan: Additions, record: Record, engine: Engine = ALONE) -> list[str]:
    """Measure what is missing; a sentence for each results file in which cells stay empty."""
    paths = [path for path in results_files(plan.out) if _is_wanted(plan, read_rows(path))]
    ledgers = {path.stem: Ledger(plan.out, path.stem, ADDED) for path in paths}
    with ExitStack() as stack:
        for ledger in ledgers.values():
            stack.enter_context(ledger.held())
            _open(ledger, plan.metrics)
        before = {name: ledger.final.read_bytes() for name, ledger in ledgers.items()}

        def note(name: str, path: Path, kept: bool) -> None:
            if ledgers[name].final.read_bytes() != before[name]:
                record(name, path, kept)

        jobs = [job for name, ledger in ledgers.items() for job in _jobs(plan, name, ledger)]
        failed = fill(ledgers, jobs, _attempt, engine, note)
    empty: dict[str, Counter[str]] = {name: Counter() for name in ledgers}
    for job, reason in failed:
        empty[job.results][reason] += len(job.rows)
    whole = {id(job) for job, _ in failed}
    for job in jobs:
        if id(job) not in whole and (drifted := _still_lacking(job, ledgers[job.results])):
            empty[job.results][OTHER_PICTURE] += drifted
    return [_sentence(plan, ledgers[name], reasons) for name, reasons in empty.items() if reasons]


def _still_lacking(job: FileAgain, ledger: Ledger) -> int:
    """How many rows of a file got nothing, since their pictures are others today."""
    return sum(bool(_lacking(ledger.rows[row_key(row)], job.metrics)) for row in job.rows)


def _is_wanted(plan: Additions, rows: Sequence[Row]) -> bool:
    return not plan.codecs or any(row.codec in plan.codecs for row in rows)


def _open(ledger: Ledger, metrics: Sequence[str]) -> None:
    """Take over the rows, with what an interrupted run has added to them."""
    if (unfinished := ledger.unfinished_bench).exists():
        raise ResultsError(
            f"{unfinished} holds rows of a run that was interrupted; finish it with --resume first"
        )
    rows = read_rows(ledger.final)
    if as_file(rows) != ledger.final.read_bytes():
        raise ResultsError(
            f"{ledger.final} is not written as `bench` writes it, so its other numbers would "
            "change; restore it, or measure anew with --replace"
        )
    ledger.rows = {row_key(row): row for row in rows}
    ledger.recalled = True
    if ledger.partial.exists():
        for row in read_rows(ledger.partial):
            before = ledger.rows.get(row_key(row))
            added = {key: row.values[key] for key in metrics if key in row.values}
            if before and _with(before, added) == row:
                ledger.rows[row_key(row)] = row


def _with(row: Row, added: Mapping[str, float]) -> Row:
    """The row with more numbers; those that it has stay."""
    return row._replace(values={**added, **row.values})


def _jobs(plan: Additions, name: str, ledger: Ledger) -> Iterator[FileAgain]:
    rows = (row for row in ledger.rows.values() if _lacking(row, plan.metrics))
    for photo, own in by_file(rows, plan.photos):
        yield FileAgain(photo, name, own, plan.metrics)


def _lacking(row: Row, metrics: Sequence[str]) -> list[str]:
    side = min(row.width, row.height)
    return [one for one in metrics if one not in row.values and METRICS[one].min_side <= side]


def _attempt(job: FileAgain, read: Reader) -> list[Measurement] | str:
    try:
        return [(row, None) for row in _filled(job, read)]
    except (ModeError, OSError) as error:
        return f"because of this: {error}"
    except OtherwiseError as found:
        return str(found)


def _filled(job: FileAgain, read: Reader = read_image) -> list[Row]:
    """The rows with the numbers that they lacked, without those of pictures that are others."""
    filled = []
    for rows, original, picture in pictures_again(job.photo, job.rows, read):
        filled += _with_metrics(rows, original, picture, job.metrics)
    return filled


def _with_metrics(
    rows: Sequence[Row], original: Image, picture: Image, metrics: Sequence[str]
) -> list[Row]:
    """Rows of one picture, which is measured once."""
    wanted = [one for one in metrics if any(one in _lacking(row, metrics) for row in rows)]
    measured = measure(original, picture, wanted)
    for reason in measured.missing.values():
        raise ResultsError(reason)
    return [_with(row, measured.values) for row in rows]


def _sentence(plan: Additions, ledger: Ledger, reasons: Mapping[str, int]) -> str:
    labels = " and ".join(METRICS[key].label for key in plan.metrics)
    whose = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    left = sum(reasons.values())
    return f"{ledger.final}: {labels} stays empty in {left} of {len(ledger.rows)} rows: {whose}"
