"""One holder at a time, among threads and processes; a killed one leaves nothing held."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from mode_core.stream.lock import held
from tests.conftest import PYTHON, ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
HOLDER = """
import sys
from pathlib import Path
from mode_core.stream.lock import held
with held(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


class Taken(Exception):
    """Somebody else has it."""


def refuse() -> None:
    raise Taken


def test_a_thread_keeps_others_out_and_lets_them_in(tmp_path: Path) -> None:
    lock, seen = tmp_path / ".a.lock", []

    def other() -> None:
        try:
            with held(lock, refuse):
                seen.append("in")
        except Taken:
            seen.append("out")

    def ask() -> None:
        thread = Thread(target=other)
        thread.start()
        thread.join()

    with held(lock, refuse):
        ask()
    ask()
    assert seen == ["out", "in"]
    assert list(tmp_path.iterdir()) == []


def test_who_waits_comes_in_once_a_killed_process_is_gone(tmp_path: Path) -> None:
    lock, asked = tmp_path / ".a.lock", []
    holder = subprocess.Popen(
        [PYTHON, "-c", HOLDER, str(lock)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    def busy() -> None:
        asked.append("busy")
        holder.send_signal(signal.SIGKILL)
        holder.communicate()

    with held(lock, busy):
        assert asked == ["busy"]
    assert not lock.exists()
