"""The About text, put together from the registry, the cards, the weights at hand and the results.

No figure in it is written by hand: each is computed from `results/` when the page is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from app.explorer.curves import Curve
from app.explorer.library import Library, load_library
from app.panes.weights import info_of, public_makers, sets_of, terms_of, with_profile
from app.server.fetching import State, states
from app.viewer.tables import escape_markdown
from mode_core.codecs.registry import CODECS
from mode_core.evaluation.curves import compared
from mode_core.metrics.table import FLIP, METRICS, Metric
from mode_core.settings import CARDS
from mode_core.types import CodecInfo
from mode_core.weights.sets import all_weights

DATASET = "kodak"
_CARD_LINE = re.compile(r"^[-*|\s]*\**(licence|license|origin|data)\**\s*[:|]\s*(.+?)[\s|]*$", re.I)
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


def about_page() -> str:
    """The page of this installation, as Markdown."""
    own = {found.codec: found.width for found in all_weights() if not found.is_public}
    return about_text(load_library(), own, public=public_makers(), fetched=states())


def about_text(
    library: Library,
    profiles: Mapping[str, str],
    cards: Path = CARDS,
    public: Sequence[str] = (),
    fetched: Sequence[State] = (),
) -> str:
    """The page as Markdown; `profiles` names the width of each codec's bundled weights."""
    parts = [
        "## What is shown",
        "Every picture and every number of ours has passed through the bytes of a real file: "
        "encoded, written, read back and decoded. Bits per pixel count the whole file. Published "
        "curves are other people's numbers, drawn dashed, with their source on hover; they are "
        "never averaged with ours, and LPIPS values of different networks are never in one plot.",
        "## Codecs",
        *(_codec_part(info, library, profiles, cards) for info in CODECS.values()),
        "## How far our weights are from the papers'",
        *_distances(library),
        "## What the metrics say",
        "\n".join(f"- **{metric.label}**: {metric.explained}" for metric in METRICS.values()),
        f"- **FLIP** (difference view; [paper](https://doi.org/10.1145/3406183)): {FLIP}",
        "## Where the published numbers come from",
        _sources(library.curves),
        "## Other people's checkpoints",
        "Where authors publish weights, or others those of a re-implementation, `python -m "
        "mode_core weights list` names them with their licences and says how to convert them; "
        "converted weights stand beside the bundled ones.",
        *(_public_line(maker) for maker in public),
        *(_fetched_line(one) for one in fetched if one.state != "here"),
        "## Licences",
        "The code is under the Apache License 2.0. Weights and photographs have their own "
        "licences, which stand in their cards; codecs without a card here have no bundled weights.",
        *(_card_line(path) for path in _cards(cards)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _codec_part(info: CodecInfo, library: Library, profiles: Mapping[str, str], cards: Path) -> str:
    labels = " and ".join(info.outputs.values())
    paper = f" ([paper]({info.paper}))" if info.paper else ""
    lines = [f"**{labels}**: {info.summary}{paper}."]
    if not info.learned:
        lines.append("The ordinary encoder, from that library.")
    elif info.id in profiles:
        lines.append(f"Our own re-implementation; weights here: {profiles[info.id]}.")
    else:
        lines.append("Our own re-implementation; no weights are bundled yet, so it cannot run.")
    if info.stated:
        lines.append(f"Stated in the paper: {info.stated}. Ours or inferred: {info.ours}.")
    if any(path.stem.startswith(info.id) for path in _cards(cards)):
        lines.append("Training and data are in its card.")
    lines.append(_measured(info, library))
    return " ".join(lines)


def _public_line(maker: str) -> str:
    """A line that says whose public weights are here, and on what terms."""
    label = with_profile(next(iter(info_of(maker).outputs.values())), maker)
    sources = dict.fromkeys(one.facts.get("source", "") for one in sets_of(maker))
    origin = escape_markdown(", ".join(filter(None, sources)) or "an unknown place")
    terms = escape_markdown(terms_of(maker)).rstrip(".")
    return f"- **{escape_markdown(label)}** is here, from {origin}. Weights: {terms}."


def _fetched_line(one: State) -> str:
    """A line about a set that the operator wants here, and that is not."""
    return f"- **{escape_markdown(one.what)}** {escape_markdown(one.sentence)}."


def _measured(info: CodecInfo, library: Library) -> str:
    """The range over which the codec was measured, from the results."""
    mine = [curve for curve in library.curves if curve.kind == "ours" and curve.codec == info.id]
    if not mine:
        return "Not measured yet."
    parts = []
    for dataset in dict.fromkeys(curve.dataset for curve in mine):
        points = [point for curve in mine if curve.dataset == dataset for point in curve.points]
        rates = [point.bpp for point in points]
        parts.append(
            f"{dataset}, {max(point.images for point in points)} pictures, "
            f"{min(rates):.3f} to {max(rates):.2f} bpp"
        )
    return f"Measured on {'; '.join(parts)}."


def _distances(library: Library) -> list[str]:
    """A line per codec that can be held against its published curve, or why it cannot."""
    here = library.of(DATASET)
    lines = []
    for info in CODECS.values():
        ours = [curve for curve in here if curve.kind == "ours" and curve.codec == info.id]
        for metric in map(METRICS.__getitem__, info.published_in):
            theirs = longest(here, info.published_as, metric)
            lines += [_distance(curve, theirs, info.published_as, metric) for curve in ours]
    if not lines:
        return ["Our codecs are not measured yet, so there is nothing to compare."]
    head = (
        "BD-rate of ours against the published curve of the same codec on Kodak; above zero means "
        "that ours needs more bits. JPEG and WebP are other versions and settings here than those "
        "that were published (optimised and progressive; method 6), so they differ as well."
    )
    return [head, "\n".join(lines)]


def _distance(ours: Curve, theirs: Curve | None, name: str, metric: Metric) -> str:
    start = f"- {escape_markdown(ours.label)}, {metric.label}: "
    if theirs is None:
        return f"{start}nobody has published operating points of {name} that we know of."
    found = compared(theirs.for_bd(metric), ours.for_bd(metric))
    if not (rate := found.rate):
        return f"{start}not comparable, because {escape_markdown(found.no_rate)}."
    source = escape_markdown(theirs.source.partition(":")[0])
    return f"{start}{rate.percent:+.0f} % bits ({rate.overlap:.0%} overlap; {source})."


def longest(curves: Iterable[Curve], name: str, metric: Metric) -> Curve | None:
    """The published curve of this codec with the most points in the metric."""
    named = [one for one in curves if (one.kind, one.label) == ("published", name)]
    known = [curve for curve in named if curve.at(metric.key)]
    return max(known, key=lambda curve: len(curve.at(metric.key)), default=None)


def _sources(curves: Sequence[Curve]) -> str:
    repositories: dict[str, set[str]] = {}
    for curve in curves:
        if curve.kind == "published":
            repositories.setdefault(curve.source.partition(":")[0], set()).add(curve.label)
    if not repositories:
        return "There are no published numbers here."
    return "\n".join(
        f"- {escape_markdown(source)}: {escape_markdown(', '.join(sorted(labels, key=str.lower)))}"
        for source, labels in sorted(repositories.items(), key=lambda item: item[0].lower())
    )


def _cards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.md")) if folder.is_dir() else []


def _card_line(path: Path) -> str:
    """A line with the card's name and its licence, origin and data, or with its first line."""
    facts: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if (found := _CARD_LINE.match(line)) and found[1].lower() not in facts:
            facts[found[1].lower()] = _LINK.sub(r"\1", found[2])
    said = "; ".join(f"{name}: {escape_markdown(text)}" for name, text in facts.items())
    first = next((line for line in lines if line and not line.startswith("#")), "an empty card")
    return f"- `{path.stem}`: {said or escape_markdown(first)}"
