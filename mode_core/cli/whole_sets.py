"""`bench --set-metrics`: FID and KID of whole sets of pictures, with the backbone named."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from mode_core.cli import datasets, parsing
from mode_core.cli.parsing import codec_list
from mode_core.errors import ModeError
from mode_core.evaluation import bench
from mode_core.evaluation.decoded import find_pictures
from mode_core.evaluation.rows import WHOLE_SET, WholeSet
from mode_core.evaluation.tables import text_table
from mode_core.evaluation.whole import SetPlan, sets_of_results, sets_of_theirs
from mode_core.metrics.features import SET_METRICS, Backbone, doubt_about, find_backbone
from mode_core.weights.provenance import note_addition


def add_options(parser: argparse.ArgumentParser) -> None:
    """Attach what goes with it."""
    whole = parser.add_argument_group("figures of whole sets of pictures (docs/whole-sets.md)")
    whole.add_argument(
        "--set-metrics",
        metavar="METRIC[,METRIC]",
        help=f"{' and '.join(SET_METRICS)} of what --out holds, or of --reconstructions, into "
        f"{WHOLE_SET} there, and nothing else; --codecs, --bpp and --anchors say of which rows",
    )
    whole.add_argument(
        "--backbone",
        type=parsing.place,
        metavar="FILE",
        help="InceptionV3 of pytorch-fid, as the papers have it, or of torchvision; the bundled "
        "AlexNet unless given, whose figures compare with no paper's",
    )


def run(args: argparse.Namespace) -> None:
    """Measure what `--set-metrics` asks for."""
    metrics = _metrics(args.set_metrics)
    if args.add_metrics is not None:
        raise ModeError("--add-metrics and --set-metrics are two runs: one measures each picture")
    if args.gpus_per_task or args.ray is not None:
        raise ModeError("--set-metrics runs on this machine: leave out --ray and --gpus-per-task")
    if args.profile or args.keep_pictures:
        raise ModeError(
            "--profile and --keep-pictures do not go with --set-metrics: the rows of --out say "
            "which weights made them, and no picture is written"
        )
    theirs = args.reconstructions is not None
    if not theirs and args.dataset is not None and args.photos is not None:
        raise ModeError("--dataset with a folder of photos goes with --reconstructions DIR")
    chosen = args.codecs, args.bpp, args.anchors
    if theirs and chosen != ("all", bench.DEFAULT_TARGETS, bench.DEFAULT_ANCHORS):
        raise ModeError(
            "--codecs, --bpp and --anchors are for codecs that run here; the folder of "
            "--reconstructions says which codecs and rates there are"
        )
    backbone = find_backbone(args.backbone)
    if doubt := doubt_about(backbone):
        print(doubt, file=sys.stderr)
    codecs = () if args.codecs == "all" else codec_list(args.codecs)
    targets = () if args.bpp == bench.DEFAULT_TARGETS else args.bpp
    anchors = () if args.anchors == bench.DEFAULT_ANCHORS else args.anchors
    plan = SetPlan(
        datasets.photos_of(args), args.out, metrics, backbone, codecs, targets, anchors,
        args.workers or 1, args.replace,
    )  # fmt: skip

    def record() -> None:
        note_addition((args.out / WHOLE_SET).with_suffix(".json"), _command(args), metrics)

    if theirs:
        pictures = find_pictures(args.reconstructions, plan.photos, plan.workers, _say)
        found = sets_of_theirs(plan, datasets.named(args), pictures, record)
    else:
        found = sets_of_results(plan, record)
    print(_table(found.sets, metrics))
    for sentence in _biased(found.sets, backbone) if "fid" in metrics else []:
        print(sentence, file=sys.stderr)
    if found.left_out:
        raise ModeError("; ".join(found.left_out))
    print(f"{args.out / WHOLE_SET}: {len(found.sets)} sets, {found.new} of them measured now")


def _metrics(text: str) -> list[str]:
    metrics = list(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    for one in metrics:
        if one not in SET_METRICS:
            known = " and ".join(SET_METRICS)
            raise ModeError(f"there is no metric {one!r:.42} of whole sets; there are {known}")
    return metrics


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _biased(sets: Sequence[WholeSet], backbone: Backbone) -> list[str]:
    """What holds for FID of so few patches, once for each number of them."""
    few = sorted({one.patches for one in sets if one.patches <= one.features})
    return [
        f"FID of {patches} patches is too high, since covariances of {backbone.numbers} features "
        "need more; compare it at equal numbers of patches alone, or compare KID"
        for patches in few
    ]


def _table(sets: Sequence[WholeSet], metrics: Sequence[str]) -> str:
    head = ["codec", "profile", "anchor", "rate", "bpp", "pictures", "patches", "backbone"]
    head += [SET_METRICS[metric] for metric in metrics]
    head += ["KID's deviation"] if "kid" in metrics else []
    lines = []
    for one in sets:
        line = [one.codec, one.profile or "-", one.anchor or "-"]
        line += [one.rate_name or f"{one.target_bpp:g}", f"{one.bpp:.4f}"]
        line += [str(one.pictures), str(one.patches), f"{one.backbone} {one.backbone_tag}"]
        line += [_number(getattr(one, metric)) for metric in metrics]
        lines.append(line + ([_number(one.kid_std)] if "kid" in metrics else []))
    return text_table(head, lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _command(args: argparse.Namespace) -> str:
    """The command as anybody would type it: files and folders by their names alone."""
    words = ["python", "-m", "mode_core", "bench", *datasets.typed(args)]
    if args.reconstructions is not None:
        words += ["--reconstructions", args.reconstructions.resolve().name]
        words += ["--dataset", args.dataset] if args.dataset and args.photos is not None else []
    words += ["--out", f"results/{args.out.resolve().name}", "--set-metrics", args.set_metrics]
    words += ["--codecs", args.codecs] if args.codecs != "all" else []
    if args.bpp != bench.DEFAULT_TARGETS:
        words += ["--bpp", ",".join(f"{target:g}" for target in args.bpp)]
    if args.anchors != bench.DEFAULT_ANCHORS:
        words += ["--anchors", ",".join(map(str, args.anchors))]
    words += ["--backbone", args.backbone.name] if args.backbone else []
    words += ["--workers", str(args.workers or 1)]
    return shlex.join(words + ["--replace"] * args.replace)
