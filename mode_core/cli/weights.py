"""`weights`: what checkpoints exist, fetching, importing and packing them."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from mode_core.cli.parsing import Commands, command, place, sha256
from mode_core.codecs.catalogue import BY_HAND, LICENCES, PUBLISHED, licence_of, published
from mode_core.codecs.identity import tag_words
from mode_core.errors import CheckpointError, ModeError
from mode_core.evaluation.tables import text_table
from mode_core.types import Published
from mode_core.weights.sets import (
    WeightsSet,
    all_weights,
    damaged,
    find_weights,
    import_folder,
)

_DOWNLOADS = "downloads"
_NO_PICTURE_DB = 12
"""If the built-in picture decodes below this PSNR, the weights may be of another codec."""


def add_commands(subparsers: Commands) -> None:
    """Add `weights` to a command line."""
    parser = subparsers.add_parser(
        "weights", help="list, fetch, import and pack weights; write their card"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command(commands, "list", _list, "public checkpoints and the weights that are here")
    _add_get(commands)
    _add_import(commands)
    pack = command(commands, "pack", _pack, "make a training run into bundled weights")
    pack.add_argument("run_folder", type=place, metavar="RUN")
    pack.add_argument("--photos", type=place, required=True, help="to compare it on")
    pack.add_argument("--lpips-backbone", type=place, help="AlexNet's ImageNet features")
    card = command(commands, "card", _card, "write the card of bundled weights anew")
    card.add_argument("codec", help="whose weights, or rows in results/kodak, have changed")


def _add_get(commands: Commands) -> None:
    parser = command(commands, "get", _get, "download public checkpoints and convert them")
    known = ", ".join(dict.fromkeys(one.codec for one in PUBLISHED))
    parser.add_argument("codec", help=f"{known} (others: see `weights list` for where they are)")
    parser.add_argument(
        "--quality", default="3",
        help="1 to 6, vlo1, vlo2 or nogan-1 to nogan-6; several with commas, or all for 1 to 6",
    )  # fmt: skip
    parser.add_argument("--accept-licence", action="store_true", help="after reading it")
    parser.add_argument("--sha256", type=sha256, help="the hash that the file must have")
    parser.add_argument("--keep", action="store_true", help="keep the download after converting it")


def _add_import(commands: Commands) -> None:
    parser = command(commands, "import", _import, "convert a checkpoint that you have")
    known = ", ".join(dict.fromkeys([one.codec for one in BY_HAND] + [p.codec for p in PUBLISHED]))
    parser.add_argument("codec", help=known)
    parser.add_argument("file", type=place)
    parser.add_argument(
        "--dialect",
        default="",
        help="elic: chandelier, compressai; ms-illm: msillm, nogan; dlf; vq: taming",
    )
    parser.add_argument("--name", default="", help="of the set; by default made from the file's")
    parser.add_argument("--source", default="", help="where the file is from, for the card")
    parser.add_argument("--licence", default="", help="its licence, for the card")
    parser.add_argument(
        "--float32", "--whole", dest="float32", action="store_true",
        help="keep float32 throughout (dlf: 5.0 instead of 3.6 GB, finer pictures, same files)",
    )  # fmt: skip


def _list(_: argparse.Namespace) -> None:
    here = list(all_weights())
    rows = []
    for one in PUBLISHED:
        size, present = f"{one.bytes_ / 1e9:.2f} GB", "yes" if _made_from(one, here) else "no"
        rows.append((one.codec, one.quality, f"{one.bpp:g}", size, one.licence, one.url, present))
    print("Public checkpoints that `weights get` fetches")
    print(text_table(("codec", "quality", "bpp", "size", "licence", "url", "here"), rows))
    print("\nPublic checkpoints to download by hand, then `weights import CODEC FILE`")
    hand = [(one.codec, one.what, one.licence, one.where) for one in BY_HAND]
    print(text_table(("codec", "what", "licence", "where"), hand))
    if here:
        print("\nWeights on this machine")
        head = ("codec", "set", "width", "bpp", "tag", "licence", "folder")
        print(text_table(head, [_set_row(found) for found in here]))
    for sentence in damaged().values():
        print(f"\n{sentence}")


def _made_from(one: Published, here: Sequence[WeightsSet]) -> WeightsSet | None:
    """The set that was made from a public checkpoint, if it is here, whatever its folder's name."""
    files = ((found, found.facts.get("file")) for found in here)
    return next((found for found, file in files if file == one.file), None)


