"""`train STAGE`: photos in, a run folder out."""

from __future__ import annotations

import argparse

from mode_core.cli.parsing import Commands, command, device, minutes, place, positive, seed
from mode_core.codecs.registry import CODECS

STAGE_NAMES = tuple(
    name
    for info in sorted(CODECS.values(), key=lambda info: len(info.experts))
    for name in info.stages
)
"""The keys of the table of stages, known without loading torch."""


def add_commands(commands: Commands) -> None:
    """Add `train`, with what a training run is told."""
    add = command(commands, "train", train, "train a network for a number of minutes").add_argument
    add("stage", choices=STAGE_NAMES, metavar="STAGE", help=", ".join(STAGE_NAMES))
    add("--photos", type=place, nargs="+", required=True, help="folders or .tar files of photos")
    add("--minutes", type=minutes, required=True, help="length of the run; it ends annealed")
    add("--out", type=place, required=True, help="folder for weights, state and logs")
    add("--resume", type=place, help="a run's folder: exact where --minutes leaves time")
    add(
        "--warm", action="store_true",
        help="with --resume: a new schedule, from weights and critic alone",
    )  # fmt: skip
    add(
        "--start", action="append", default=[], metavar="CODEC=FOLDER",
        help="a frozen partner's run; without it, the bundled weights",
    )  # fmt: skip
    add("--width", default="tiny", help="tiny or compact; mode: also public")
    add("--device", type=device, help="cpu, cuda or cuda:N; by default cuda where there is one")
    add("--threads", type=positive, help="CPU threads")
    add("--seed", type=seed, default=0)
    add("--batch", type=positive, help="crops per step and process")
    add("--fp32", action="store_true", help="no bfloat16, where the device multiplies it")
    add(
        "--pause-after", type=minutes, default=float("inf"), metavar="MINUTES",
        help="save and stop after so long; --resume continues exactly",
    )  # fmt: skip
    add(
        "--lpips-backbone", type=place, metavar="FILE",
        help="AlexNet's ImageNet features; by default those that the metric uses",
    )  # fmt: skip


def train(args: argparse.Namespace) -> None:
    """Run one stage."""
    from mode_core.cli.launch import launch

    launch(args)
