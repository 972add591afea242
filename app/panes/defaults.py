"""What opens when nobody has chosen yet."""

from __future__ import annotations

from app.panes.names import ORIGINAL, pane_id, pane_label, parse_pane
from app.panes.weights import maker_name, need_weights, public_makers, sentence
from mode_core.codecs.registry import CODECS
from mode_core.errors import WeightsUnavailable
from mode_core.weights.sets import PUBLIC

DEFAULT_PANES = (ORIGINAL, "mode-f", "mode-p", "elic", "ms-illm", "dlf")
STAND_INS = ("jpeg", "webp", "avif", "jxl")


def default_panes() -> tuple[tuple[str, ...], str]:
    """The panes that open first, and a sentence about those of the six that lack weights.

    Imported weights stand in only where none are bundled.
    """
    missing = {}
    for id in CODECS:
        try:
            need_weights(id)
        except WeightsUnavailable as error:
            missing[id] = sentence(error)
    wanted, absent = [], []
    for id in DEFAULT_PANES:
        codec, anchor = parse_pane(id)
        instead = maker_name(codec, PUBLIC)
        if codec not in missing:
            wanted.append(id)
        elif instead in public_makers():
            wanted.append(pane_id(instead, anchor))
        else:
            absent.append(id)
            why = missing[codec]
    panes = (*wanted, *STAND_INS[: len(absent)])
    if not absent:
        return panes, ""
    return panes, f"Without {', '.join(map(pane_label, absent))}: {why}"
