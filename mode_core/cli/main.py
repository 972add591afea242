"""The command line. Exit status 0, or 1 with one line that says what, where and what would work."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from mode_core.cli import bdrate, figure, files, load, measure, train, votes, weights
from mode_core.cli.parsing import (
    Commands,
    Parser,
    add_profile,
    bpp,
    codec_list,
    command,
    place,
    quality,
    result,
    source,
)
from mode_core.codecs.catalogue import licence_of
from mode_core.codecs.identity import tag_words
from mode_core.codecs.registry import CODECS, codec_of, find_codec, load_codec
from mode_core.codecs.roundtrip import load_decoder, size_note, terms_of_file, weights_of_file
from mode_core.errors import ModeError
from mode_core.evaluation.cards import parameters
from mode_core.evaluation.compare import (
    Pane,
    compare_codecs,
    file_name,
    picture_name,
    write_comparison,
)
from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.rows import THEIRS, Row
from mode_core.evaluation.tables import text_table
from mode_core.metrics import METRICS, unavailable
from mode_core.pictures.files import load_picture, png_bytes
from mode_core.settings import RESULTS
from mode_core.stream.atomic import expect_folder
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, CodecInfo, Image, Target
from mode_core.weights.sets import WeightsSet, all_weights, damaged

KODAK = RESULTS / "kodak"


class CodecLine(NamedTuple):
    """One codec with one set of weights, in words."""

    id: str
    outputs: str
    profile: str
    bpp_on_kodak: str
    parameters: str
    weights: str
    licence: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 1 after one line on stderr."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A file name may hold bytes that are no characters; it is shown all the same.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        arguments = build_parser().parse_args(argv)
        arguments.run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except ModeError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader (head, less) has left. Nothing may be flushed to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}")
    except MemoryError:
        return _fail("there is not enough memory for this picture; scale it down")
    except KeyboardInterrupt:
        return _fail("stopped")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    parser = Parser(prog="python -m mode_core", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command(commands, "codecs", _codecs, "list the codecs, their weights and rate ranges")
    _add_encode(commands)
    _add_decode(commands)
    info = command(commands, "info", _info, "say what is in a .mode file, as JSON")
    info.add_argument("file", type=source)
    _add_compare(commands)
    measure.add_commands(commands)
    bdrate.add_commands(commands)
    figure.add_commands(commands)
    load.add_commands(commands)
    votes.add_commands(commands)
    train.add_commands(commands)
    weights.add_commands(commands)
    return parser


def _add_encode(commands: Commands) -> None:
    parser = command(commands, "encode", _encode, "make a photo into a .mode file")
    parser.add_argument("photo", type=source, help="a picture; - is one that is piped in")
    parser.add_argument("file", type=result, help="the file to write; - pipes it on")
    parser.add_argument("--codec", required=True, help=", ".join(CODECS))
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--bpp", type=bpp, help="bits per pixel to aim for")
    target.add_argument(
        "--quality", type=quality, help="the codec's own number, from 0 to 255 at most"
    )
    add_profile(parser)


def _add_decode(commands: Commands) -> None:
    parser = command(commands, "decode", _decode, "make a .mode file into a PNG")
    parser.add_argument("file", type=source)
    parser.add_argument("picture", type=result)
    parser.add_argument(
        "--anchor", help="fidelity, perception, a number from 0 to 1, sq-expert or vq-expert"
    )
    add_profile(parser)


def _add_compare(commands: Commands) -> None:
    parser = command(
        commands, "compare", _compare, "one photo through every codec at one file size"
    )
    parser.add_argument("photo", type=source)
    parser.add_argument("--bpp", type=bpp, required=True, help="bits per pixel to aim for")
    parser.add_argument("--out", type=place, required=True, help="folder for the pictures")
    parser.add_argument("--codecs", default="all", help="all, or some of " + ",".join(CODECS))
    add_profile(parser)


def _codecs(args: argparse.Namespace) -> None:
    print(text_table([name.replace("_", " ") for name in CodecLine._fields], codec_lines()))
    for sentence in damaged().values():
        print(f"\n{sentence}")
    print("\n`train CODEC` and `weights list` say how to get weights that are not here.")


def codec_lines() -> list[CodecLine]:
    """A line per codec and set of weights; also one for a learned codec that has no weights."""
    rows = read_folder(KODAK) if any(KODAK.glob("*.csv")) else []
    rows = [row for row in rows if row.profile != THEIRS]
    sets = list(all_weights())
    return [line for info in CODECS.values() for line in _lines(info, sets, rows)]


def _lines(info: CodecInfo, sets: Sequence[WeightsSet], rows: Sequence[Row]) -> list[CodecLine]:
    outputs = ", ".join(info.outputs.values())
    if not info.learned:
        rates = _rates(row for row in rows if row.codec == info.id)
        return [CodecLine(info.id, outputs, "-", rates, "-", "needs none", "-")]
    own = sorted((one for one in sets if one.codec == info.id), key=lambda one: one.bpp)
    if not own:
        return [CodecLine(info.id, outputs, "-", "-", "-", "none here", "-")]
    lines = []
    for found in own:
        tag = tag_words(found)
        rates = _rates(row for row in rows if row.codec == info.id and row.weights == tag)
        size = f"{parameters(found) / 1e6:.2f} M"
        line = CodecLine(info.id, outputs, found.width, rates, size, tag, licence_of(found))
        lines.append(line)
    return lines


def _rates(rows: Iterable[Row]) -> str:
    """The lowest and the highest mean rate that was measured."""
    at: dict[float, list[float]] = {}
    for row in rows:
        at.setdefault(row.target_bpp, []).append(row.bpp)
    means = [fmean(rates) for rates in at.values()]
    return f"{min(means):.3f} to {max(means):.3f}" if means else "not measured"


def _encode(args: argparse.Namespace) -> None:
    files.keep_original(args.photo, args.file)
    files.expect(args.file)
    image = _photo(args.photo)
    codec = load_codec(_with_profile(find_codec(args.codec), args.profile).id, args.profile)
    bitstream = codec.encode(image, Target(bpp=args.bpp, quality=args.quality))
    if args.quality not in (None, bitstream.quality):
        raise ModeError(
            f"{codec.info.id} has no quality {args.quality}; the nearest is {bitstream.quality}"
        )
    data = bitstream.to_bytes()
    files.write(args.file, data)
    asked = "" if args.bpp is None else f", asked for {args.bpp:g}"
    size = f"{len(data)} bytes, {bitstream.bpp:.4f} bits per pixel{asked}"
    files.say(args.file, f"{size}{_terms(bitstream)}")
    if note := size_note(codec.info.title, bitstream.bpp, args.bpp):
        print(note, file=sys.stderr)


def _photo(path: Path) -> Image:
    """The pixels of a photo; what was changed to get them is said."""
    picture = load_picture(path)
    for note in picture.notes:
        print(f"{path.name}: {note}", file=sys.stderr)
    return picture.pixels


def _decode(args: argparse.Namespace) -> None:
    files.keep_original(args.file, args.picture)
    if args.picture.suffix.lower() != ".png" and not files.is_stdout(args.picture):
        raise ModeError(f"{args.picture}: pictures are written as PNG; choose a .png name")
    files.expect(args.picture)
    anchor = None if args.anchor is None else Anchor.parse(args.anchor)
    bitstream = Bitstream.from_bytes(files.read_file(args.file))
    _with_profile(codec_of(bitstream.codec), args.profile)
    codec = load_decoder(bitstream, args.profile)
    files.write(args.picture, png_bytes(codec.decode(bitstream, anchor), terms_of_file(bitstream)))
    size = f"{bitstream.width}x{bitstream.height}"
    files.say(args.picture, f"{size}, {codec.info.id}{_terms(bitstream)}")


def _with_profile(info: CodecInfo, profile: str) -> CodecInfo:
    """The codec, if it has weights to choose among."""
    if profile and not info.learned:
        raise ModeError(f"{info.id} has no weights; leave out --profile")
    return info


def _terms(bitstream: Bitstream) -> str:
    terms = terms_of_file(bitstream)
    return f"; {terms}" if terms else ""


def _info(args: argparse.Namespace) -> None:
    data = files.read_file(args.file)
    bitstream = Bitstream.from_bytes(data)
    info, found = codec_of(bitstream.codec), weights_of_file(bitstream)
    names = [*info.streams, *("?" for _ in bitstream.streams)]
    facts = {
        "codec": info.id,
        "outputs": list(info.outputs.values()),
        "width": bitstream.width,
        "height": bitstream.height,
        "bytes": len(data),
        "bpp": bitstream.bpp,
        "target_bpp": bitstream.target_bpp,
        "quality": bitstream.quality,
        "weights": bitstream.weights.hex() if any(bitstream.weights) else None,
        "weights_name": found.folder.name if found else None,
        "weights_licence": licence_of(found) if found else None,
        "streams": [
            {"name": name, "bytes": len(stream.payload)}
            for name, stream in zip(names, bitstream.streams, strict=False)
        ],
    }
    print(json.dumps(facts, indent=2))


def _compare(args: argparse.Namespace) -> None:
    target = Target(bpp=args.bpp)
    codecs = list(CODECS) if args.codecs == "all" else codec_list(args.codecs)
    expect_folder(args.out)
    panes, left_out = compare_codecs(_photo(args.photo), target, codecs, args.profile)
    for pane in panes:
        for name in (file_name(pane.picture), picture_name(pane.picture)):
            files.keep_original(args.photo, args.out / name)
    if panes:
        write_comparison(panes, left_out, args.photo.name, target, args.out)
        print(_comparison_table(panes))
    for codec_id, reason in left_out.items():
        print(f"{codec_id} is left out: {reason}", file=sys.stderr)
    for name, reason in unavailable().items():
        print(f"{METRICS[name].label} is left out: {reason}", file=sys.stderr)
    if not panes:
        raise ModeError("no codec could run; see `python -m mode_core codecs`")


def _comparison_table(panes: Sequence[Pane]) -> str:
    shown = [one for one in METRICS.values() if any(one.key in p.measured.values for p in panes)]
    rows = []
    for picture, measured in ((pane.picture, pane.measured.values) for pane in panes):
        cells = [f"{measured[m.key]:.{m.digits}f}" if m.key in measured else "" for m in shown]
        note = "; ".join(filter(None, (picture.note, picture.terms)))
        size = str(len(picture.file)), f"{picture.bpp:.4f}"
        rows.append((picture.label, *size, *cells, note))
    return text_table(("output", "bytes", "bpp", *(m.label for m in shown), "note"), rows)


def _fail(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 1
