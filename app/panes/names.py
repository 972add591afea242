"""Panes: their names, which open first, and numbers as text, alike on the page and in the API."""

from __future__ import annotations

import re

from app.panes.weights import (
    info_of,
    maker_name,
    need_weights,
    parts_of,
    public_makers,
    sentence,
    with_profile,
)
from mode_core.codecs.registry import CODECS
from mode_core.errors import UnknownAnchor, WeightsUnavailable
from mode_core.types import SHORT_ANCHORS, SQ_EXPERT, VQ_EXPERT, Anchor
from mode_core.weights.sets import PUBLIC

_LONG = {short: anchor for anchor, short in SHORT_ANCHORS.items()}
ORIGINAL = "original"
OPENED = "Opened picture"
_OPENED = "opened-"
_LONGEST = 40
_RATED = re.compile(r"([^@]+)@(\d{1,3}(?:\.\d{0,8})?|\.\d{1,8})", re.ASCII)
_END = 20
"""Letters at the end of a long name, which often tell it from others."""
LONGEST_NAME = 60
"""Letters of the name of a picture that was made elsewhere: any stranger's text."""
DEFAULT_PANES = (ORIGINAL, "mode-f", "mode-p", "elic", "ms-illm", "dlf")
STAND_INS = ("jpeg", "webp", "avif", "jxl")


def pane_id(maker: str, anchor: str, bpp: float | None = None) -> str:
    """The name of a pane: elic, mode-f, mode-0.35, …; elic@0.05 has a rate of its own."""
    picture = f"{maker}-{SHORT_ANCHORS.get(anchor, anchor)}" if anchor else maker
    return picture if bpp is None else f"{picture}@{bpp:.6g}"


def own_rate(id: str) -> float | None:
    """The rate that a pane has for itself; None for one that follows the common rate."""
    found = _RATED.fullmatch(id)
    return float(f"{float(found[2]):.6g}") if found else None  # the digits that names have


def with_rate(label: str, id: str) -> str:
    """A pane's label, where another one of its codec may stand beside it."""
    own = own_rate(id)
    return label if own is None else f"{label} at {own:.6g} bpp"


def as_written(id: str) -> str:
    """The pane's name as everybody writes it: elic@0.050 is elic@0.05."""
    own = own_rate(id)
    return id if own is None else f"{id.partition('@')[0]}@{own:.6g}"


def rate_of(id: str, common: float) -> float:
    """The rate that a pane's file is asked for at."""
    own = own_rate(id)
    return common if own is None else own


def parse_pane(id: str) -> tuple[str, str]:
    """Maker and anchor of a pane; anything unknown comes back as it is and is refused later."""
    if found := _RATED.fullmatch(id):
        id = found[1]
    whole = CODECS.get(parts_of(id)[0])
    if whole is not None and not whole.has_anchors:
        return id, ""
    # the longest maker first: an id may begin with another codec's
    for place in reversed([place for place, character in enumerate(id) if character == "-"]):
        info = CODECS.get(parts_of(id[:place])[0])
        if info is not None and info.has_anchors:
            short = id[place + 1 :]
            return id[:place], _LONG.get(short, short)
    return id, ""


def opened_pane(key: str) -> str:
    """The pane of a decoded picture that was made elsewhere, by its key in the store."""
    return f"{_OPENED}{key}"


def opened_key(id: str) -> str:
    """The key of the picture that such a pane shows; empty for every other pane."""
    found = re.fullmatch(f"{_OPENED}([0-9a-f]{{32}})", id)
    return found[1] if found else ""


def plain_name(text: str) -> str:
    """A stranger's text as a name: one short line of letters that are seen as they are."""
    seen = "".join(one if one.isprintable() else " " for one in text[: 8 * LONGEST_NAME])
    line = " ".join(seen.split())
    if len(line) > LONGEST_NAME:
        line = f"{line[: LONGEST_NAME - _END - 1].rstrip()}…{line[-_END:].lstrip()}"
    return line or OPENED


def panes_of(maker: str) -> list[str]:
    """The panes of a maker's standard pictures."""
    return [pane_id(maker, str(anchor or "")) for anchor in info_of(maker).outputs]


def expert_panes(maker: str) -> list[str]:
    """The panes that show what a single expert makes of a file, if it may be decoded so."""
    info = info_of(maker)
    there = bool(info.experts) and info.has_anchors
    return [pane_id(maker, one) for one in (SQ_EXPERT, VQ_EXPERT) if there]


def own_panes() -> list[str]:
    """All panes that can be had with our weights, in the order of the table of codecs."""
    standard = [pane for id in CODECS for pane in panes_of(id)]
    return standard + [pane for id in CODECS for pane in expert_panes(id)]


def all_panes() -> list[str]:
    """Every pane that can be asked for by name: ours, and those of imported weights."""
    return own_panes() + [pane for maker in public_makers() for pane in panes_of(maker)]


def pane_label(id: str) -> str:
    """What a pane is called before its picture is there."""
    if id == ORIGINAL:
        return "Original"
    if opened_key(id):
        return OPENED
    maker, anchor = parse_pane(id)
    if (info := CODECS.get(parts_of(maker)[0])) is None:
        return id[:_LONGEST]
    try:
        label = info.label(Anchor.parse(anchor) if anchor else None)
    except UnknownAnchor:
        label = f"{info.title} {anchor}"
    return with_profile(label, maker)[:_LONGEST]


def default_panes(profile: str = "") -> tuple[tuple[str, ...], str]:
    """The panes that open first, and a sentence about those of the six that lack weights.

    Imported weights stand in only where none are bundled, unless `profile` prefers them.
    """
    missing, imported = {}, public_makers()
    for id in CODECS:
        try:
            need_weights(id)
        except WeightsUnavailable as error:
            missing[id] = sentence(error)
    wanted, absent = [], []
    for id in DEFAULT_PANES:
        codec, anchor = parse_pane(id)
        theirs = maker_name(codec, PUBLIC)
        if theirs in imported and (profile == PUBLIC or codec in missing):
            wanted.append(pane_id(theirs, anchor))
        elif codec not in missing:
            wanted.append(id)
        else:
            absent.append(id)
            why = missing[codec]
    panes = (*wanted, *STAND_INS[: len(absent)])
    if not absent:
        return panes, ""
    return panes, f"Without {', '.join(map(pane_label, absent))}: {why}"


def bytes_text(count: int) -> str:
    """4 971 B, 123.4 kB, 5.1 MB."""
    if count < 10_000:
        return f"{count:,} B".replace(",", "\u202f")
    return f"{count / 1e3:.1f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def deviation(bpp: float, target_bpp: float | None) -> float | None:
    """How far the real rate is from the target, as a fraction; None without a target."""
    return None if not target_bpp else bpp / target_bpp - 1


def file_stem(text: str) -> str:
    """A harmless name for a download, without its ending."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)[:80].strip(".-") or "picture"
