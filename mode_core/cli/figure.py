"""The command `figure`: a figure for a paper, made again from its manifest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mode_core.cli import files, parsing
from mode_core.cli.parsing import Commands, command
from mode_core.figures.again import made_again
from mode_core.figures.manifest import MAX_BYTES, read_record
from mode_core.figures.plan import FigureError
from mode_core.figures.record import NAME
from mode_core.stream.atomic import expect_folder, make_folder


def add_commands(commands: Commands) -> None:
    """Attach it."""
    parser = command(commands, "figure", _figure, "make a figure again from its manifest")
    parser.add_argument("manifest", type=parsing.source, help="as the page's Manifest saves it")
    parser.add_argument(
        "--pictures",
        type=parsing.place,
        nargs="+",
        metavar="PATH",
        help="the original, opened pictures and .mode files, or folders of them, found by their "
        "hashes; usually the manifest's folder",
    )
    parser.add_argument(
        "--out", type=parsing.place, default=Path(), help="folder for the files; usually this one"
    )


def _figure(args: argparse.Namespace) -> None:
    with args.manifest.open("rb") as file:
        record = read_record(file.read(MAX_BYTES + 1))
    expect_folder(args.out)
    made, differs = made_again(record, args.pictures or [args.manifest.parent], _say)
    make_folder(args.out)
    results = {args.out / f"{NAME}.{ending}": data for ending, data in made.files.items()}
    for path, data in results.items():
        if path.exists() and path.read_bytes() != data:
            raise FigureError(
                f"{path} is there and is another one{_why(differs)}; name another folder with --out"
            )
    for path, data in results.items():
        files.write(path, data)
        files.say(path, f"{len(data)} bytes")
    if differs:
        raise FigureError(f"the figure was made, but not with the same bytes{_why(differs)}")
    print("the same bytes as in the manifest")


def _why(differs: list[str]) -> str:
    return f": {'; '.join(differs)}" if differs else ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
