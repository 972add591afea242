"""The rows of one codec while a benchmark runs, and the files that they end in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mode_core.evaluation.rows import (
    PARTIAL_SUFFIX,
    TIMING_SUFFIX,
    Row,
    Timing,
    read_rows,
    read_timings,
    row_key,
    timing_key,
    write_rows,
    write_timings,
)

Measurement = tuple[Row, Timing]


class Ledger:
    """The rows of one codec so far, and the files that they go to."""

    def __init__(self, out: Path, stem: str) -> None:
        self.final, self.final_timing = out / f"{stem}.csv", out / f"{stem}{TIMING_SUFFIX}"
        self.partial = out / f"{stem}{PARTIAL_SUFFIX}"
        self.partial_timing = out / f"{stem}.timing{PARTIAL_SUFFIX}"
        self.recalled = False
        self.rows: dict[object, Row] = {}
        self.timings: dict[object, Timing] = {}

    def recall(self, keep: Callable[[Row], bool]) -> None:
        """Take over those earlier rows, finished or not, that are to be kept."""
        for path in (self.final, self.partial):
            if path.exists():
                self.rows |= {row_key(row): row for row in read_rows(path) if keep(row)}
        for path in (self.final_timing, self.partial_timing):
            if path.exists():
                self.timings |= {timing_key(timing): timing for timing in read_timings(path)}
        self.recalled = bool(self.rows)

    def add(self, measurements: Sequence[Measurement]) -> None:
        """Note what one job measured, safe from interruption."""
        self.rows |= {row_key(row): row for row, _ in measurements}
        self.timings |= {timing_key(timing): timing for _, timing in measurements}
        write_rows(self.partial, self.rows.values())
        write_timings(self.partial_timing, self.timings.values())

    def finish(self) -> None:
        """Give the files their real names."""
        write_rows(self.final, self.rows.values())
        write_timings(self.final_timing, self.timings.values())
        self.partial.unlink(missing_ok=True)
        self.partial_timing.unlink(missing_ok=True)
