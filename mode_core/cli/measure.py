"""The command `bench`: making results."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mode_core.cli import datasets, engines, parsing, whole_sets
from mode_core.cli.parsing import Commands, add_profile, codec_list, command
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.errors import ModeError
from mode_core.evaluation import bench
from mode_core.evaluation.additions import Additions, add_metrics
from mode_core.evaluation.datasets.table import DATASETS
from mode_core.evaluation.decoded import COLUMNS, find_pictures, sizes_from
from mode_core.evaluation.filling import Record
from mode_core.evaluation.reconstructions import TheirPlan, measure_pictures
from mode_core.evaluation.rows import KEPT
from mode_core.evaluation.session import LOCAL
from mode_core.evaluation.workers import Engine
from mode_core.metrics import BENCH_METRICS, METRICS
from mode_core.metrics.table import find_metric
from mode_core.stream.sheets import SIZES
from mode_core.weights.provenance import note_addition, note_start, write_provenance

SHOWN = 3


def add_commands(commands: Commands) -> None:
    """Attach it."""
    parser = command(commands, "bench", _bench, "measure codecs on photos into results files")
    parser.add_argument(
        "photos", type=parsing.place, nargs="?", help="a folder of photos, or one photo"
    )
    parser.add_argument(
        "--dataset",
        help=f"instead of a folder: {', '.join(DATASETS)}, in MODE_DATA or fetched; with a folder "
        "and --reconstructions, its name in the rows",
    )
    datasets.add_options(parser)
    parser.add_argument("--out", type=parsing.place, help="results/NAME; NAME is the dataset")
    parser.add_argument("--codecs", default="all", help="all, or some of " + ",".join(CODECS))
    parser.add_argument(
        "--bpp", type=parsing.bpp_list, default=bench.DEFAULT_TARGETS, help="rates to aim for"
    )
    parser.add_argument(
        "--anchors",
        type=parsing.anchor_list,
        default=bench.DEFAULT_ANCHORS,
        help="of codecs that have several",
    )
    engines.add_options(parser)
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument("--resume", action="store_true", help="keep what is measured already")
    earlier.add_argument("--replace", action="store_true", help="measure it anew")
    add_profile(parser)
    parser.add_argument(
        "--add-metrics",
        metavar="METRIC[,METRIC]",
        help="measure these in the rows of --out that lack them, and nothing else: each file is "
        "made again at the row's quality, without a search; goes on where it was interrupted",
    )
    _add_theirs(parser)
    whole_sets.add_options(parser)


def _add_theirs(parser: argparse.ArgumentParser) -> None:
    theirs = parser.add_argument_group("pictures that somebody else decoded")
    theirs.add_argument(
        "--reconstructions",
        type=parsing.place,
        metavar="DIR",
        help="measure DIR/CODEC/RATE/IMAGE.png instead of our codecs; file sizes are in "
        f"DIR/{SIZES} ({','.join(COLUMNS)}) or are those of bitstreams beside the pictures",
    )
    theirs.add_argument(
        "--keep-pictures", action="store_true", help=f"as PNG in {KEPT}/ beside the results"
    )


def _bench(args: argparse.Namespace) -> None:
    if args.list:
        return datasets.show_all()
    if args.out is None:
        raise ModeError("--out is required: results/NAME, where NAME is the dataset")
    if args.set_metrics is not None:
        return whole_sets.run(args)
    if args.backbone is not None:
        raise ModeError("--backbone goes with --set-metrics: it is what FID and KID stand on")
    engine = engines.engine_of(args)
    if args.reconstructions is not None:
        return _bench_theirs(args, engine)
    if args.add_metrics is not None:
        return _add_metrics(args, engine)
    if (args.dataset is not None and args.photos is not None) or args.keep_pictures:
        raise ModeError(
            "--keep-pictures, and --dataset with a folder of photos, go with --reconstructions DIR"
        )
    codecs = _codecs(args.codecs, args.profile)
    photos = datasets.photos_of(args)
    # A file that is damaged is told now, not by every worker.
    for name, reason in bench.unmeasurable().items():
        print(f"{METRICS[name].label} is not measured: {reason}", file=sys.stderr)
    plan = bench.Plan(
        photos, args.out, codecs, args.bpp, args.anchors, args.profile, args.resume, args.replace
    )
    typed = _command(args)

    def record(_: str, path: Path, kept: bool) -> None:
        write_provenance(path, typed, kept, engines.ran_on(engine))

    failed = bench.run_bench(plan, record, _say, engine, _begin(typed))
    _tell_failed(failed, args.out)
    print(f"{args.out}: {len(photos)} photos, {', '.join(codecs)}")


def _add_metrics(args: argparse.Namespace, engine: Engine) -> None:
    chosen = args.bpp, args.anchors, args.profile, args.replace
    if chosen != (bench.DEFAULT_TARGETS, bench.DEFAULT_ANCHORS, "", False):
        raise ModeError(
            "--bpp, --anchors, --profile and --replace are for rows that are measured anew; with "
            "--add-metrics the rows of --out say what is made again, and keep their other numbers"
        )
    metrics = [find_metric(one, BENCH_METRICS).key for one in args.add_metrics.split(",")]
    lacking = bench.unmeasurable()
    for key in metrics:
        if key in lacking:
            raise ModeError(f"{METRICS[key].label} cannot be measured here: {lacking[key]}")
    photos = datasets.photos_of(args)
    codecs = () if args.codecs == "all" else codec_list(args.codecs)
    plan = Additions(photos, args.out, list(dict.fromkeys(metrics)), codecs)
    typed = _adding_command(args)

    def record(_: str, path: Path, __: bool) -> None:
        note_addition(path, typed, plan.metrics, engines.ran_on(engine))

    left = add_metrics(plan, record, engine)
    if left:
        raise ModeError("; ".join(left))
    labels = " and ".join(METRICS[key].label for key in plan.metrics)
    print(f"{args.out}: every row that can have {labels} has it")


def _bench_theirs(args: argparse.Namespace, engine: Engine) -> None:
    if args.add_metrics is not None:
        raise ModeError(
            "--add-metrics is for codecs that run here; --reconstructions --resume adds "
            "what rows of decoded pictures lack"
        )
    if args.ray not in (None, LOCAL):
        raise ModeError("--reconstructions goes with --ray local: their files lie on this machine")
    ours = args.codecs, args.bpp, args.anchors, args.profile
    if ours != ("all", bench.DEFAULT_TARGETS, bench.DEFAULT_ANCHORS, ""):
        raise ModeError(
            "--codecs, --bpp, --anchors and --profile are for codecs that run here; with "
            "--reconstructions the folder says which codecs and rates there are"
        )
    photos = datasets.photos_of(args)
    dataset = datasets.named(args)
    for name, reason in bench.unmeasurable().items():
        print(f"{METRICS[name].label} is not measured: {reason}", file=sys.stderr)
    found = find_pictures(args.reconstructions, photos, args.workers or 1, _say)
    plan = TheirPlan(photos, args.out, dataset, args.keep_pictures, args.resume, args.replace)
    typed = _their_command(args)

    def record(codec: str, path: Path, kept: bool) -> None:
        whose = "decoded by somebody else; only measured here"
        write_provenance(
            path, typed, kept, {"pictures": whose, "file_sizes": sizes_from(found, codec)}
        )

    failed = measure_pictures(plan, found, record, _say, engine, _begin(typed))
    _tell_failed(failed, args.out)
    rates = Counter(codec for codec, _ in {(one.codec, one.rate) for one in found})
    codecs = ", ".join(f"{codec} at {count} rates" for codec, count in sorted(rates.items()))
    sizes = ", ".join(f"{count} from {source}" for source, count in sizes_from(found).items())
    print(f"{args.out}: {len(photos)} pictures of {dataset}, {codecs}; file sizes: {sizes}")


def _begin(typed: str) -> Record:
    def begin(_: str, path: Path, kept: bool) -> None:
        note_start(path, typed, kept)

    return begin


def _tell_failed(failed: Mapping[str, str], out: Path) -> None:
    if failed:
        reasons = [f"{what}: {why}" for what, why in failed.items()]
        more = f"; and {len(reasons) - SHOWN} more" * (len(reasons) > SHOWN)
        raise ModeError(
            f"the rest is in {out}, but left out are {'; '.join(reasons[:SHOWN])}{more}"
        )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _codecs(wanted: str, profile: str) -> list[str]:
    if wanted != "all":
        codecs = codec_list(wanted)
        for codec in codecs:
            load_codec(codec, profile)  # what cannot run is said now, not after an hour
        return codecs
    usable, left_out = bench.usable_codecs(profile)
    for codec, reason in left_out.items():
        print(f"{codec} is left out: {reason}", file=sys.stderr)
    return usable


def _command(args: argparse.Namespace) -> str:
    """The command as anybody would type it: photos by their folder's name, out by the dataset's."""
    words = ["python", "-m", "mode_core", "bench", *datasets.typed(args)]
    words += ["--out", f"results/{args.out.resolve().name}", "--codecs", args.codecs]
    words += ["--bpp", ",".join(f"{target:g}" for target in args.bpp)]
    words += ["--anchors", ",".join(map(str, args.anchors)), *engines.typed(args)]
    words += ["--profile", args.profile] if args.profile else []
    return shlex.join(words + ["--resume"] * args.resume)


def _adding_command(args: argparse.Namespace) -> str:
    words = ["python", "-m", "mode_core", "bench", *datasets.typed(args)]
    words += ["--out", f"results/{args.out.resolve().name}", "--codecs", args.codecs]
    return shlex.join([*words, "--add-metrics", args.add_metrics, *engines.typed(args)])


def _their_command(args: argparse.Namespace) -> str:
    words = ["python", "-m", "mode_core", "bench", *datasets.typed(args)]
    words += ["--reconstructions", args.reconstructions.resolve().name]
    words += ["--out", f"results/{args.out.resolve().name}", *engines.typed(args)]
    named = args.dataset is not None and args.photos is not None
    words += ["--dataset", args.dataset] if named else []
    words += ["--keep-pictures"] * args.keep_pictures
    return shlex.join(words + ["--resume"] * args.resume)
