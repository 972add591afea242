"""One rater of a test: what the browser is told before the end, and the answers that it gives."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from secrets import token_hex
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from app.blind.plan import Design, Trial, plan
from app.server.demands import BadRequest
from mode_core.votes.records import ANSWERS, ORIGINAL
from mode_core.votes.sheet import LONGEST_TRIAL_S

SIDES = ("left", "right", "original")
_NAME = 24
"""Letters of a picture's one-time name, 96 bits."""
_AHEAD = 1
"""So many trials beyond the one that is shown a page asks for in advance."""
LEFT_S = 1800.0
"""A seat is free again when nothing was answered on it and its rater is away for so long."""
_MOST_FLIPS, _MOST_ZOOM, _MOST_RATIO = 100_000, 64.0, 16.0
_SCREEN = re.compile(r"\d{1,5}x\d{1,5}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_trials = lru_cache(maxsize=512)(plan)


class Answer(NamedTuple):
    """What a rater said of a trial, and how it was looked at."""

    answer: str
    seconds: float
    flips: int
    zoom: float
    ratio: float
    screen: str
    side_by_side: bool
    time: str


@dataclass(slots=True)
class Rater:
    """A rater, known by a secret of the own browser, which no address ever holds."""

    number: int
    design: Design
    secret: str = field(default_factory=lambda: token_hex(16))
    asked: float = field(default_factory=monotonic)
    """When this rater was last heard of."""
    answered: bool = False
    """Whether this rater was sent pictures that come only after an answer."""
    finished: bool = False
    kept: bool = False
    """Whether the answers lie in the operator's folder."""
    sealed: str = ""
    """The SHA-256 of the file with which the answers go to the host, once they are all given."""
    keeping: Lock = field(default_factory=Lock)

    @property
    def trials(self) -> Sequence[Trial]:
        """What this rater is shown, in order."""
        return _trials(self.design, self.number)

    @property
    def mark(self) -> str:
        """What addresses of this rater's pictures begin with; it says nothing of the secret."""
        return _name(self.secret, "mark")

    @property
    def gone(self) -> bool:
        """Whether nothing was answered, and nobody has been there for a while."""
        return not (self.answered or self.finished) and monotonic() - self.asked > LEFT_S

    def seal(self, digest: object) -> None:
        """All is answered; from now on only the file with this SHA-256 is this rater's."""
        if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
            raise BadRequest("expected the SHA-256 of the answers; reload the page of the test")
        with self.keeping:
            if self.sealed and self.sealed != digest:
                raise BadRequest(
                    "you have handed in other answers already; give the host that file"
                )
            self.sealed, self.finished = digest, True

    def names(self) -> list[dict[str, str]]:
        """The addresses of each trial's pictures: names that say nothing, each good for one."""
        mark = self.mark
        return [
            {side: f"{mark}/{_name(self.secret, at, side)}" for side in SIDES}
            for at in range(self.design.trials)
        ]

    def shown(self, name: str) -> tuple[str, str] | None:
        """The picture and the candidate behind such a name."""
        found = _places(self.secret, self.design.trials).get(name)
        if found is None:
            return None
        at, side = found
        self.asked = monotonic()
        self.answered |= at > _AHEAD
        trial = self.trials[at]
        both = {"left": trial.left, "right": trial.right, "original": ORIGINAL}
        return trial.picture, both[side]


def _name(secret: str, *what: object) -> str:
    said = " ".join(map(str, what)).encode()
    return hmac.new(secret.encode(), said, "sha256").hexdigest()[:_NAME]


@lru_cache(maxsize=64)
def _places(secret: str, trials: int) -> Mapping[str, tuple[int, str]]:
    return {_name(secret, at, side): (at, side) for at in range(trials) for side in SIDES}


def answers_in(sent: object, trials: int, whole: bool) -> list[Answer]:
    """Answers as a browser sent them; all trials of a test unless it may end early."""
    if not isinstance(sent, list) or not 1 <= len(sent) <= trials:
        raise BadRequest(f"expected a list of up to {trials} answers")
    if whole and len(sent) != trials:
        raise BadRequest(
            f"{len(sent)} of {trials} trials are answered; the test ends with the last"
        )
    return [*_checked(sent)]


def _checked(sent: Sequence[object]) -> Iterator[Answer]:
    for number, one in enumerate(sent, 1):
        fields: Mapping[str, Any] = one if isinstance(one, dict) else {}
        answer, screen, time = (fields.get(name) for name in ("answer", "screen", "time"))
        if answer not in ANSWERS or not isinstance(answer, str):
            raise BadRequest(f"answer {number} must be {', '.join(ANSWERS)}")
        if not (isinstance(screen, str) and _SCREEN.fullmatch(screen)):
            raise BadRequest(f"the screen of answer {number} must be like 1440x900")
        flips = fields.get("flips")
        if type(flips) is not int or flips < 0:
            raise BadRequest(f"the flips of answer {number} must be a whole number")
        yield Answer(
            answer,
            _number(fields.get("seconds"), LONGEST_TRIAL_S, number, "seconds"),
            min(flips, _MOST_FLIPS),
            _number(fields.get("zoom"), _MOST_ZOOM, number, "zoom"),
            _number(fields.get("ratio"), _MOST_RATIO, number, "ratio"),
            screen,
            fields.get("side") is True,
            _time(time, number),
        )


def _number(value: Any, most: float, number: int, what: str) -> float:
    """A number, at most `most`: a night over one trial must not cost all the other answers."""
    if type(value) in (int, float) and value >= 0:
        return round(float(min(value, most)), 4)
    raise BadRequest(f"{what} of answer {number} must be a number from 0 to {most:g}")


def _time(text: object, number: int) -> str:
    try:
        if isinstance(text, str) and len(text) <= 40:
            return datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        pass
    raise BadRequest(f"the time of answer {number} must be as ISO 8601 has it")
