"""Metrics of exactly the region that is on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.server.demands import MAX_CODED, MAX_PANES
from app.server.service import Service
from app.server.snapshot import metrics_json
from mode_core.metrics import METRICS, Measured, measurable, measure
from mode_core.metrics.table import VIEW_METRICS
from mode_core.pictures.parts import crop
from mode_core.types import Image

MAX_SLOW_PIXELS = 1_500_000
QUICK = tuple(key for key in VIEW_METRICS if METRICS[key].quick)
SLOW = tuple(key for key in VIEW_METRICS if not METRICS[key].quick)
_TOO_LARGE = "the region is too large to measure on the fly; zoom in"


def region_metrics(
    service: Service, picture: str, keys: Sequence[str], box: Sequence[int], slow: bool
) -> dict[str, Any]:
    """The quick metrics, or the slow ones, of each picture inside the box (x, y, width, height)."""
    photo = service.photo(picture)
    found: dict[str, Any] = {}
    shown = service.decoded(photo, keys[:MAX_PANES])
    for decoded in shown:
        pair = crop(photo.pixels, box), crop(decoded.pixels, box)
        measured = _slow(service, *pair, len(shown)) if slow else measure(*pair, QUICK)
        found[decoded.key] = {"metrics": metrics_json(measured), "missing": dict(measured.missing)}
    return found


def _slow(service: Service, original: Image, decoded: Image, panes: int) -> Measured:
    """Many panes may be measured over as many pixels as a few large ones."""
    keys = measurable(SLOW)
    if original.size // 3 * max(1, panes / MAX_CODED) > MAX_SLOW_PIXELS:
        return Measured({}, dict.fromkeys(keys, _TOO_LARGE))
    return service.runner.measure(original, decoded, keys)


def parse_query(args: object) -> tuple[str, list[str], list[int], bool]:
    """The browser's arguments, or ValueError: anyone can call this."""
    match args:
        case [str(picture), list(keys), list(box), bool(slow)] if len(box) == 4:
            if all(isinstance(key, str) for key in keys) and all(type(n) is int for n in box):
                return picture, keys, box, slow
    raise ValueError("expected picture, keys, [x, y, width, height], slow")
