"""Numbers to words, the same way everywhere on the page and in the API."""

from __future__ import annotations

import re

from app.makers import parts_of, with_profile
from mode_core.registry import CODECS
from mode_core.types import SQ_EXPERT, VQ_EXPERT

_SHORT = {"fidelity": "mode-f", "perception": "mode-p", SQ_EXPERT: "mode-sq", VQ_EXPERT: "mode-vq"}
_LONG = {short: anchor for anchor, short in _SHORT.items()}
ORIGINAL = "original"


def pane_id(codec: str, anchor: str) -> str:
    """The name of a pane: mode-f, mode-p, mode-0.35, elic, …"""
    return codec if not anchor else _SHORT.get(anchor, f"mode-{anchor}")


def parse_pane(id: str) -> tuple[str, str]:
    """Maker and anchor of a pane; anything unknown comes back as it is and is refused later."""
    if id in _LONG:
        return "mode", _LONG[id]
    if id.startswith("mode-"):
        return "mode", id.removeprefix("mode-")
    return id, ""


def pane_label(id: str) -> str:
    """What a pane is called before its picture is there."""
    codec, anchor = parse_pane(id)
    if id == ORIGINAL:
        return "Original"
    if (info := CODECS.get(parts_of(codec)[0])) is None:
        return id[:40]
    named = info.outputs.items()
    outputs = {"" if key is None else str(key): label for key, label in named}
    return with_profile(outputs.get(anchor, f"MoDE {anchor}"), codec)[:40]


def bytes_text(count: int) -> str:
    """4 971 B, 123.4 kB, 5.1 MB."""
    if count < 10_000:
        return f"{count:,} B".replace(",", "\u202f")
    return f"{count / 1e3:.1f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def deviation(bpp: float, target_bpp: float | None) -> float | None:
    """How far the real rate is from the wish, as a fraction; None without a wish."""
    return None if not target_bpp else bpp / target_bpp - 1


def file_stem(text: str) -> str:
    """A harmless name for a download, without its ending."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)[:80].strip(".-") or "picture"
