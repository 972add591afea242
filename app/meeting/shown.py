"""What a leader's page shows, as followers are told it: checked, and with limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from unicodedata import category

from app.server.demands import MAX_PANES
from mode_core.errors import ModeError

MAX_TITLE, MAX_NOTE, MAX_METRICS, MAX_CROPS = 60, 160, 16, 40
MAX_HASH = 128 * MAX_PANES
_NAME = re.compile(r"[a-z0-9][a-z0-9./_-]{0,47}(@[\d.]{1,12})?")
_METRIC = re.compile(r"\w{1,24}", re.ASCII)
_MOST_PIXELS = 1e6
"""More than a frame of any screen shows of a picture, at any scale."""
_LARGEST = 1e300
_NO_LINE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control characters of all kinds. What this Python does not know yet may be a new emoji."""

Numbers = Mapping[str, Mapping[str, float | str]]


class NotShown(ModeError):
    """This is no view that a leader's page could have sent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The picture, panes and rate of a view: what the server is asked for."""

    picture: str
    panes: tuple[str, ...]
    bpp: float

    @classmethod
    def of(cls, value: object) -> Wanted:
        """The same as the page says it."""
        match value:
            case {"picture": str(picture), "panes": list(panes), "bpp": float() | int() as bpp}:
                if len(panes) <= MAX_PANES and all(map(_is_name, [picture, *panes])):
                    return cls(picture, tuple(panes), _between(bpp, 0, 100))
        raise NotShown(f"a view has a picture, at most {MAX_PANES} panes, and a rate")


@dataclass(frozen=True, slots=True)
class Shown:
    """One view: the text of its link, and what no link holds."""

    hash: str
    """The viewer's share of a link; followers check it as they check any link."""
    wanted: Wanted
    reach: tuple[float, float]
    """How much of the picture the leader's frame shows, in its pixels."""
    held: str = ""
    """The pane that is shown in all panes."""
    dot: tuple[float, float] | None = None
    """Where the leader points, as shares of the picture."""
    title: str = ""
    note: str = ""
    at: int = 0
    """Which crop of the leader's list this is, from 1; 0 for none."""
    of: int = 0
    numbers: Numbers | None = None
    """Metrics of what is in the leader's view, by pane."""
    failed: tuple[str, ...] = ()
    """Panes that failed on the leader's page, so that nobody waits for them."""
    ahead: Wanted | None = None
    """What the leader will show next, if its pictures are there."""

    @classmethod
    def of_page(cls, value: object) -> Shown:
        """What a page has sent, or NotShown."""
        if not isinstance(value, dict):
            raise NotShown("a view is an object")
        dot, ahead = value.get("dot"), value.get("ahead")
        failed = value.get("failed", [])
        if not isinstance(failed, list) or len(failed) > MAX_PANES:
            raise NotShown("the panes that failed are a list")
        return cls(
            _text(value, "hash", MAX_HASH),
            Wanted.of(value),
            _pair(value.get("reach"), 0.01, _MOST_PIXELS),
            _name(value.get("held") or ""),
            None if dot is None else _pair(dot, 0, 1),
            _text(value, "title", MAX_TITLE),
            _text(value, "note", MAX_NOTE),
            _count(value.get("at", 0)),
            _count(value.get("of", 0)),
            _numbers(value.get("numbers")),
            tuple(map(_name, failed)),
            None if ahead is None else Wanted.of(ahead),
        )

    def as_json(self) -> dict[str, Any]:
        """What followers are told; what the server alone needs is left out."""
        told = asdict(self)
        for own in ("wanted", "failed", "ahead"):
            del told[own]
        return told


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _name(value: object) -> str:
    if value == "" or _is_name(value):
        return str(value)
    raise NotShown("a pane has a name of small letters")


def _text(value: Mapping[str, Any], name: str, most: int) -> str:
    text = value.get(name, "")
    if not isinstance(text, str) or len(text) > most or any(category(c) in _NO_LINE for c in text):
        raise NotShown(f"the {name} is a line of at most {most} characters")
    return text


def _between(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotShown("this must be a number")
    if not low <= value <= high:  # not so for NaN
        raise NotShown(f"a number must lie between {low:g} and {high:g}")
    return float(value)


def _pair(value: object, low: float, high: float) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise NotShown("a place or a size is two numbers")
    return _between(value[0], low, high), _between(value[1], low, high)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_CROPS:
        raise NotShown(f"crops are counted from 0 to {MAX_CROPS}")
    return value


def _numbers(value: object) -> Numbers | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MAX_PANES or not all(map(_is_name, value)):
        raise NotShown("numbers come by pane")
    return {pane: _values(found) for pane, found in value.items()}


def _values(found: object) -> Mapping[str, float | str]:
    if not isinstance(found, dict) or len(found) > MAX_METRICS:
        raise NotShown("the numbers of a pane come by metric")
    for metric, number in found.items():
        is_number = type(number) in (int, float) and -_LARGEST < number < _LARGEST
        if not _METRIC.fullmatch(metric) or not (is_number or number == "inf"):
            raise NotShown("a metric has a name and a number")
    return found
