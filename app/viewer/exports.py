"""What can be taken away from a comparison as text: its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.panes.names import deviation
from app.panes.weights import about_weights
from app.server.demands import MAX_BPP, MAX_PANES, MIN_BPP, BadRequest
from app.server.service import Service
from app.server.store import Decoded, Opened
from app.viewer.tables import ResultRow, as_csv, as_latex, as_markdown
from mode_core.figures.plan import NOT_EQUAL
from mode_core.types import Reconstruction

TABLES = {"markdown": as_markdown, "latex": as_latex, "csv": as_csv}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the browser asks for; `parse` checks it, because anyone can send anything."""

    kind: str
    picture: str
    keys: tuple[str, ...]
    bpp: float = 0.0
    """The rate that codecs were asked for, which pictures made elsewhere are held against."""

    @classmethod
    def parse(cls, data: object) -> Wish:
        """BadRequest unless it has the right shape."""
        match data:
            case {"kind": str(kind), "picture": str(picture), "keys": list(keys), **more} if (
                kind in TABLES and all(isinstance(key, str) for key in keys)
            ):
                return cls(kind, picture, tuple(keys[:MAX_PANES]), rate(more.get("bpp")))
        raise BadRequest(f"expected kind ({', '.join(TABLES)}), picture and keys")


def table(service: Service, wish: Wish) -> str:
    """The numbers of these panes, in the order of the page."""
    height, width, _ = service.photo(wish.picture).pixels.shape
    rows = [_row(service, one, wish.bpp) for one in pictures(service, wish.picture, wish.keys)]
    return TABLES[wish.kind](rows, f"the whole picture of {width} x {height} pixels")


def pictures(service: Service, picture: str, keys: Sequence[str]) -> Sequence[Decoded | Opened]:
    """What of these pictures is in memory; BadRequest if nothing is."""
    kept = service.decoded(service.photo(picture), keys)
    if not kept:
        raise BadRequest("none of these pictures is in memory (any more); reload the page")
    return kept


def label_of(one: Decoded | Opened, bpp: float) -> str:
    """Its name, with the rate that it has for itself, or that it was made elsewhere."""
    if isinstance(one, Opened):
        return f"{one.name} (opened)"
    made = one.picture
    return f"{made.label} at {made.target_bpp:.6g} bpp" if _has_own_rate(made, bpp) else made.label


def rate(value: object) -> float:
    """A rate that codecs can be asked for; 0 for whatever else comes."""
    found = float(value) if isinstance(value, int | float) and abs(value) <= MAX_BPP else 0.0
    return found if found >= MIN_BPP else 0.0


def _row(service: Service, one: Decoded | Opened, bpp: float) -> ResultRow:
    if isinstance(one, Opened):
        return _opened_row(one, bpp, service.measured(one))
    made, weights = one.picture, about_weights(one.maker)
    encode_s, decode_s = (made.encode_s, made.decode_s) if one.timing else (None, None)
    values = {
        "bytes_file": len(made.file),
        "bpp": made.bpp,
        "deviation": deviation(made.bpp, made.target_bpp),
        "encode_ms": None if encode_s is None else 1000 * encode_s,
        "decode_ms": None if decode_s is None else 1000 * decode_s,
    }
    label = label_of(one, bpp)
    label = f"{label} ({weights})" if weights else label
    near = not _has_own_rate(made, bpp) or abs(made.bpp / bpp - 1) <= NOT_EQUAL
    return ResultRow(label, {**values, **service.measured(one)}, near)


def _has_own_rate(made: Reconstruction, bpp: float) -> bool:
    """Whether a picture was asked for at another rate than the others."""
    return bool(bpp and made.target_bpp) and made.target_bpp != bpp


def _opened_row(one: Opened, bpp: float, metrics: Mapping[str, float]) -> ResultRow:
    """Of its size nothing is said that nobody has said."""
    off = None if one.bpp is None else deviation(one.bpp, bpp)
    values = {"bytes_file": one.file_bytes, "bpp": one.bpp, "deviation": off}
    return ResultRow(label_of(one, bpp), {**values, **metrics}, one.bpp is not None)
