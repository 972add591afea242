"""Model cards: what a set of weights is, written from its own metadata and the measured results.

A card has three parts. The first two are generated and rewritten by `weights card`; what a person
writes under "Known failures" stays.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np

from mode_core.codecs.identity import digest_of, tag_of
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.evaluation.curves import compared, curve_at, curves_of, published_curve
from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.rows import Row, measured_metrics, read_published
from mode_core.metrics.bdrate import Curve
from mode_core.metrics.table import METRICS, Metric
from mode_core.pictures.synthetic import built_in_picture
from mode_core.settings import BUNDLED, CARDS, RESULTS
from mode_core.stream.atomic import write_atomic
from mode_core.types import Target
from mode_core.weights.headers import header_of
from mode_core.weights.sets import WeightsSet

FAILURES = "## Known failures"
WORK_BPP = 0.1
_FACTS = {
    "stage": "Last training stage",
    "steps": "Steps of that stage",
    "crops": "Crops seen in that stage",
    "minutes": "Minutes of that stage",
    "device": "Trained on",
    "seed": "Seed",
    "commit": "Commit",
    "started_from": "Started from",
    "experts": "Frozen experts (tags)",
}


def card_path(found: WeightsSet) -> Path:
    """Where the card of a bundled set lies; of a set elsewhere, in its folder."""
    if found.folder.parent != BUNDLED:
        return found.folder / "card.md"
    return CARDS / f"{found.codec}-{found.width}.md"


def card_text(found: WeightsSet) -> str:
    """The card as it should read today; the part written by hand is kept."""
    path = card_path(found)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    kept = old[old.index(FAILURES) :] if FAILURES in old else f"{FAILURES}\n\nNone noted yet.\n"
    return "\n".join([*_origin(found), "", *_measured(found), "", kept])


def write_card(found: WeightsSet) -> Path:
    """Write or refresh a card."""
    path, text = card_path(found), card_text(found)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode())
    return path


def _origin(found: WeightsSet) -> list[str]:
    info = CODECS[found.codec]
    lines = [
        f"# {found.codec}-{found.width}",
        "",
        f"{info.summary}. Method: {info.paper}. Trained by this project, not by its authors.",
        "",
        "| | |",
        "|---|---|",
        f"| Configuration | `{found.facts.get('config', '')}` |",
        f"| Parameters | {parameters(found):,} |",
        "| Licence | Apache-2.0 for these weights; training photos under their own terms, see "
        "[training-photos.md](training-photos.md) |",
        f"| Work | {work(found)} |",
    ]
    lines += [
        f"| {label} | {found.facts[key]} |" for key, label in _FACTS.items() if key in found.facts
    ]
    history = found.facts.get("history")
    lines += [f"| Earlier stages | {history} |"] if history else []
    lines += [f"| SHA-256 over the shards | `{digest_of(found).hex()}` |"]
    return lines


def _measured(found: WeightsSet) -> list[str]:
    folder, tag = RESULTS / "kodak", tag_of(found).hex()
    every = read_folder(folder) if folder.is_dir() else []
    rows = [row for row in every if row.codec == found.codec and row.weights == tag]
    if not rows:
        return ["## Measured", "", "Not benchmarked yet."]
    shown = measured_metrics(rows)
    head = ["anchor", "target bpp", "real bpp", *(metric.label for metric in shown)]
    lines = [
        "## Measured",
        "",
        f"Kodak, {len({r.image for r in rows})} pictures, real files; means from "
        f"`results/kodak/{found.codec}.csv`.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for anchor, target in sorted({(r.anchor, r.target_bpp) for r in rows}):
        at = [r for r in rows if (r.anchor, r.target_bpp) == (anchor, target)]
        cells = [anchor or "-", f"{target:g}", f"{fmean(r.bpp for r in at):.4f}"]
        lines.append("| " + " | ".join(cells + [_mean(at, metric) for metric in shown]) + " |")
    return [*lines, "", *_distances(found.codec, rows)]


def work(found: WeightsSet) -> str:
    """Products per pixel of encoding and decoding, counted while a picture goes through."""
    from mode_core.layers.flops import counted  # torch, which the command line loads when it must

    codec, picture = load_codec(found.codec, found.width), np.tile(built_in_picture(), (2, 2, 1))
    file = codec.encode(picture, Target(bpp=WORK_BPP))
    made = counted(lambda: codec.encode(picture, Target(quality=file.quality)))
    drawn = counted(lambda: codec.decode(file))
    encoding, decoding = (round(count / 2e3 / picture[..., 0].size) for count in (made, drawn))
    return (
        f"{encoding} kMAC per pixel to encode, {decoding} to decode one picture (512x512, the rate "
        f"nearest to {WORK_BPP} bpp; exact networks as they run, in parts)"
    )


def _distances(codec: str, rows: list[Row]) -> list[str]:
    """How far the measured curves are from the one that the codec's authors published."""
    name, metrics = CODECS[codec].published_as, CODECS[codec].published_in
    points = read_published(RESULTS / "published" / "points.csv") if metrics else []
    if metrics and not any((point.codec, point.dataset) == (name, "kodak") for point in points):
        return [f"Distance from the published curve: we know of no operating points of {name}."]
    lines = []
    for metric in map(METRICS.__getitem__, metrics):
        for label, own in curves_of(rows).items():
            start = f"Distance of {label} from the published {name} in {metric.label}"
            theirs = published_curve(points, metric, name, "kodak")
            lines.append(f"{start}: {_distance(theirs, curve_at(own, metric, label))}.")
    return lines


def _distance(theirs: Curve, ours: Curve) -> str:
    """The distance in bits at equal quality, or in quality at equal bits where that is missing."""
    found = compared(theirs, ours)
    rate, gap, far = found.rate, found.metric, found.no_rate
    if rate:
        return f"{rate.percent:+.0f} % bits at equal quality ({rate.overlap:.0%} overlap)"
    if not gap:
        return far
    return f"{gap.difference:+.3f} at equal bits ({gap.overlap:.0%} overlap); in bits: {far}"


def _mean(rows: list[Row], metric: Metric) -> str:
    """The mean as text; empty unless every picture has a value."""
    if any(metric.key not in row.values for row in rows):
        return ""
    return f"{fmean(row.values[metric.key] for row in rows):.{metric.digits}f}"


def parameters(found: WeightsSet) -> int:
    """How many numbers the shards hold."""
    headers = (header_of(shard) for shard in found.shards)
    return sum(header.numbers for header in headers if header)
