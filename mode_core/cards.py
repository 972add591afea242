"""Model cards: what a set of weights is, written from its own metadata and the measured results.

A card has three parts. The first two are generated and rewritten by `weights card`; what a person
writes under "Known failures" stays.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

from mode_core.files import write_whole
from mode_core.metrics import METRICS
from mode_core.registry import CODECS
from mode_core.results import Row, read_folder
from mode_core.weights import WeightsSet

ROOT = Path(__file__).parents[1]
CARDS, RESULTS = ROOT / "assets" / "cards", ROOT / "results"
STUDENT = "An estimate of LPIPS-AlexNet for where that cannot be had. Method: https://arxiv.org/abs/1801.03924"
FAILURES = "## Known failures"
_SHOWN = ("psnr", "ms_ssim", "lpips")
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
    return lines


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
