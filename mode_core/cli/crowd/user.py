"""One question of one user: asked, waited for or left, and what came held against what was sent."""

from __future__ import annotations

from enum import StrEnum
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from mode_core.cli.crowd.page import Left, Lost, Page, Refused, Wish
from mode_core.cli.crowd.pictures import is_of, picture_of, whose
from mode_core.errors import UnsupportedImage
from mode_core.metrics.fidelity import psnr
from mode_core.pictures.files import FASTEST, png_bytes, read_image
from mode_core.types import Image

_ORIGINAL = "original"
_SAME_DB = 0.01


class Kind(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    IN_PART = "answered in part"
    """With a pane that failed, or a picture that was gone before it was fetched."""
    REFUSED = "refused"
    LEFT = "left in mid-job"
    LOST = "lost"
    MIXED_UP = "mixed up"
    UNFINISHED = "unfinished"
    """Still waiting when the test ended."""


class Outcome(NamedTuple):
    """How one question ended, after how long, and in whose words."""

    kind: Kind
    seconds: float = 0.0
    """From sending the picture to the whole answer, without fetching its pictures."""
    words: str = ""


class Asker(NamedTuple):
    """Who asks with which picture; `asked` are the numbers of all pictures of this test."""

    number: int
    size: tuple[int, int]
    asked: range
    address: str = ""
    leave_s: float | None = None


def ask(page: Page, wish: Wish, asker: Asker) -> Outcome:
    """One question from its picture to its end."""
    sent = picture_of(asker.number, *asker.size)
    png, since = png_bytes(sent, level=FASTEST), monotonic()
    try:
        stream = page.ask(png, wish, asker.address)
        answer = page.answer(stream, asker.address, asker.leave_s)
        seconds = monotonic() - since
        return _checked(page, asker, sent, answer, seconds)
    except Left:
        return Outcome(Kind.LEFT, monotonic() - since)
    except Refused as error:
        return Outcome(Kind.REFUSED, monotonic() - since, str(error))
    except Lost as error:
        return Outcome(Kind.LOST, monotonic() - since, str(error))


def _checked(
    page: Page, asker: Asker, sent: Image, answer: dict[str, Any], seconds: float
) -> Outcome:
    """Answered, if each picture of the answer was made of the one that was sent."""
    if (answer.get("width"), answer.get("height")) != asker.size:
        return Outcome(Kind.MIXED_UP, seconds, "the answer is of a picture of another size")
    missing = ""
    for row in _rows(answer):
        if row.get("state") != "ready":
            missing = missing or f"{row.get('id')}: {row.get('error') or 'no picture'}"
            continue
        try:
            got = read_image(page.picture(row.get("url"), asker.address))
        except (Refused, UnsupportedImage) as error:
            missing = missing or f"{row.get('id')}: {error}"
            continue
        wrong = _not_sent(asker, sent, got) if row.get("id") == _ORIGINAL else ""
        if wrong := wrong or _not_made_of(asker, sent, got, row.get("metrics")):
            return Outcome(Kind.MIXED_UP, seconds, f"{row.get('id')}: {wrong}")
    return Outcome(Kind.IN_PART if missing else Kind.ANSWERED, seconds, missing)


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    rows = answer.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Lost("the answer has no rows")
    return rows


def _not_sent(asker: Asker, sent: Image, got: Image) -> str:
    """Whose picture came instead of the original; "" if each pixel is as it was sent."""
    if np.array_equal(sent, got):
        return ""
    other = whose(got, asker.asked)
    return "not the pixels that were sent" if other == asker.number else _named(other)


def _not_made_of(asker: Asker, sent: Image, got: Image, metrics: object) -> str:
    """Whose picture was coded instead; "" if it is the asker's own.

    At the lowest rates token codecs make up what they draw, and no pattern is left. Then it is
    told by the PSNR that the page has measured, which no other picture has against what was sent.
    """
    stated = metrics.get("psnr") if isinstance(metrics, dict) else None
    if got.shape != sent.shape:
        return "a picture of another size"
    if isinstance(stated, int | float) and abs(psnr(sent, got) - stated) > _SAME_DB:
        other = whose(got, asker.asked)
        where = "" if other in (None, asker.number) else f", it is {_named(other)}"
        return f"its PSNR is not {stated:.2f} dB against what was sent{where}"
    if is_of(asker.number, got):
        return ""
    other = whose(got, asker.asked)
    return "" if other is None and stated is not None else _named(other)


def _named(number: int | None) -> str:
    return "nobody's picture" if number is None else f"the picture of question {number}"
