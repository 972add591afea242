"""The shape of what the page and the API get back: panes of a comparison, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isinf
from typing import Any

from app.panes.names import (
    ORIGINAL,
    bytes_text,
    deviation,
    opened_key,
    opened_pane,
    own_rate,
    pane_id,
    pane_label,
    parse_pane,
    with_rate,
)
from app.panes.weights import licence_of, whose_weights
from app.server.jobs import Begun
from app.server.pace import Lines
from app.server.queue import Ahead
from app.server.store import Decoded, Opened, Photo
from mode_core.metrics import Measured

_BLANK: dict[str, Any] = {
    **dict.fromkeys(("id", "label", "codec", "anchor", "state"), ""),
    **dict.fromkeys(("url", "file_url", "key", "sha256"), ""),
    **{"bpp": None, "bytes": None, "bytes_text": ""},
    **dict.fromkeys(("own_bpp", "deviation", "encode_ms", "decode_ms")),
    **dict.fromkeys(("timing", "note", "whose", "licence", "error"), ""),
    **{"opened": False, "begun": False, "decodes": False, "expected_s": None},
}
"""A pane's JSON, in this order, before anything is known; the measured values come after it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One pane: what is known of its picture, or why there is none (yet)."""

    id: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known, under the page's names; only the store holds pixels, and it may drop them."""
    error: str = ""
    measured: Measured | None = None
    begun: bool = False
    """Whether its codec is at work."""
    decodes: bool = False
    """Whether that decodes a file that is there, and codes nothing."""
    expected_s: float | None = None
    """What that will probably take, for all panes of its file together."""
    target: float = 0.0
    """The rate that its file is asked for at; 0 for a file that somebody brought."""

    @classmethod
    def of(
        cls,
        one: Photo | Decoded | Opened,
        id: str = "",
        measured: Measured | None = None,
        target: float = 0.0,
    ) -> Slot:
        """The pane that shows this picture; addresses are relative to the page.

        A picture made elsewhere is held against the `target` that others were made for.
        """
        shown = {"url": f"mode/media/{one.key}.png", "key": one.key}
        if isinstance(one, Photo):
            return cls(ORIGINAL, shown)
        if isinstance(one, Opened):
            return cls(opened_pane(one.key), shown | _facts_of(one, target), "", measured)
        made = one.picture
        facts = {
            "label": made.label,
            "file_url": f"mode/media/{one.key}.mode",
            "sha256": one.sha256,
            "bpp": made.bpp,
            "bytes": len(made.file),
            "bytes_text": bytes_text(len(made.file)),
            "deviation": deviation(made.bpp, made.target_bpp),
            "encode_ms": _ms(made.encode_s) if one.timing else None,
            "decode_ms": _ms(made.decode_s) if one.timing else None,
            "timing": one.timing,
            "note": made.note,
        }
        id = id or pane_id(one.maker, str(made.anchor or ""))
        return cls(id, shown | facts, "", measured, target=target)

    def after(self, begun: Begun) -> Slot:
        """This pane, once its codec is at work."""
        if self.file != (begun.codec, begun.bpp) or self.facts:
            return self
        return replace(self, begun=True, decodes=begun.decodes)

    @property
    def state(self) -> str:
        """waiting, ready or failed."""
        return "failed" if self.error else "ready" if self.facts else "waiting"

    @property
    def key(self) -> str:
        """The picture's key in the store; empty while there is no picture."""
        return str(self.facts.get("key", ""))

    @property
    def codec(self) -> str:
        """Who makes the picture; empty for the original."""
        made_elsewhere = self.id == ORIGINAL or opened_key(self.id)
        return "" if made_elsewhere else parse_pane(self.id)[0]

    @property
    def file(self) -> tuple[str, float]:
        """Which file it is decoded from: who makes it, and the rate asked for."""
        return self.codec, self.target

    @property
    def anchor(self) -> str:
        """How the file is decoded; empty where there is only one way."""
        return parse_pane(self.id)[1]

    def as_json(self) -> dict[str, Any]:
        """The pane for a browser."""
        return {
            **_BLANK,
            "id": self.id,
            "codec": self.codec,
            "anchor": self.anchor,
            "own_bpp": own_rate(self.id),
            "state": self.state,
            "whose": whose_weights(self.codec),
            "licence": licence_of(self.codec),
            "error": self.error,
            "begun": self.begun,
            "decodes": self.decodes,
            "expected_s": self.expected_s,
            **self.facts,
            "label": with_rate(self.facts.get("label") or pane_label(self.id), self.id),
            "metrics": metrics_json(self.measured),
            "missing": dict(self.measured.missing) if self.measured else {},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A snapshot of a comparison."""

    picture: str
    photo: Photo | None
    bpp: float
    slots: list[Slot]
    note: str = ""
    ahead: Ahead | None = None
    """What comes first, while waiting."""
    pace: Lines | None = None
    """What takes how long, where the visitor is asked whether all of a large picture is coded."""
    done: bool = False
    size: tuple[int, int] = (0, 0)
    """Width and height of the pictures in an uploaded file; used when there is no photo."""

    def expecting(self, seconds: Mapping[tuple[str, float], float | None]) -> Comparison:
        """The same, with what the files of its panes that wait will take."""
        slots = [
            replace(slot, expected_s=seconds[slot.file]) if slot.state == "waiting" else slot
            for slot in self.slots
        ]
        return replace(self, slots=slots)

    def after(self, begun: Begun) -> Comparison:
        """The same, once a codec is at work: nothing comes first any more."""
        return replace(self, slots=[slot.after(begun) for slot in self.slots], ahead=None)

    def as_json(self) -> dict[str, Any]:
        """The whole snapshot for a browser."""
        width, height = self.photo.pixels.shape[1::-1] if self.photo else self.size
        return {
            "image": self.picture,
            "width": width,
            "height": height,
            "notes": list(self.photo.notes) if self.photo else [],
            "has_original": self.photo is not None,
            "bpp": self.bpp,
            "panes": [slot.as_json() for slot in self.slots],
            "note": self.note,
            "position": self.ahead.tickets if self.ahead else None,
            "wait_s": round(self.ahead.seconds) if self.ahead else None,
            "others": self.ahead is not None and self.ahead.others,
            "pace": self.pace,
            "done": self.done,
        }


def _facts_of(one: Opened, target: float) -> dict[str, Any]:
    """What is known of a picture that was made elsewhere; of its size, what somebody has said."""
    return {
        "label": one.name,
        "opened": True,
        "bpp": one.bpp,
        "bytes": one.file_bytes,
        "bytes_text": "" if one.file_bytes is None else bytes_text(one.file_bytes),
        "deviation": None if one.bpp is None else deviation(one.bpp, target),
        "note": "; ".join(one.picture.notes),
    }


def metrics_json(measured: Measured | None) -> dict[str, float | str]:
    """The values; JSON knows no infinity, so identical pictures have the PSNR "inf"."""
    values = measured.values.items() if measured else ()
    return {name: "inf" if isinf(value) else value for name, value in values}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)