def _set_row(found: WeightsSet) -> tuple[str, ...]:
    bpp, tag, name = found.facts.get("bpp", "-"), tag_words(found), found.folder.name
    return found.codec, name, found.width, bpp, tag, licence_of(found), str(found.folder)


def _get(args: argparse.Namespace) -> None:
    qualities = list("123456") if args.quality == "all" else args.quality.split(",")
    wanted = [_find(args.codec, quality.strip()) for quality in qualities]
    if args.sha256 and len(wanted) > 1:
        raise ModeError("--sha256 is of one file; give one --quality")
    _accept(args.codec, args.accept_licence)
    home = import_folder()
    for one in wanted:
        found = _made_from(one, list(all_weights()))
        if found is not None:
            print(f"{one.file} is here already: {found.folder}")
        elif (home / one.name).exists():
            raise ModeError(
                f"{home / one.name} is in the way: it is damaged or was made from another file; "
                "delete or rename it"
            )
        else:
            _get_one(one, home / _DOWNLOADS, args.sha256 or "", args.keep)


def _get_one(one: Published, downloads: Path, sha256: str, keep: bool) -> None:
    from mode_core.checkpoints.convert import Origin, import_checkpoint
    from mode_core.checkpoints.download import fetch, forget, remember

    path = fetch(one, downloads, sha256)
    origin = Origin(path, one.url, one.licence)
    try:
        made = import_checkpoint(one.codec, origin, one.dialect, one.name)
    except CheckpointError as error:
        forget(path)
        raise CheckpointError(
            f"{error}. The download was deleted: the same command fetches it anew"
        ) from error
    _describe(made)
    remember(path, made.facts["sha256"])
    if not keep:
        path.unlink()


def _find(codec: str, quality: str) -> Published:
    for other in BY_HAND:
        if other.codec == codec:
            raise ModeError(
                f"the weights of {codec} cannot be fetched by a program; download them by hand "
                f"({other.where}), then run `python -m mode_core weights import {codec} FILE`"
            )
    found = published(codec, quality)
    if found is None:
        known = [one.quality for one in PUBLISHED if one.codec == codec]
        hint = f"qualities are {', '.join(known)}" if known else "see `weights list`"
        raise ModeError(f"no public weights of {codec!r}, quality {quality!r}, are known; {hint}")
    return found


def _accept(codec: str, accepted: bool) -> None:
    """Show the licence; go on only if it is accepted."""
    print(LICENCES[codec])
    if accepted:
        return
    if not sys.stdin.isatty():
        raise ModeError("the licence was not accepted; read it and add --accept-licence")
    if input("Accept? [y/N] ").strip().lower() not in ("y", "yes"):
        raise ModeError("the licence was not accepted; nothing was fetched")


def _import(args: argparse.Namespace) -> None:
    from mode_core.checkpoints.convert import Origin, import_checkpoint

    origin = Origin(args.file, args.source, args.licence)
    _describe(import_checkpoint(args.codec, origin, args.dialect, args.name, args.float32))


def _describe(made: WeightsSet) -> None:
    psnr = 10 * math.log10(255**2 / max(float(made.facts["mse"]), 1e-3))
    doubt = "" if psnr > _NO_PICTURE_DB else " (no picture: is the file of this codec?)"
    print(
        f"{made.folder.name}: {made.facts['bpp']} bits per pixel and {psnr:.1f} dB{doubt} on the "
        f"built-in picture, licence {licence_of(made)}; use it with --codec {made.codec} --profile "
        f"{made.width}; an app that is running offers it within seconds"
    )


def _pack(args: argparse.Namespace) -> None:
    from mode_core.evaluation.pack import pack

    pack(args.run_folder, args.photos, args.lpips_backbone, print)


def _card(args: argparse.Namespace) -> None:
    from mode_core.evaluation.cards import write_card

    print(write_card(find_weights(args.codec)))
