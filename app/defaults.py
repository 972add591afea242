"""What opens when nobody has chosen yet."""

from __future__ import annotations

from app.makers import maker_name, need_weights, public_makers
from app.text import ORIGINAL, pane_label, parse_pane
from app.work import sentence
from mode_core.errors import WeightsUnavailable
from mode_core.registry import CODECS
from mode_core.weights import PUBLIC

DEFAULT_PANES = (ORIGINAL, "mode-f", "mode-p", "elic", "ms-illm", "dlf")
STAND_INS = ("jpeg", "webp", "avif", "jxl")


def default_panes() -> tuple[tuple[str, ...], str]:
    """What opens first: the six, or what has weights here and a sentence on what has not.

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
        instead = maker_name(id, PUBLIC)
        if (codec := parse_pane(id)[0]) not in missing:
            wanted.append(id)
        elif instead in public_makers():
            wanted.append(instead)
        else:
            absent.append(id)
            why = missing[codec]
    panes = (*wanted, *STAND_INS[: len(absent)])
    if not absent:
        return panes, ""
    return panes, f"Without {', '.join(map(pane_label, absent))}: {why}"
