"""The manifest of a figure: its record as JSON, checked as it is read: anybody may write one."""

from __future__ import annotations

import json
import re
from typing import Any

from mode_core.codecs.registry import CODECS
from mode_core.figures.plan import MAX_CROPS, MAX_PANES, FigureError, Options, crop_of
from mode_core.figures.record import NAME, PaneFacts, Record, Source, commands
from mode_core.stream.container import MAX_PIXELS
from mode_core.types import Anchor

FORMAT, VERSION = "mode-figure", 1
MAX_BYTES = 1 << 20
_LONGEST = 300
_HASH = re.compile("[0-9a-f]{64}")
_PROFILE = re.compile("[a-z0-9-]{0,40}")


def to_json(record: Record) -> bytes:
    """The record as a file."""
    width, height = record.size
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "picture": {
            "title": record.title,
            "credit": record.credit,
            "width": width,
            "height": height,
            "pixels_sha256": record.original,
            "file_sha256": record.original_file,
        },
        "bpp": record.bpp,
        "crops": [list(crop) for crop in record.crops],
        "options": record.options.as_json(),
        "panes": [_pane_json(pane) for pane in record.panes],
        "numbers": record.numbers,
        "files": {f"{NAME}.{ending}": digest for ending, digest in record.files.items()},
        "versions": dict(record.versions),
        "commands": commands(record),
    }
    return (json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _pane_json(pane: PaneFacts) -> dict[str, Any]:
    one = pane.source
    facts: dict[str, Any] = {"label": pane.label, "bytes": pane.bytes_file}
    if one.codec:
        facts |= {"codec": one.codec, "profile": one.profile, "anchor": one.anchor}
        facts |= {"target_bpp": one.target_bpp, "file_sha256": one.file}
        facts |= {"weights": one.weights, "whose": pane.whose, "licence": pane.licence}
    return facts | {"pixels_sha256": one.pixels}


def read_record(data: bytes) -> Record:
    """The record in a file; FigureError says what in it makes no sense."""
    if len(data) > MAX_BYTES:
        raise FigureError(f"the manifest has more than {MAX_BYTES >> 20} MB, as no manifest has")
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FigureError("the manifest is not JSON; it is the file that Manifest saves") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise FigureError(f"this is no manifest of a figure: its format is not {FORMAT!r}")
    if facts.get("version") != VERSION:
        raise FigureError(
            f"the manifest has version {facts.get('version')!r:.20}; this program reads {VERSION}"
        )
    try:
        return _record(facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FigureError(f"the manifest lacks something, or has another thing: {error}") from error


def _record(facts: dict[str, Any]) -> Record:
    picture, files = _table(facts["picture"], "picture"), _table(facts["files"], "files")
    crops, panes = (
        _some(facts["crops"], MAX_CROPS, "crops"),
        _some(facts["panes"], MAX_PANES, "panes"),
    )
    size = _whole(picture["width"], "width"), _whole(picture["height"], "height")
    if size[0] * size[1] > MAX_PIXELS:
        raise FigureError(f"the manifest's picture has more than {MAX_PIXELS // 10**6} megapixels")
    known = {f"{NAME}.{ending}": ending for ending in ("pdf", "png", "tex")}
    if not files or not set(files) <= set(known):
        raise FigureError(f"files of a figure are {', '.join(known)}")
    return Record(
        options=Options.parse(facts["options"]),
        bpp=_rate(facts["bpp"]) or 0.0,
        title=_text(picture["title"]),
        credit=_text(picture["credit"]),
        size=size,
        original=_digest(picture["pixels_sha256"]),
        original_file=_digest(picture["file_sha256"]) if picture["file_sha256"] else "",
        crops=tuple(map(crop_of, crops)),
        panes=tuple(_pane(_table(one, "a pane")) for one in panes),
        numbers=facts["numbers"],
        files={known[name]: _digest(one) for name, one in files.items()},
        versions={_text(k): _text(v) for k, v in _table(facts["versions"], "versions").items()},
    )


def _pane(facts: dict[str, Any]) -> PaneFacts:
    label, pixels = _text(facts["label"]), _digest(facts["pixels_sha256"])
    size = None if facts["bytes"] is None else _whole(facts["bytes"], "bytes")
    if "codec" not in facts:
        return PaneFacts(label, Source(pixels), size)
    codec, profile, anchor = (_text(facts[name]) for name in ("codec", "profile", "anchor"))
    if codec not in CODECS:
        raise FigureError(f"there is no codec {codec!r:.40}; there are {', '.join(CODECS)}")
    if not _PROFILE.fullmatch(profile):
        raise FigureError(f"{profile!r:.40} is no profile of weights, as public is")
    if anchor:
        Anchor.parse(anchor)
    source = Source(
        pixels=pixels,
        codec=codec,
        profile=profile,
        anchor=anchor,
        target_bpp=_rate(facts["target_bpp"]),
        file=_digest(facts["file_sha256"]),
        weights=_text(facts["weights"]),
    )
    return PaneFacts(label, source, size, _text(facts["whose"]), _text(facts["licence"]))


def _table(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > 40:
        raise FigureError(f"the manifest's {what} must be named values")
    return value


def _some(value: object, most: int, what: str) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise FigureError(f"the manifest has 1 to {most} {what}, in a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise FigureError(f"texts of a manifest have up to {_LONGEST} letters")
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise FigureError(f"{value!r:.40} is no SHA-256, which has 64 hex digits")
    return value


def _whole(value: object, what: str) -> int:
    if type(value) is not int or not 0 < value < 1 << 40:
        raise FigureError(f"the manifest's {what} is no whole number above 0")
    return value


def _rate(value: object) -> float | None:
    if value is None or value == 0:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 24:
        raise FigureError(f"{value!r:.40} is no rate: bits per pixel above 0, at most 24")
    return float(value)
