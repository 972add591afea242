"""Pieces of command lines that several commands share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from mode_core.codecs.registry import find_codec
from mode_core.errors import ModeError
from mode_core.types import Anchor


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong command line is one line and status 1, as every other mistake."""

    def error(self, message: str) -> NoReturn:
        """Raise the message, with where to read on."""
        raise ModeError(f"{message}; see {self.prog} --help")


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
Run: TypeAlias = "Callable[[argparse.Namespace], None]"


def command(commands: Commands, name: str, run: Run, help: str) -> Parser:
    """A new command, which its arguments are still to be added to."""
    parser = commands.add_parser(name, help=help)
    parser.set_defaults(run=run)
    return parser


def bpp(text: str) -> float:
    """A rate that can be aimed for."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 24:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a rate; give bits per pixel above 0, at most 24"
        )
    return value


def bpp_list(text: str) -> list[float]:
    """Several rates with commas between, each once, rising."""
    return sorted({bpp(part) for part in text.split(",")})


def anchor_list(text: str) -> list[Anchor]:
    """Several anchors with commas between."""
    try:
        return [Anchor.parse(part.strip()) for part in text.split(",")]
    except ModeError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """A count of at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def device(text: str) -> str:
    """A device that networks are trained on; `train` checks later whether it is here."""
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; give cpu, cuda or cuda:N")
    return text


def sha256(text: str) -> str:
    """A SHA-256 as tools print it, in small letters."""
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a SHA-256; give its 64 hex digits")
    return text.lower()


def codec_list(text: str) -> list[str]:
    """Several codecs with commas between, each once; UnknownCodec for an unknown name."""
    return list(dict.fromkeys(find_codec(part.strip()).id for part in text.split(",")))


def add_profile(parser: argparse.ArgumentParser) -> None:
    """The choice between bundled and public weights."""
    parser.add_argument(
        "--profile",
        default="",
        help="weights to use: bundled unless given; public, or public-nogan of ms-illm",
    )
