"""A crowd from its start to its end: by rounds, by minutes, or because somebody stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic, sleep

import numpy as np

from mode_core.cli.crowd.page import Page, Wish
from mode_core.cli.crowd.user import Asker, Kind, Outcome, ask

_LEAVES_S = 0.2, 3.0
"""Seconds of listening after which somebody who leaves hangs up, at least and at most."""
_LOOK_S = 0.1
STOPPED = "stopped"
_LAST_S = 5.0
"""Seconds that lines which are cut get to end in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many ask, how often, for how long at most, and how."""

    users: int
    rounds: int
    minutes: float
    wish: Wish
    size: tuple[int, int] = (768, 512)
    leave: float = 0.0
    """The share of questions that are left in mid-job."""
    pause_s: float = 1.0
    """Seconds between an answer and the next question of its user."""
    apart: bool = True
    """Whether each user has an address of their own, as a proxy here would say."""
    seed: int = 0

    @property
    def numbers(self) -> range:
        """Of all pictures, no two alike."""
        return range(self.users * self.rounds)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a crowd has met."""

    outcomes: list[Outcome]
    seconds: float
    why: str


class Crowd:
    """The users of one test, a thread each."""

    def __init__(self, page: Page, plan: Plan, tell: Callable[[Outcome], object]) -> None:
        self._page, self._plan, self._tell = page, plan, tell
        self._stopped, self._lock = Event(), Lock()
        self._outcomes: list[Outcome] = []
        self._begun = 0
        self.interrupted = False

    def run(self) -> Ended:
        """Everything until the end, which setting `interrupted` is too."""
        users = [
            Thread(target=self._visit, args=(user,), daemon=True)
            for user in range(self._plan.users)
        ]
        since, why = monotonic(), "all rounds are done"
        for one in users:
            one.start()
        while any(one.is_alive() for one in users):
            if self.interrupted or monotonic() - since > 60 * self._plan.minutes:
                why = STOPPED if self.interrupted else f"{self._plan.minutes:g} minutes are over"
                break
            sleep(_LOOK_S)
        seconds = monotonic() - since
        self._stopped.set()
        self._page.hang_up()
        until = monotonic() + _LAST_S
        for one in users:
            one.join(max(0.0, until - monotonic()))
        with self._lock:
            # a line that is still being connected cannot be cut
            open_still = [Outcome(Kind.UNFINISHED)] * (self._begun - len(self._outcomes))
            return Ended([*self._outcomes, *open_still], seconds, why)

    def _visit(self, user: int) -> None:
        plan = self._plan
        rng = np.random.default_rng([plan.seed, user])
        for at in range(plan.rounds):
            leaves = rng.random() < plan.leave
            listens_s = rng.uniform(*_LEAVES_S)
            asker = Asker(
                number=user * plan.rounds + at,
                size=plan.size,
                asked=plan.numbers,
                address=_address(user) if plan.apart else "",
                leave_s=listens_s if leaves else None,
            )
            with self._lock:
                self._begun += 1
            self._note(ask(self._page, plan.wish, asker))
            if self._stopped.wait(plan.pause_s):
                return

    def _note(self, outcome: Outcome) -> None:
        # a line that was cut here looks like one that broke
        if self._stopped.is_set() and outcome.kind is Kind.LOST:
            outcome = Outcome(Kind.UNFINISHED, outcome.seconds)
        with self._lock:
            self._outcomes.append(outcome)
        self._tell(outcome)


def _address(user: int) -> str:
    """One of the addresses that are set aside for tests of networks (RFC 2544)."""
    return f"198.18.{user // 250}.{user % 250 + 1}"
