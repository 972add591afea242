"""What can be taken away from a comparison: its table as text, its crops as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.panes.names import deviation
from app.panes.weights import about_weights
from app.server.demands import MAX_BPP, MAX_PANES, MIN_BPP, BadRequest
from app.server.service import Service
from app.server.store import Decoded, Opened
from app.viewer.figure import MAX_CROPS, Crop, FigurePane, paper_layout, to_pdf, to_png
from app.viewer.tables import NOT_EQUAL, ResultRow, as_csv, as_latex, as_markdown
from mode_core.types import Reconstruction

TABLES = {"markdown": as_markdown, "latex": as_latex, "csv": as_csv}
FIGURES = {"png": to_png, "pdf": to_pdf}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the browser asks for; `parse` checks it, because anyone can send anything."""

    kind: str
    picture: str
    keys: tuple[str, ...]
    crops: tuple[Crop, ...] = ()
    bpp: float = 0.0
    """The rate that codecs were asked for, which pictures made elsewhere are held against."""

    @classmethod
    def parse(cls, data: object) -> Wish:
        """BadRequest unless it has the right shape."""
        match data:
            case {"kind": str(kind), "picture": str(picture), "keys": list(keys), **more} if (
                kind in TABLES | FIGURES and all(isinstance(key, str) for key in keys)
            ):
                crops = more.get("crops")
                crops = crops[:MAX_CROPS] if isinstance(crops, list) else []
                shown, boxes = tuple(keys[:MAX_PANES]), tuple(map(_crop, crops))
                return cls(kind, picture, shown, boxes, _rate(more.get("bpp")))
        raise BadRequest("expected kind, picture and keys, and crops for a figure")


def table(service: Service, wish: Wish) -> str:
    """The numbers of these panes, in the order of the page."""
    if wish.kind not in TABLES:
        raise BadRequest(f"a table can be {', '.join(TABLES)}")
    height, width, _ = service.photo(wish.picture).pixels.shape
    rows = [_row(service, one, wish.bpp) for one in _pictures(service, wish)]
    return TABLES[wish.kind](rows, f"the whole picture of {width} x {height} pixels")


def figure(service: Service, wish: Wish) -> bytes:
    """The crops of these panes beside the original with boxes, PNG or PDF."""
    if wish.kind not in FIGURES:
        raise BadRequest(f"a figure can be {', '.join(FIGURES)}")
    original = service.photo(wish.picture).pixels
    panes = [_pane(service, one, wish.bpp) for one in _pictures(service, wish)]
    return FIGURES[wish.kind](paper_layout(original, panes, wish.crops))


def _pictures(service: Service, wish: Wish) -> Sequence[Decoded | Opened]:
    kept = service.decoded(service.photo(wish.picture), wish.keys)
    if not kept:
        raise BadRequest("none of these pictures is in memory (any more); reload the page")
    return kept


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
    label = _label(made, bpp)
    label = f"{label} ({weights})" if weights else label
    near = not _has_own_rate(made, bpp) or abs(made.bpp / bpp - 1) <= NOT_EQUAL
    return ResultRow(label, {**values, **service.measured(one)}, near)


def _has_own_rate(made: Reconstruction, bpp: float) -> bool:
    """Whether a picture was asked for at another rate than the others."""
    return bool(bpp and made.target_bpp) and made.target_bpp != bpp


def _label(made: Reconstruction, bpp: float) -> str:
    """Its name, with the rate that it has for itself."""
    return f"{made.label} at {made.target_bpp:.6g} bpp" if _has_own_rate(made, bpp) else made.label


def _opened_row(one: Opened, bpp: float, metrics: Mapping[str, float]) -> ResultRow:
    """Of its size nothing is said that nobody has said."""
    off = None if one.bpp is None else deviation(one.bpp, bpp)
    values = {"bytes_file": one.file_bytes, "bpp": one.bpp, "deviation": off}
    return ResultRow(_opened_label(one), {**values, **metrics}, one.bpp is not None)


def _opened_label(one: Opened) -> str:
    return f"{one.name} (opened)"


def _pane(service: Service, one: Decoded | Opened, bpp: float) -> FigurePane:
    values = dict(service.measured(one))
    if one_bpp := one.bpp if isinstance(one, Opened) else one.picture.bpp:
        values["bpp"] = one_bpp
    if isinstance(one, Opened):
        return FigurePane(_opened_label(one), one.pixels, values)
    made = one.picture
    return FigurePane(_label(made, bpp), made.image, values, about_weights(one.maker))


def _rate(value: object) -> float:
    """A rate that codecs can be asked for; 0 for whatever else comes."""
    rate = float(value) if isinstance(value, int | float) and abs(value) <= MAX_BPP else 0.0
    return rate if rate >= MIN_BPP else 0.0


def _crop(value: object) -> Crop:
    match value:
        case [int(x), int(y), int(width), int(height)]:
            return Crop(x, y, width, height)
    raise BadRequest("a crop is [x, y, width, height] in whole pixels")
