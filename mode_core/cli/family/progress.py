"""One line that says how all stages stand, and a log that keeps every sentence."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

TAIL = 4096
EVERY_S = 15.0


def last_row(path: Path) -> dict[str, str]:
    """The last whole row of a CSV file that is being written; nothing where there is none."""
    try:
        with path.open("rb") as file:
            head = file.readline().decode()
            file.seek(max(len(head), path.stat().st_size - TAIL))
            lines = file.read().decode(errors="replace").splitlines()
        rows = list(csv.reader([head, lines[-1]]))
        return dict(zip(rows[0], rows[1], strict=True))
    except (OSError, IndexError, ValueError):
        return {}


def minutes(seconds: float) -> str:
    """A time as 3:05."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def stage_words(name: str, folder: Path, left_s: float) -> str:
    """How one stage stands."""
    row = last_row(folder / "log.csv")
    loss = f", step {row['step']}, loss {row['loss']}" if {"step", "loss"} <= row.keys() else ""
    return f"{name}{loss}, {minutes(left_s)} left"


def line(spent: float, total: float, running: Iterable[str], waiting: Iterable[str]) -> str:
    """All of it."""
    now = " | ".join(running) or "closing"
    later = ", ".join(waiting)
    return f"{minutes(spent)} of {minutes(total)} | {now}" + (f" | then {later}" if later else "")


class Teller:
    """Keeps one line at the foot of a terminal, or writes one now and then where there is none."""

    def __init__(self, log: Path) -> None:
        self._log, self._told, self._shown = log, 0.0, ""
        self._terminal = sys.stdout is not None and sys.stdout.isatty()

    def say(self, sentence: str) -> None:
        """A sentence that stays."""
        with self._log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {sentence}\n")
        self._write(f"\r\x1b[K{sentence}\n" if self._terminal else f"{sentence}\n")

    def show(self, line: str) -> None:
        """The line of progress."""
        now = time.monotonic()
        if self._terminal:
            self._write(f"\r\x1b[K{line[:180]}")
        if now - self._told >= EVERY_S:
            self._told = now
            with self._log.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%H:%M:%S')} {line}\n")
            if not self._terminal:
                self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()


def says_finished(output: Path, start: int) -> bool:
    """Whether a process says, after so many bytes of its output, that it trained to the end."""
    try:
        with output.open("rb") as file:
            file.seek(max(start, output.stat().st_size - 16 * TAIL))
            return b"finished" in file.read().splitlines()
    except OSError:
        return False


def last_words(output: Path, facts: Mapping[str, object]) -> str:
    """Why a process ended badly: its last line, or the signal."""
    code = int(str(facts.get("code", 1)))
    try:
        size = output.stat().st_size
        with output.open("rb") as file:
            file.seek(max(0, size - TAIL))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    why = lines[-1][:300] if lines else "it said nothing"
    return f"signal {-code}, last: {why}" if code < 0 else why
