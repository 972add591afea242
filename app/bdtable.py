"""BD-rates of every curve against one anchor, with the overlap stated and refusals in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict

from app.axes import Metric
from app.curves import Curve
from mode_core.errors import NoOverlap
from mode_core.metrics import bdrate

# Whom people compare with, best known first; ours before others' where both are there.
ANCHORS = {
    "higher": ("ELIC", "VTM-18.0", "BPG 4:4:4", "MS-ILLM"),
    "lower": ("MS-ILLM", "HiFiC", "ELIC"),
}


MINUS = "\u2212"


class BDRow(TypedDict):
    """One line of the table; `refused` is the sentence that says why there is no number."""

    key: str
    label: str
    origin: str
    source: str
    percent: float | None
    rate: str
    overlap: str
    refused: str


class BDTable(TypedDict):
    """The table, its anchor, and the curves that could be the anchor instead."""

    anchor: str
    anchors: list[dict[str, str]]
    rows: list[BDRow]
    note: str


def bd_table(curves: Sequence[Curve], metric: Metric, wanted: str = "") -> BDTable:
    """BD-rates against the wanted anchor's key, or against the best known curve there is."""
    usable = sorted(
        (curve for curve in curves if len(curve.at(metric.key)) >= bdrate.MIN_POINTS),
        key=lambda curve: (_rank(curve, metric), curve.kind != "ours", -len(curve.at(metric.key))),
    )
    if not usable:
        note = f"No curve here has the {bdrate.MIN_POINTS} points that a BD-rate needs."
        return BDTable(anchor="", anchors=[], rows=[], note=note)
    anchor = next((curve for curve in usable if curve.key == wanted), usable[0])
    rows = [_row(anchor, curve, metric) for curve in curves if curve.key != anchor.key]
    return BDTable(
        anchor=anchor.key,
        anchors=[{"id": c.key, "label": _name(c)} for c in _listed(usable)],
        rows=sorted(rows, key=_best_first),
        note=(
            f"Bits at equal {metric.label}, of the curves as drawn; negative is fewer. PCHIP over "
            f"log rate; refused where curves share under {bdrate.MIN_OVERLAP:.0%}."
        ),
    )


def _row(anchor: Curve, curve: Curve, metric: Metric) -> BDRow:
    row = BDRow(
        key=curve.key,
        label=curve.label,
        origin=_origin(curve),
        source=curve.source,
        percent=None,
        rate="",
        overlap="",
        refused="",
    )
    try:
        rate = _bd_rate(_plain(anchor, metric), _plain(curve, metric))
    except NoOverlap as refusal:
        row["refused"] = str(refusal)
        return row
    row["percent"], row["rate"] = rate.percent, f"{rate.percent:+.1f} %".replace("-", MINUS)
    row["overlap"] = f"{rate.overlap:.0%}"
    return row


@lru_cache(maxsize=4096)
def _bd_rate(anchor: bdrate.Curve, other: bdrate.Curve) -> bdrate.BDRate:
    """Most curves stay the same from one click to the next."""
    return bdrate.bd_rate(anchor, other)


def _plain(curve: Curve, metric: Metric) -> bdrate.Curve:
    points = curve.at(metric.key)
    rates, values = tuple(p[0] for p in points), tuple(p[1] for p in points)
    return bdrate.Curve(rates, values, metric.better == "higher", _name(curve))


def _name(curve: Curve) -> str:
    return f"{curve.label} ({_origin(curve)})"


def _origin(curve: Curve) -> str:
    """A published curve is told from ours by its source."""
    ours = "measured here" if curve.licence else "ours"  # weights of others are not ours
    return {"ours": ours, "yours": "yours"}.get(curve.kind, curve.source.split("/")[0])


def _rank(curve: Curve, metric: Metric) -> int:
    anchors = ANCHORS[metric.better]
    return anchors.index(curve.label) if curve.label in anchors else len(anchors)


def _listed(curves: Sequence[Curve]) -> list[Curve]:
    kinds = ("ours", "yours", "published")
    return sorted(curves, key=lambda curve: (kinds.index(curve.kind), curve.label.lower()))


def _best_first(row: BDRow) -> tuple[bool, float]:
    return (row["percent"] is None, row["percent"] or 0.0)
