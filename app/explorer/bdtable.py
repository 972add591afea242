"""BD-rates of every curve against one reference, with the overlap stated and refusals in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.explorer.curves import Curve
from mode_core.evaluation.curves import compared
from mode_core.metrics import bdrate
from mode_core.metrics.table import Metric

# Labels of the usual references, best known first; of two curves with one label, ours is taken.
REFERENCES = {
    "higher": ("ELIC", "VTM-18.0", "BPG 4:4:4", "MS-ILLM"),
    "lower": ("MS-ILLM", "HiFiC", "ELIC"),
}
MINUS = "\u2212"


def bd_table(curves: Sequence[Curve], metric: Metric, wanted: str = "") -> dict[str, Any]:
    """BD-rates against the curve with the key `wanted`, or else against the best known curve."""
    usable = sorted(
        (curve for curve in curves if len(curve.at(metric.key)) >= bdrate.MIN_POINTS),
        key=lambda curve: (_rank(curve, metric), curve.kind != "ours", -len(curve.at(metric.key))),
    )
    if not usable:
        note = f"No curve here has the {bdrate.MIN_POINTS} points that a BD-rate needs."
        return {"reference": "", "references": [], "rows": [], "note": note}
    reference = next((curve for curve in usable if curve.key == wanted), usable[0])
    rows = [_row(reference, curve, metric) for curve in curves if curve.key != reference.key]
    return {
        "reference": reference.key,
        "references": [{"id": c.key, "label": c.name} for c in _listed(usable)],
        "rows": sorted(rows, key=lambda row: (row["percent"] is None, row["percent"] or 0.0)),
        "note": (
            f"Bits at equal {metric.label}, of the curves as drawn; negative is fewer. PCHIP over "
            f"log rate; refused where curves share under {bdrate.MIN_OVERLAP:.0%}."
        ),
    }


def _row(reference: Curve, curve: Curve, metric: Metric) -> dict[str, Any]:
    """A line of the table; `refused` is the sentence that says why there is no number."""
    found = compared(reference.for_bd(metric), curve.for_bd(metric))
    rate = found.rate
    return {
        "key": curve.key,
        "kind": curve.kind,
        "label": curve.label,
        "origin": curve.origin,
        "source": curve.source,
        "percent": rate.percent if rate else None,
        "rate": f"{rate.percent:+.1f} %".replace("-", MINUS) if rate else "",
        "overlap": f"{rate.overlap:.0%}" if rate else "",
        "refused": "" if rate else found.no_rate,
    }


def _rank(curve: Curve, metric: Metric) -> int:
    known = REFERENCES[metric.better]
    return known.index(curve.label) if curve.label in known else len(known)


def _listed(curves: Sequence[Curve]) -> list[Curve]:
    kinds = ("ours", "live", "stored", "theirs", "yours", "published")
    return sorted(curves, key=lambda curve: (kinds.index(curve.kind), curve.label.lower()))
