"""A blind test that is open: its pictures, its raters, and what it tells to whom."""

from __future__ import annotations

from hmac import compare_digest
from secrets import token_hex
from threading import Lock
from time import monotonic
from typing import Any

from app.blind.plan import Trial
from app.blind.preparing import Cancelled, Prepared, prepare
from app.blind.rater import Rater
from app.blind.wish import QUESTIONS, Spot, Wish
from app.panes.weights import sentence
from app.server.demands import BadRequest
from app.server.queue import Ahead
from app.server.service import Service
from app.server.store import Sealed
from mode_core.errors import ModeError
from mode_core.votes.records import PAIR

MOST_RATERS = 100
CLOSED, FULL = "this test is closed", "this test has all the raters that it can have"
_LISTENS_S = 90.0
"""While its pictures are made, its maker's page asks at least so often, or it is given up."""


class OpenTest:
    """One test, known by an id that cannot be guessed; its host by a secret."""

    def __init__(self, wish: Wish, visitor: str, stored: bool, unkept: str = "") -> None:
        self.id, self.host = token_hex(16), token_hex(16)
        self.wish, self.visitor = wish, visitor
        self.stored = stored and not wish.alone
        """Whether its answers go to a folder of the operator's."""
        self.unkept = unkept
        """Why they do not, where the folder takes no more of them."""
        self.made = self.asked = monotonic()
        self.prepared: Prepared | None = None
        self.error = ""
        self.closed = self.cancelled = False
        self._done, self._ahead = 0, Ahead(0, 0)
        self._raters: dict[str, Rater] = {}
        self._lock = Lock()

    @property
    def preparing(self) -> bool:
        """Whether its pictures are still being made."""
        return not (self.prepared or self.error or self.cancelled)

    @property
    def raters(self) -> list[Rater]:
        """Those who have joined."""
        with self._lock:
            return [*self._raters.values()]

    def prepare(self, service: Service) -> None:
        """Make all pictures; what goes wrong is told to whoever asks how far it is."""
        try:
            prepared, sealed = prepare(
                self.wish, service, self.visitor, self._is_wanted, self._tell
            )
            service.store.put(self.id, sealed, self.visitor)
            self.prepared = prepared
        except Cancelled:
            self.cancelled = True
        except ModeError as error:
            self.error = sentence(error)
        except Exception:
            self.error = "something broke on the server; its log says what"
            raise

    def _is_wanted(self) -> bool:
        return not self.cancelled and monotonic() - self.asked < _LISTENS_S

    def _tell(self, done: int, ahead: Ahead | None) -> None:
        self._done, self._ahead = done, ahead or Ahead(0, 0)

    def check_host(self, host: object) -> None:
        """BadRequest unless that is the host's secret."""
        if not (isinstance(host, str) and host.isascii() and compare_digest(host, self.host)):
            raise BadRequest("only the host of this test may do that; use the host's own link")

    def join(self, secret: str = "") -> Rater:
        """The rater who was here before, or a new one."""
        if self.prepared is None:
            raise BadRequest("this test is not ready yet; try again in a minute")
        with self._lock:
            if known := self._raters.get(secret):
                known.asked = monotonic()
                return known
            if self.closed:
                raise BadRequest(CLOSED)
            seat = self._free_seat()
            if seat is None:
                raise BadRequest(FULL)
            self._raters = {key: one for key, one in self._raters.items() if one.number != seat}
            new = Rater(seat, self.wish.design)
            self._raters[new.secret] = new
            return new

    def _free_seat(self) -> int | None:
        """One that nobody has had, or else the one that was left longest ago; the lock is held."""
        had = {one.number for one in self._raters.values()}
        seats = range(1 if self.wish.alone else MOST_RATERS)
        if (fresh := next((one for one in seats if one not in had), None)) is not None:
            return fresh
        left = [one for one in self._raters.values() if one.gone]
        return min(left, key=lambda one: one.asked).number if left else None

    def rater(self, secret: object) -> Rater:
        """A rater who has joined."""
        found = self._raters.get(secret) if isinstance(secret, str) else None
        if found is None:
            raise BadRequest("this browser is no rater of this test; open its link again")
        return found

    def may_see(self, rater: Rater) -> bool:
        """Whether this rater may know by now what was what."""
        over = rater.finished and (self.wish.alone or self.wish.each)
        return self.closed or over

    def picture(self, service: Service, mark: str, name: str) -> bytes | None:
        """A picture by the name that the rater of this mark has for it."""
        rater = next((one for one in self.raters if one.mark == mark), None)
        sealed = service.store.get(self.id)
        place = rater.shown(name) if rater else None
        return sealed.pngs[place] if place and isinstance(sealed, Sealed) else None

    def about(self) -> dict[str, Any]:
        """What anybody with the link may know, and no more than that before the end."""
        wish = self.wish
        return {
            "state": "failed" if self.error or self.cancelled
            else "preparing" if self.preparing else "closed" if self.closed else "open",
            "question": QUESTIONS[wish.question],
            "trials": wish.design.trials,
            "alone": wish.alone,
            "each": wish.each,
            "stored": self.stored,
        }  # fmt: skip

    def for_visitor(self) -> dict[str, Any]:
        """That, and what a new rater would find, who takes no seat by asking."""
        with self._lock:
            seat = self._free_seat()
        unequal = 0
        if self.prepared is not None and seat is not None:
            unequal = self._unequal_pairs(Rater(seat, self.wish.design))
        refused = CLOSED if self.closed else FULL if seat is None else ""
        return self.about() | {"refused": refused, "unequal": unequal}

    def for_host(self) -> dict[str, Any]:
        """That, how far the pictures and the raters are, and nobody's answers."""
        raters, wish = self.raters, self.wish
        return self.about() | {
            "error": self.error,
            "unkept": self.unkept,
            "done": self._done,
            "steps": len(wish.scenes) * (len(wish.panes) + 1),
            "position": self._ahead.tickets or None,
            "wait_s": round(self._ahead.seconds),
            "joined": len(raters),
            "finished": sum(one.finished for one in raters),
        }

    def for_rater(self, rater: Rater) -> dict[str, Any]:
        """The trials as the browser needs them: names, sizes, and where to look."""
        assert self.prepared is not None
        spots = {one.name: one.spots for one in self.wish.scenes}
        sizes = self.prepared.sizes
        trials = [
            names
            | {"width": sizes[trial.picture][0], "height": sizes[trial.picture][1]}
            | {"spot": _spot(spots[trial.picture], trial)}
            for names, trial in zip(rater.names(), rater.trials, strict=True)
        ]
        facts = {"rater": rater.secret, "finished": rater.finished}
        return facts | {"trials": trials, "unequal": self._unequal_pairs(rater)}

    def _unequal_pairs(self, rater: Rater) -> int:
        """In how many of this rater's pairs the sizes differ, which is said before the first."""
        assert self.prepared is not None
        pairs = [one for one in rater.trials if one.kind == PAIR]
        return sum(self.prepared.unequal(one.picture, (one.left, one.right)) for one in pairs)


def _spot(spots: tuple[Spot, ...], trial: Trial) -> Spot | None:
    """Where the trial opens; None for the whole picture."""
    return spots[trial.spot % len(spots)] if spots else None
