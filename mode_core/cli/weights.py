"""`weights`: what checkpoints exist, fetching, importing and packing them."""

from __future__ import annotations

import argparse
import math
import sys

from tqdm import tqdm

from mode_core.cli.licence import accept
from mode_core.cli.parsing import Commands, command, place, sha256
from mode_core.codecs.catalogue import (
    BY_HAND,
    LICENCES,
    PUBLISHED,
    chosen,
    licence_of,
    made_from,
)
from mode_core.codecs.identity import tag_words
from mode_core.codecs.registry import find_codec
from mode_core.errors import ModeError
from mode_core.evaluation.tables import text_table
from mode_core.types import Published
from mode_core.weights.sets import (
    WeightsSet,
    all_weights,
    damaged,
    find_weights,
)

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
    card.add_argument(
        "codec", nargs="+", help="whose weights, or rows in results/kodak, have changed"
    )


def _add_get(commands: Commands) -> None:
    parser = command(commands, "get", _get, "download public checkpoints and convert them")
    known = ", ".join(dict.fromkeys(one.codec for one in PUBLISHED))
    parser.add_argument("codec", help=f"{known}, or all (others: see `weights list`)")
    parser.add_argument(
        "--quality", default="", help="3, or 1-6, or all, or several of these with commas"
    )
    parser.add_argument("--accept-licence", action="store_true", help="after reading it")
    parser.add_argument("--url", type=_given, help="another address of the file, or hf://OWNER/...")
    parser.add_argument("--sha256", type=sha256, help="the hash that the file must have")
    parser.add_argument("--keep", action="store_true", help="keep the download after converting it")


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("'' is no address; give one, or leave out --url")
    return text


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
    print("Public checkpoints that `weights get` fetches")
    head = ("codec", "quality", "bpp", "size", "licence", "address", "here")
    print(text_table(head, [_published_row(one) for one in PUBLISHED]))
    print("\nPublic checkpoints to download by hand, then `weights import CODEC FILE`")
    hand = [(one.codec, one.what, one.licence, one.where) for one in BY_HAND]
    print(text_table(("codec", "what", "licence", "where"), hand))
    if here:
        print("\nWeights on this machine")
        head = ("codec", "set", "width", "bpp", "tag", "licence", "folder")
        print(text_table(head, [_set_row(found) for found in here]))
    for sentence in damaged().values():
        print(f"\n{sentence}")


def _published_row(one: Published) -> tuple[str, ...]:
    bpp, size = f"{one.bpp:.3g}" if one.bpp else "-", f"{one.bytes_ / 1e9:.2f} GB"
    others = f" and {len(one.urls) - 1} more" if len(one.urls) > 1 else ""
    address, present = f"{one.urls[0]}{others}", "yes" if made_from(one) else "no"
    return one.codec, one.quality, bpp, size, one.licence, address, present


def _set_row(found: WeightsSet) -> tuple[str, ...]:
    bpp, tag, name = found.facts.get("bpp", "-"), tag_words(found), found.folder.name
    return found.codec, name, found.width, bpp, tag, licence_of(found), str(found.folder)


def _get(args: argparse.Namespace) -> None:
    if args.codec == "all" and args.quality not in (None, "", "all"):
        raise ModeError("all means every quality of every codec; name a codec to choose a quality")
    quality = "all" if args.codec == "all" else args.quality
    if not quality:
        known = [one.quality for one in chosen(args.codec, "all")]
        raise ModeError(f"name a --quality of {args.codec}: {', '.join(known)}, or all")
    wanted = chosen(args.codec, quality)
    if len(wanted) > 1 and (args.sha256 or args.url):
        raise ModeError(f"{'--sha256' if args.sha256 else '--url'} is of one file; name one")
    codecs = dict.fromkeys(one.codec for one in wanted)
    accept([f"{codec}: {LICENCES[codec]}" for codec in codecs], args.accept_licence)
    failed = []
    for one in wanted:
        try:
            _get_one(one, args)
        except KeyboardInterrupt as error:
            raise ModeError("stopped; what has come is kept, run it again to continue") from error
        except ModeError as error:
            if len(wanted) == 1:
                raise
            print(f"{one.name}: {error}", file=sys.stderr)
            failed.append(one.name)
    if failed:
        raise ModeError(f"not here: {', '.join(failed)}; the lines above say why")


def _get_one(one: Published, args: argparse.Namespace) -> None:
    from mode_core.checkpoints.obtain import here_already, obtain

    found = here_already(one, args.sha256 or "")
    if found is not None:
        print(f"{one.file} is here already: {found.folder}")
        return
    hidden = None if sys.stderr else True
    with tqdm(unit="B", unit_scale=True, disable=hidden, desc=one.file) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        # tqdm's own way to print, or a line would go on where the bar ends
        made = obtain(one, bar.write, progress, args.url or "", args.sha256 or "", args.keep)
    _describe(made)


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

    for codec in args.codec:
        if not find_codec(codec).learned:
            raise ModeError(f"{codec} has no weights, and so no card")
        print(write_card(find_weights(codec)))
