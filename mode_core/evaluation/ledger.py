"""The rows that a benchmark has so far of one codec, and the files that they go to.

One run at a time may write a codec's files; what lies there already is kept (`resume`), replaced
because that was asked for (`replace`), or a reason to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from mode_core.errors import ResultsError
from mode_core.evaluation.rows import (
    PARTIAL_SUFFIX,
    TIMING_SUFFIX,
    Measurement,
    Row,
    Timing,
    read_rows,
    read_timings,
    row_key,
    timing_key,
    write_rows,
    write_timings,
)
from mode_core.stream.lock import held

_SHARE = 20
"""Of a run, at most this part is spent on writing what it has so far."""


class _Budget:
    """What all ledgers of this process have spent on that, and since when."""

    def __init__(self) -> None:
        self.since, self.spent = monotonic(), 0.0

    @property
    def allows(self) -> bool:
        """Whether another write is paid for."""
        return self.spent * _SHARE <= monotonic() - self.since


_BUDGET = _Budget()


class Ledger:
    """The rows of one codec so far, and the files that they go to."""

    def __init__(self, out: Path, stem: str, kind: str = "") -> None:
        self.final, self.final_timing = out / f"{stem}.csv", out / f"{stem}{TIMING_SUFFIX}"
        self.note = self.final.with_suffix(".json")
        self.unfinished_bench = out / f"{stem}{PARTIAL_SUFFIX}"
        self.partial = out / f"{stem}{kind}{PARTIAL_SUFFIX}"
        self.partial_timing = out / f"{stem}{kind}.timing{PARTIAL_SUFFIX}"
        self.lock = out / f".{stem}.lock"
        self.recalled = False
        self._unsaved = False
        self.rows: dict[object, Row] = {}
        self.timings: dict[object, Timing] = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """No other run writes these files meanwhile; ResultsError if one does already."""
        with held(self.lock, self._refuse_another):
            try:
                yield
            finally:
                if self._unsaved:
                    self._save()

    def _refuse_another(self) -> None:
        raise ResultsError(
            f"another run is writing {self.final}; wait for it or choose another --out"
        )

    def refuse_earlier(self) -> None:
        """ResultsError if there are rows already, finished or not."""
        for path in (self.final, self.partial):
            if path.exists():
                raise ResultsError(
                    f"{path} holds rows already: --resume keeps them and measures what is missing, "
                    "--replace measures all anew; or choose another --out"
                )

    def recall(self, keep: Callable[[Row], bool]) -> int:
        """Take over those earlier rows, finished or not, that are to be kept; how many are not."""
        earlier: dict[object, Row] = {}
        for path in (self.final, self.partial):
            if path.exists():
                earlier |= {row_key(row): row for row in read_rows(path)}
        self.rows |= {key: row for key, row in earlier.items() if keep(row)}
        for path in (self.final_timing, self.partial_timing):
            if path.exists():
                self.timings |= {timing_key(timing): timing for timing in read_timings(path)}
        self.recalled = bool(self.rows)
        return len(earlier) - len(self.rows)

    def add(self, measurements: Sequence[Measurement]) -> None:
        """Note what one job measured, safe from interruption.

        All of it is written each time; where jobs are quick and rows are many, only as often as
        does not hold them up: what a run loses that is killed are quick jobs since the last write.
        """
        self.rows |= {row_key(row): row for row, _ in measurements}
        self.timings |= {timing_key(timing): timing for _, timing in measurements if timing}
        self._unsaved = True
        if _BUDGET.allows:
            self._save()

    def _save(self) -> None:
        start = monotonic()
        write_rows(self.partial, self.rows.values())
        if self.timings:
            write_timings(self.partial_timing, self.timings.values())
        _BUDGET.spent += monotonic() - start
        self._unsaved = False

    def finish(self) -> None:
        """Give the files their real names."""
        write_rows(self.final, self.rows.values())
        if self.timings:
            write_timings(self.final_timing, self.timings.values())
        self.partial.unlink(missing_ok=True)
        self.partial_timing.unlink(missing_ok=True)
        self._unsaved = False
