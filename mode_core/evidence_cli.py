"""The commands `bench` and `bdrate`: making results, and reading them."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from mode_core.arguments import (
    Commands,
    add_profile,
    anchor_list,
    bpp_list,
    codec_list,
    markdown_table,
    positive,
)
from mode_core.bench import (
    DEFAULT_ANCHORS,
    DEFAULT_TARGETS,
    Plan,
    find_photos,
    run_bench,
    unmeasurable,
    usable_codecs,
)
from mode_core.curves import (
    PUBLISHED,
    Comparison,
    comparisons,
    comparisons_with,
    find_metric,
    published_curve,
)
from mode_core.errors import ModeError
from mode_core.metrics import BENCH_METRICS, METRICS, Metric
from mode_core.metrics.bdrate import Curve
from mode_core.provenance import write_provenance
from mode_core.registry import CODECS, load_codec
from mode_core.results import Row, read_folder, read_published

RESULTS = Path("results")
POINTS = Path(__file__).resolve().parent.parent / "results" / "published" / "points.csv"
DEFAULT_ANCHOR = "webp"
SHOWN = 3


def add_commands(commands: Commands) -> None:
    """Attach both."""
    _add_bench(commands)
    _add_bdrate(commands)


def _add_bench(commands: Commands) -> None:
    parser = commands.add_parser("bench", help="measure codecs on photos into results files")
    parser.add_argument("photos", type=Path, help="a folder of photos, or one photo")
    parser.add_argument("--out", type=Path, required=True, help="results/NAME; NAME is the dataset")
    parser.add_argument("--codecs", default="all", help="all, or some of " + ",".join(CODECS))
    parser.add_argument("--bpp", type=bpp_list, default=DEFAULT_TARGETS, help="rates to aim for")
    parser.add_argument("--anchors", type=anchor_list, default=DEFAULT_ANCHORS, help="for MoDE")
    parser.add_argument("--workers", type=positive, default=1, help="processes")
    parser.add_argument("--resume", action="store_true", help="keep what is measured already")
    add_profile(parser)
    parser.set_defaults(run=_bench)


def _add_bdrate(commands: Commands) -> None:
    parser = commands.add_parser("bdrate", help="Bjontegaard deltas of measured results")
    parser.add_argument("folder", type=Path, nargs="?", default=RESULTS / "kodak")
    parser.add_argument(
        "--anchor",
        default=DEFAULT_ANCHOR,
        help='a curve of the results such as elic or mode@fidelity, or "published:BPG 4:4:4"',
    )
    parser.add_argument("--metric", help="psnr, ms_ssim, lpips or dists; all of them unless given")
    parser.set_defaults(run=_bdrate)


def _bench(args: argparse.Namespace) -> None:
    codecs = _codecs(args.codecs, args.profile)
    # Also loads what LPIPS needs, or fetches it, before any worker does.
    for name, reason in unmeasurable().items():
        _say(f"{METRICS[name].label} stays empty: {reason}")
    photos = find_photos(args.photos)
    plan = Plan(
        photos, args.out, codecs, args.bpp, args.anchors, args.profile, args.workers, args.resume
    )
    command = _command(args)
    failed = run_bench(plan, lambda _, path, kept: write_provenance(path, command, kept))
    if failed:
        reasons = [f"{what}: {why}" for what, why in failed.items()]
        more = f"; and {len(reasons) - SHOWN} more" * (len(reasons) > SHOWN)
        raise ModeError(
            f"the rest is in {args.out}, but left out are {'; '.join(reasons[:SHOWN])}{more}"
        )
    print(f"{args.out}: {len(photos)} photos, {', '.join(codecs)}")


def _codecs(wanted: str, profile: str) -> list[str]:
    if wanted != "all":
        codecs = codec_list(wanted)
        for codec in codecs:
            load_codec(codec, profile)  # what cannot run is said now, not after an hour
        return codecs
    usable, left_out = usable_codecs(profile)
    for codec, reason in left_out.items():
        _say(f"{codec} is left out: {reason}")
    return usable


def _command(args: argparse.Namespace) -> str:
    """The command as anybody would type it: photos by their folder's name, out by the dataset's."""
    words = ["python", "-m", "mode_core", "bench", args.photos.resolve().name]
    words += ["--out", f"results/{args.out.resolve().name}", "--codecs", args.codecs]
    words += ["--bpp", ",".join(f"{target:g}" for target in args.bpp)]
    words += ["--anchors", ",".join(map(str, args.anchors)), "--workers", str(args.workers)]
    words += ["--profile", args.profile] if args.profile else []
    return shlex.join(words + ["--resume"] * args.resume)


def _bdrate(args: argparse.Namespace) -> None:
    rows = read_folder(args.folder)
    metrics = [find_metric(args.metric)] if args.metric else _measured_metrics(rows)
    tables = {metric: _compare(rows, metric, args.anchor, args.folder) for metric in metrics}
    names = list(dict.fromkeys(item.name for table in tables.values() for item in table))
    head = [f"against {args.anchor}"]
    for metric in metrics:
        head += [f"{metric.label} BD-rate", "overlap", f"BD-{metric.label}"]
    found = {(metric, item.name): item for metric, table in tables.items() for item in table}
    body = [
        [name, *(cell for metric in metrics for cell in _cells(found[metric, name]))]
        for name in names
    ]
    print(markdown_table(head, body))
    if args.anchor.startswith(PUBLISHED):
        for metric in metrics:
            print(f"\n{metric.label} against {_published(metric, args.anchor, args.folder).name}.")
    for (metric, name), item in found.items():
        if item.reason:
            print(f"\n{name}, {metric.label}: {item.reason}.")


def _compare(rows: Sequence[Row], metric: Metric, anchor: str, folder: Path) -> list[Comparison]:
    if not anchor.startswith(PUBLISHED):
        return comparisons(rows, metric, anchor)
    return comparisons_with(rows, metric, _published(metric, anchor, folder))


def _published(metric: Metric, anchor: str, folder: Path) -> Curve:
    codec, dataset = anchor.removeprefix(PUBLISHED), folder.resolve().name
    return published_curve(read_published(POINTS), metric, codec, dataset)


def _measured_metrics(rows: Sequence[Row]) -> list[Metric]:
    return [
        METRICS[name]
        for name in BENCH_METRICS
        if any(getattr(row, name) is not None for row in rows)
    ]


def _cells(item: Comparison) -> tuple[str, str, str]:
    return (
        f"{item.rate.percent:+.1f} %" if item.rate else "-",
        f"{item.rate.overlap:.0%}" if item.rate else "-",
        f"{item.metric.difference:+.3f}" if item.metric else "-",
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr)
