"""The shape of what the page and the API get back: panes of a comparison, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import Any, Literal

from app.makers import licence_of
from app.store import Decoded, Photo
from app.text import ORIGINAL, bytes_text, deviation, pane_id
from mode_core.metrics import Measured

State = Literal["waiting", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One pane: its picture, or why there is none (yet)."""

    id: str
    label: str
    codec: str = ""
    anchor: str = ""
    state: State = "waiting"
    key: str = ""
    bpp: float | None = None
    bytes_: int | None = None
    target_bpp: float | None = None
    sha256: str = ""
    encode_s: float | None = None
    decode_s: float | None = None
    note: str = ""
    error: str = ""
    size: tuple[int, int] | None = None
    measured: Measured | None = None

    @classmethod
    def of(cls, one: Decoded, measured: Measured | None = None) -> Slot:
        """The pane that shows this picture."""
        return cls(
            id=pane_id(one.codec, one.anchor),
            label=one.label,
            codec=one.codec,
            anchor=one.anchor,
            state="ready",
            key=one.key,
            bpp=one.bpp,
            bytes_=len(one.file),
            target_bpp=one.target_bpp,
            sha256=one.sha256,
            encode_s=one.encode_s,
            decode_s=one.decode_s,
            note=one.note,
            size=(one.pixels.shape[1], one.pixels.shape[0]),
            measured=measured,
        )

    def as_json(self) -> dict[str, Any]:
        """The pane for a browser; addresses are relative to the page."""
        ready = self.state == "ready"
        off = deviation(self.bpp, self.target_bpp) if self.bpp is not None else None
        return {
            "id": self.id,
            "label": self.label,
            "codec": self.codec,
            "anchor": self.anchor,
            "state": self.state,
            "url": f"mode/media/{self.key}.png" if ready else "",
            "file_url": f"mode/media/{self.key}.mode" if ready and self.sha256 else "",
            "key": self.key,
            "sha256": self.sha256,
            "bpp": self.bpp,
            "bytes": self.bytes_,
            "bytes_text": "" if self.bytes_ is None else bytes_text(self.bytes_),
            "deviation": off,
            "encode_ms": _ms(self.encode_s),
            "decode_ms": _ms(self.decode_s),
            "note": self.note,
            "licence": licence_of(self.codec),
            "error": self.error,
            "metrics": metrics_json(self.measured),
            "missing": dict(self.measured.missing) if self.measured else {},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One moment of a comparison."""

    picture: str
    photo: Photo | None
    bpp: float
    slots: list[Slot]
    note: str = ""
    position: int | None = None
    """How many comparisons come first, while waiting."""
    done: bool = False

    def as_json(self) -> dict[str, Any]:
        """The whole moment for a browser."""
        width, height = self._size()
        return {
            "image": self.picture,
            "width": width,
            "height": height,
            "notes": list(self.photo.notes) if self.photo else [],
            "has_original": self.photo is not None,
            "bpp": self.bpp,
            "panes": [slot.as_json() for slot in self.slots],
            "note": self.note,
            "position": self.position,
            "done": self.done,
        }

    def _size(self) -> tuple[int, int]:
        if self.photo is not None:
            return self.photo.pixels.shape[1], self.photo.pixels.shape[0]
        return next((slot.size for slot in self.slots if slot.size), (0, 0))


def original_slot(photo: Photo) -> Slot:
    """The pane of the original, which is shown but never measured."""
    height, width, _ = photo.pixels.shape
    return Slot(ORIGINAL, "Original", state="ready", key=photo.key, size=(width, height))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def metrics_json(measured: Measured | None) -> dict[str, float | str]:
    """The values; JSON knows no infinity, so identical pictures have the PSNR "inf"."""
    values = measured.values.items() if measured else ()
    return {name: "inf" if isinf(value) else value for name, value in values}
