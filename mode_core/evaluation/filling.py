"""Jobs done into the ledgers of their codecs, and a note on how the rows there were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from mode_core.evaluation.ledger import Ledger
from mode_core.evaluation.rows import Measurement
from mode_core.evaluation.workers import AnyTask, Engine, Reader


class _OfPhoto(Protocol):
    @property
    def codec(self) -> str: ...
    @property
    def photo(self) -> Path: ...


Record = Callable[[str, Path, bool], None]
"""(codec, path, whether earlier rows are kept) -> writes how a codec's rows are made: as `begin`
before the first of a run, as `record` after the last."""


def no_record(codec: str, path: Path, kept: bool) -> None:
    """Nothing is written."""


def by_photo(failed: Sequence[tuple[_OfPhoto, str]]) -> dict[str, str]:
    """The reason why not, by the name of each photo and codec."""
    return {f"{job.photo.name} ({job.codec})": reason for job, reason in failed}


def fill(
    ledgers: Mapping[str, Ledger],
    jobs: Sequence[AnyTask],
    attempt: Callable[[AnyTask, Reader], list[Measurement] | str],
    engine: Engine,
    record: Record,
    begin: Record = no_record,
) -> list[tuple[AnyTask, str]]:
    """Do the jobs of every codec into its ledger; those that fail come back with the reason."""
    open_jobs = {codec: sum(job.codec == codec for job in jobs) for codec in ledgers}
    failed: list[tuple[AnyTask, str]] = []
    begun: set[str] = set()
    with tqdm(total=len(jobs), unit="photo", disable=None) as bar:
        for job, outcome in engine.outcomes(jobs, attempt):
            bar.update()
            if isinstance(outcome, str):
                failed.append((job, outcome))
            else:
                if job.codec not in begun:
                    begun.add(job.codec)
                    begin(job.codec, ledgers[job.codec].note, ledgers[job.codec].recalled)
                ledgers[job.codec].add(outcome)
            open_jobs[job.codec] -= 1
            if not open_jobs[job.codec]:
                _close_ledger(ledgers[job.codec], job.codec, record)
    for codec, ledger in ledgers.items():
        # All was measured, but the run was stopped before the files got their names.
        if not any(job.codec == codec for job in jobs) and ledger.partial.exists():
            _close_ledger(ledger, codec, record)
    return failed


def _close_ledger(ledger: Ledger, codec: str, record: Record) -> None:
    if ledger.rows:
        ledger.finish()
        record(codec, ledger.note, ledger.recalled)
