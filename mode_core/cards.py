"""Model cards: what a set of weights is, written from its own metadata and the measured results.

A card has three parts. The first two are generated and rewritten by `weights card`; what a person
writes under "Known failures" stays.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np

from mode_core.curves import PUBLISHED_AS, mean_curve, published_curve, rows_by_curve
from mode_core.errors import NoOverlap
from mode_core.files import write_whole
from mode_core.imports.picture import built_in_picture
from mode_core.metrics import METRICS
from mode_core.metrics.bdrate import Curve, bd_metric, bd_rate
from mode_core.registry import CODECS, load_codec
from mode_core.results import Row, read_folder, read_published
from mode_core.types import Target
from mode_core.weights import WeightsSet

ROOT = Path(__file__).parents[1]
CARDS, RESULTS = ROOT / "assets" / "cards", ROOT / "results"
STUDENT = "An estimate of LPIPS-AlexNet for where that cannot be had. Method: https://arxiv.org/abs/1801.03924"
FAILURES = "## Known failures"
_SHOWN = ("psnr", "ms_ssim", "lpips")
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
    """Where the card of a bundled set lies."""
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
    write_whole(path, text.encode())
    return path


def _origin(found: WeightsSet) -> list[str]:
    info = CODECS.get(found.codec)
    method = f"{info.summary}. Method: {info.paper}" if info else STUDENT
    lines = [
        f"# {found.codec}-{found.width}",
        "",
        f"{method}. Trained by this project, not by its authors.",
        "",
        "| | |",
        "|---|---|",
        f"| Configuration | `{found.facts.get('config', '')}` |",
        f"| Parameters | {parameters(found):,} |",
        "| Licence | Apache-2.0 for these weights; training photos under their own terms, see "
        "[training-photos.md](training-photos.md) |",
    ]
    lines += [f"| Work | {work(found)} |"] if info else []
    lines += [
        f"| {label} | {found.facts[key]} |" for key, label in _FACTS.items() if key in found.facts
    ]
    history = found.facts.get("history")
    lines += [f"| Earlier stages | {history} |"] if history else []
    lines += [f"| SHA-256 over the shards | `{found.digest().hex()}` |"]
    return lines


def _measured(found: WeightsSet) -> list[str]:
    if found.codec not in CODECS:
        spearman, error = (float(found.facts[f"measured_{n}"]) for n in ("spearman", "error"))
        return [
            "## Measured",
            "",
            f"Against LPIPS-AlexNet on our own distortions of held-out photos: Spearman "
            f"{spearman:.3f} within a photo, mean error {error:.4f}.",
        ]
    rows = _own_rows(found)
    if not rows:
        return ["## Measured", "", "Not benchmarked yet."]
    head = ["anchor", "target bpp", "real bpp", *(METRICS[name].label for name in _SHOWN)]
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
        lines.append("| " + " | ".join(cells + [_mean(at, name) for name in _SHOWN]) + " |")
    return [*lines, "", *_distances(found.codec, rows)]


def work(found: WeightsSet) -> str:
    """Products per pixel of encoding and decoding, counted while a picture goes through."""
    from mode_core.operations import counted  # torch, which the command line loads when it must

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
    name, metrics = PUBLISHED_AS.get(codec, ("", ()))
    points = read_published(RESULTS / "published" / "points.csv") if metrics else []
    if metrics and not any((point.codec, point.dataset) == (name, "kodak") for point in points):
        return [f"Distance from the published curve: we know of no operating points of {name}."]
    lines = []
    for metric in map(METRICS.__getitem__, metrics):
        for label, own in rows_by_curve(rows).items():
            start = f"Distance of {label} from the published {name} in {metric.label}"
            theirs = published_curve(points, metric, name, "kodak")
            lines.append(f"{start}: {_distance(theirs, mean_curve(own, metric, label))}.")
    return lines


def _distance(theirs: Curve, ours: Curve) -> str:
    """In bits at equal quality; where the qualities hardly meet, in quality at equal bits."""
    try:
        rate = bd_rate(theirs, ours)
        return f"{rate.percent:+.0f} % bits at equal quality ({rate.overlap:.0%} overlap)"
    except NoOverlap as refusal:
        far = str(refusal)
    try:
        gap = bd_metric(theirs, ours)
    except NoOverlap:
        return far
    return f"{gap.difference:+.3f} at equal bits ({gap.overlap:.0%} overlap); in bits: {far}"


def _own_rows(found: WeightsSet) -> list[Row]:
    folder, tag = RESULTS / "kodak", found.digest()[:4].hex()
    rows = read_folder(folder) if folder.is_dir() else []
    return [row for row in rows if row.codec == found.codec and row.weights == tag]


def _mean(rows: list[Row], name: str) -> str:
    values = [getattr(row, name) for row in rows]
    return (
        ""
        if None in values
        else f"{fmean(values):.4f}"
        if name != "psnr"
        else f"{fmean(values):.2f}"
    )


def parameters(found: WeightsSet) -> int:
    """How many numbers the shards hold."""
    from safetensors import safe_open

    total = 0
    for shard in found.shards:
        with safe_open(shard, "np") as file:
            for name in file.keys():  # noqa: SIM118 - a safetensors handle is no mapping
                size = 1
                for side in file.get_slice(name).get_shape():
                    size *= side
                total += size
    return total
