"""Two workers under a crowd while one after the other is killed: nothing is mixed up or lost."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import numpy as np
import pytest

from mode_core.cli.crowd.memory import held_by
from mode_core.cli.crowd.page import Page, Wish
from mode_core.cli.crowd.run import Crowd, Ended, Plan
from mode_core.cli.crowd.user import Kind
from tests.hostile.test_crowd import helpers_of, served

pytestmark = [pytest.mark.hostile, pytest.mark.weights]
USERS, ROUNDS, KILLS = 8, 2, 20
WISH = Wish(0.2, ("elic", "webp"))
SAID = "the worker process stopped in the middle of this"


@pytest.fixture(scope="module")
def page() -> Iterator[tuple[str, int]]:
    """The address of a page with two workers, and its process."""
    with served(MODE_WORKERS="2") as at:
        yield at


def crowd(url: str, at: int) -> Ended:
    """The crowd of this number, whose pictures have a width that no other crowd's have."""
    plan = Plan(USERS, ROUNDS, 10, WISH, (256 + 8 * at, 192), pause_s=0)
    return Crowd(Page(url), plan, lambda _: None).run()


def working(pid: int) -> list[int]:
    """The helpers for codecs and metrics that use a processor just now."""
    found = []
    for one in helpers_of(pid):
        with suppress(OSError):
            words = Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0]
            if b"app.server.child" in words and b"0" in words and state == "R":
                found.append(one)
    return found


def test_killed_workers_cost_their_own_jobs_a_sentence(
    page: tuple[str, int], rng: np.random.Generator, say: Callable[[str], None]
) -> None:
    (url, pid), killed, done = page, list[int](), Event()
    first = crowd(url, 0)
    before = held_by(pid)[0]
    told: list[Ended] = []

    def ask() -> None:
        while not done.is_set():
            told.append(crowd(url, 1 + len(told)))

    asking = Thread(target=ask, daemon=True)
    asking.start()
    for _ in range(KILLS):
        sleep(rng.uniform(0.2, 1.0))
        until = monotonic() + 60
        while not (busy := working(pid)):
            assert monotonic() < until, told
            sleep(0.01)
        killed.append(int(rng.choice(busy)))
        with suppress(ProcessLookupError):
            os.kill(killed[-1], signal.SIGKILL)
    done.set()
    asking.join()
    last = crowd(url, 1 + len(told))
    after = held_by(pid)[0]
    outcomes = [one for ended in told for one in ended.outcomes]
    kinds, words = Counter(one.kind for one in outcomes), Counter(one.words for one in outcomes)
    megabytes = f"{before / 1e6:.0f} MB before, {after / 1e6:.0f} after"
    say(f"{len(killed)} killed: {dict(kinds)}; {megabytes}")
    assert len(killed) == KILLS
    assert not set(killed) & set(helpers_of(pid))
    assert set(kinds) <= {Kind.ANSWERED, Kind.IN_PART}, words
    assert all(SAID in one.words for one in outcomes if one.kind is Kind.IN_PART), words
    assert {one.kind for ended in (first, last) for one in ended.outcomes} == {Kind.ANSWERED}
    assert after < before + 100e6
