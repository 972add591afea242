"""`train STAGE`: photos in, a run folder out."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mode_core.cli.parsing import Commands, command, device, minutes, place, positive, seed
from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError

FAMILY = "family"
OF_FAMILY: dict[str, object] = {
    "only": (), "without": (), "from_bundled": (), "gpus": None, "side_by_side": None,
    "export": None,
}  # fmt: skip
ONE_STAGE: dict[str, object] = {
    "resume": None, "warm": False, "start": [], "device": None, "threads": None,
    "pause_after": float("inf"),
}  # fmt: skip
"""Options that the other kind of `train` has no use for, and what they are where not given."""
SHORT_MINUTES, LONG_MINUTES = 5.0, 30.0
"""Below these a family validates on two photos, on four; above, on as many as a stage alone."""
STAGE_NAMES = tuple(
    name
    for info in sorted(CODECS.values(), key=lambda info: len(info.experts))
    for name in info.stages
)
"""The keys of the table of stages, known without loading torch."""


def add_commands(commands: Commands) -> None:
    """Add `train`, with what a training run is told."""
    add = command(commands, "train", train, "train a network for a number of minutes").add_argument
    add(
        "stage", choices=(*STAGE_NAMES, FAMILY), metavar="STAGE",
        help=f"{', '.join(STAGE_NAMES)}; or {FAMILY}: all of them within --minutes",
    )  # fmt: skip
    add("--photos", type=place, nargs="+", required=True, help="folders or .tar files of photos")
    add("--minutes", type=minutes, help="length of the run; it ends annealed")
    add("--by", type=float, help=argparse.SUPPRESS)  # end by this time of day, whatever came before
    add("--beside", type=int, default=0, help=argparse.SUPPRESS)  # runs that share the device
    add("--held-out", type=positive, default=8, help="photos to validate on")
    add("--check-seconds", type=float, default=180.0, help=argparse.SUPPRESS)
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
    add(
        "--width",
        help="tiny or compact (family: compact unless given); elic: or either with -eight; "
        "mode: also public; and the variants that docs/ name, such as tiny-no-cem",
    )
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

    _add_family(add)


def _add_family(add: Callable[..., object]) -> None:
    """What only the family is told."""
    add("--only", type=names, default=(), metavar="STAGE,...", help="family: these alone")
    add("--without", type=names, default=(), metavar="STAGE,...", help="family: all but these")
    add(
        "--from-bundled", type=names, default=(), metavar="CODEC,...",
        help="family: codecs that are not trained; others stand on their bundled weights",
    )  # fmt: skip
    add("--gpus", type=gpus, help="family: how many; by default all that are here")
    add("--side-by-side", type=positive, help="family: stages at a time on each GPU, or the CPU")
    add("--export", type=place, metavar="DIR", help="family: results as at most 8 files of 16 MB")


def names(text: str) -> tuple[str, ...]:
    """Several names with commas between."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def gpus(text: str) -> int:
    """How many GPUs; none is the CPU."""
    return 0 if text == "0" else positive(text)


def refuse_of_the_other(args: argparse.Namespace) -> None:
    """ModeError for what only the family is told, or only one stage."""
    family = args.stage == FAMILY
    for name, unset in (ONE_STAGE if family else OF_FAMILY).items():
        if getattr(args, name) != unset:
            option = f"--{name.replace('_', '-')}"
            whom = "one stage, not of the family" if family else f"`train {FAMILY}` alone"
            raise ModeError(f"{option} is an option of {whom}; leave it out")


def train(args: argparse.Namespace) -> None:
    """Run one stage, or all."""
    refuse_of_the_other(args)
    if args.stage == FAMILY:
        _train_family(args)
        return
    from mode_core.cli.launch import launch

    args.width = args.width or "tiny"
    launch(args)


def _train_family(args: argparse.Namespace) -> None:
    from mode_core.cli.family.plan import FamilyError, chosen
    from mode_core.cli.family.train import Wish, train_family

    if args.minutes is None:
        raise FamilyError("give --minutes, the length of everything")
    options = ["--fp32"] if args.fp32 else []
    if args.lpips_backbone:
        options += ["--lpips-backbone", str(args.lpips_backbone.absolute())]
    for name in ("batch", "seed"):
        if getattr(args, name):
            options += [f"--{name}", str(getattr(args, name))]
    enough = 8 if args.minutes >= LONG_MINUTES else 4 if args.minutes >= SHORT_MINUTES else 2
    options += ["--held-out", str(min(args.held_out, enough))]
    parts = chosen(args.only, args.without, args.from_bundled)
    wish = Wish(
        photos=args.photos,
        out=args.out.absolute(),
        minutes=args.minutes,
        width=args.width or "compact",
        parts=parts,
        from_bundled=args.from_bundled,
        gpus=args.gpus,
        side_by_side=args.side_by_side,
        export=args.export,
        options=options,
    )
    train_family(wish)
