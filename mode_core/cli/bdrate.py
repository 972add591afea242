"""The command `bdrate`: curves of measured results against one of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from mode_core.cli import parsing
from mode_core.cli.parsing import Commands, command
from mode_core.errors import ModeError
from mode_core.evaluation.curves import PUBLISHED, Comparison, comparisons, published_curve
from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.rows import measured_metrics, read_published
from mode_core.evaluation.tables import markdown_table
from mode_core.metrics import BENCH_METRICS, Metric
from mode_core.metrics.bdrate import Curve
from mode_core.metrics.table import find_metric
from mode_core.settings import POINTS

RESULTS = Path("results")
DEFAULT_REFERENCE = "webp"


def add_commands(commands: Commands) -> None:
    """Attach it."""
    parser = command(commands, "bdrate", _bdrate, "Bjontegaard deltas of measured results")
    parser.add_argument("folders", type=parsing.place, nargs="*", default=[RESULTS / "kodak"])
    parser.add_argument(
        "--reference",
        "--anchor",  # what it was called first
        default=DEFAULT_REFERENCE,
        help='a curve of the results such as elic or mode@fidelity, or "published:BPG 4:4:4"',
    )
    known = ", ".join(BENCH_METRICS)
    parser.add_argument("--metric", help=f"one of {known}; all that are measured unless given")


def _bdrate(args: argparse.Namespace) -> None:
    rows = [row for folder in args.folders for row in read_folder(folder)]
    where, metrics = ", ".join(map(str, args.folders)), measured_metrics(rows)
    datasets = list(dict.fromkeys(row.dataset for row in rows))
    if len(datasets) > 1:
        raise ModeError(
            f"{where}: results on {' and '.join(datasets)}; a BD-rate is over one data set"
        )
    if args.metric is not None:
        known = [metric.key for metric in metrics]
        metrics = [find_metric(args.metric, known, f" in the results files of {where}")]
    against = {metric: _reference(metric, args.reference, *datasets) for metric in metrics}
    found = {
        (metric, item.name): item
        for metric, reference in against.items()
        for item in comparisons(rows, metric, reference)
    }
    head = [f"against {args.reference}"]
    for metric in metrics:
        head += [f"{metric.label} BD-rate", "overlap", f"BD-{metric.label}"]
    body = [
        [name, *(cell for metric in metrics for cell in _cells(found[metric, name]))]
        for name in dict.fromkeys(name for _, name in found)
    ]
    print(markdown_table(head, body))
    for metric, reference in against.items():
        if isinstance(reference, Curve):
            print(f"\n{metric.label} against {reference.name}.")
    for (metric, _), item in found.items():
        if empty := _empty(metric, item):
            print(f"\n{empty}")


def _reference(metric: Metric, reference: str, dataset: str = "") -> str | Curve:
    """The name of a curve of the results, or a published curve over the same pictures."""
    if not reference.startswith(PUBLISHED):
        return reference
    codec = reference.removeprefix(PUBLISHED)
    return published_curve(read_published(POINTS), metric, codec, dataset)


def _cells(item: Comparison) -> tuple[str, str, str]:
    rate, gap = item.rate, item.metric
    return (
        f"{rate.percent:+.1f} %" if rate else "-",
        f"{rate.overlap:.0%}" if rate else "-",
        f"{gap.difference:+.3f}" if rate and gap else "-",
    )


def _empty(metric: Metric, item: Comparison) -> str:
    """Which cells of a curve are empty in the columns of a metric, and why; "" if none is."""
    if not item.rate:
        return (
            f"{item.name}: {metric.label} BD-rate and BD-{metric.label} are empty: {item.no_rate}."
        )
    if not item.metric:
        return f"{item.name}: only BD-{metric.label} is empty: {item.no_metric}."
    return ""
