"""What can be taken away from a comparison: its table as text, its crops as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.figure import Crop, FigurePane, paper_layout, to_pdf, to_png
from app.makers import licence_of
from app.service import BadRequest, Service
from app.store import Decoded
from app.tables import ResultRow, as_csv, as_latex, as_markdown
from app.text import deviation

TABLES = {"markdown": as_markdown, "latex": as_latex, "csv": as_csv}
FIGURES = {"png": to_png, "pdf": to_pdf}
MAX_PANES, MAX_CROPS = 12, 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What the browser wants to take away, read with suspicion."""

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
                crops = tuple(_crop(one) for one in _listed(more.get("crops"))[:MAX_CROPS])
                return cls(kind, picture, tuple(keys[:MAX_PANES]), crops)
        raise BadRequest("expected kind, picture and keys, and crops for a figure")


def table(service: Service, wish: Wish) -> str:
    """The numbers of these panes, in the order of the page."""
    if wish.kind not in TABLES:
        raise BadRequest(f"a table can be {', '.join(TABLES)}")
    return TABLES[wish.kind]([_row(service, one) for one in _pictures(service, wish)])


def figure(service: Service, wish: Wish) -> bytes:
    """The crops of these panes beside the original with boxes, PNG or PDF."""
    if wish.kind not in FIGURES:
        raise BadRequest(f"a figure can be {', '.join(FIGURES)}")
    original = service.photo(wish.picture).pixels
    panes = [_pane(service, one) for one in _pictures(service, wish)]
    return FIGURES[wish.kind](paper_layout(original, panes, wish.crops))


def _pictures(service: Service, wish: Wish) -> Sequence[Decoded]:
    photo = service.photo(wish.picture).key
    found = [service.store.get(key) for key in wish.keys]
    kept = [one for one in found if isinstance(one, Decoded) and one.photo == photo]
    if not kept:
        raise BadRequest("none of these pictures is in memory (any more); reload the page")
    return kept


def _row(service: Service, one: Decoded) -> ResultRow:
    licence = licence_of(one.codec)
    return ResultRow(
        f"{one.label} ({licence})" if licence else one.label,
        bytes_file=len(one.file),
        bpp=one.bpp,
        deviation=deviation(one.bpp, one.target_bpp),
        encode_ms=None if one.encode_s is None else 1000 * one.encode_s,
        decode_ms=1000 * one.decode_s,
        ms_ssim=service.measured(one.key).get("ms_ssim"),
        **_shared(service, one),
    )


def _pane(service: Service, one: Decoded) -> FigurePane:
    licence = licence_of(one.codec)
    return FigurePane(one.label, one.pixels, one.bpp, licence=licence, **_shared(service, one))


def _shared(service: Service, one: Decoded) -> dict[str, float | None]:
    """The metrics that tables and figures share; the student's LPIPS stands under its own name."""
    measured = service.measured(one.key)
    return {name: measured.get(name) for name in ("psnr", "lpips", "lpips_student", "dists")}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _crop(value: object) -> Crop:
    match value:
        case [int(x), int(y), int(width), int(height)]:
            return Crop(x, y, width, height)
    raise BadRequest("a crop is [x, y, width, height] in whole pixels")
