"""What can be taken away from a comparison: its table as text, its crops as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.panes.names import deviation
from app.panes.weights import licence_of
from app.server.demands import MAX_PANES, BadRequest
from app.server.service import Service
from app.server.store import Decoded
from app.viewer.figure import MAX_CROPS, Crop, FigurePane, paper_layout, to_pdf, to_png
from app.viewer.tables import ResultRow, as_csv, as_latex, as_markdown

TABLES = {"markdown": as_markdown, "latex": as_latex, "csv": as_csv}
FIGURES = {"png": to_png, "pdf": to_pdf}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the browser asks for; `parse` checks it, because anyone can send anything."""

    kind: str
    picture: str
    keys: tuple[str, ...]
    crops: tuple[Crop, ...] = ()

    @classmethod
    def parse(cls, data: object) -> Wish:
        """BadRequest unless it has the right shape."""
        match data:
            case {"kind": str(kind), "picture": str(picture), "keys": list(keys), **more} if (
                kind in TABLES | FIGURES and all(isinstance(key, str) for key in keys)
            ):
                crops = more.get("crops")
                crops = crops[:MAX_CROPS] if isinstance(crops, list) else []
                return cls(kind, picture, tuple(keys[:MAX_PANES]), tuple(map(_crop, crops)))
        raise BadRequest("expected kind, picture and keys, and crops for a figure")


def table(service: Service, wish: Wish) -> str:
    """The numbers of these panes, in the order of the page."""
    if wish.kind not in TABLES:
        raise BadRequest(f"a table can be {', '.join(TABLES)}")
    height, width, _ = service.photo(wish.picture).pixels.shape
    rows = [_row(service, one) for one in _pictures(service, wish)]
    return TABLES[wish.kind](rows, f"the whole picture of {width} x {height} pixels")


def figure(service: Service, wish: Wish) -> bytes:
    """The crops of these panes beside the original with boxes, PNG or PDF."""
    if wish.kind not in FIGURES:
        raise BadRequest(f"a figure can be {', '.join(FIGURES)}")
    original = service.photo(wish.picture).pixels
    panes = [_pane(service, one) for one in _pictures(service, wish)]
    return FIGURES[wish.kind](paper_layout(original, panes, wish.crops))


def _pictures(service: Service, wish: Wish) -> Sequence[Decoded]:
    kept = service.decoded(service.photo(wish.picture), wish.keys)
    if not kept:
        raise BadRequest("none of these pictures is in memory (any more); reload the page")
    return kept


def _row(service: Service, one: Decoded) -> ResultRow:
    made, licence = one.picture, licence_of(one.maker)
    encode_s, decode_s = (made.encode_s, made.decode_s) if one.timing else (None, None)
    values = {
        "bytes_file": len(made.file),
        "bpp": made.bpp,
        "deviation": deviation(made.bpp, made.target_bpp),
        "encode_ms": None if encode_s is None else 1000 * encode_s,
        "decode_ms": None if decode_s is None else 1000 * decode_s,
    }
    label = f"{made.label} ({licence})" if licence else made.label
    return ResultRow(label, {**values, **service.measured(one.key)})


def _pane(service: Service, one: Decoded) -> FigurePane:
    made, values = one.picture, {"bpp": one.picture.bpp, **service.measured(one.key)}
    return FigurePane(made.label, made.image, values, licence_of(one.maker))


def _crop(value: object) -> Crop:
    match value:
        case [int(x), int(y), int(width), int(height)]:
            return Crop(x, y, width, height)
    raise BadRequest("a crop is [x, y, width, height] in whole pixels")
