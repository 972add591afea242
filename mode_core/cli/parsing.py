"""Pieces of command lines that several commands share."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

from mode_core.codecs.registry import find_codec
from mode_core.errors import ModeError
from mode_core.types import Anchor, number_in

MOST = 1024
"""Processes, threads or crops in a batch: more is a slip of the finger."""


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
    value = _number(text)
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
    """A count of processes, threads or crops."""
    return _whole(text, 1, MOST)


def positive_up_to(most: int) -> Callable[[str], int]:
    """A count that has a limit of its own."""
    return lambda text: _whole(text, 1, most)


def share(text: str) -> float:
    """A part of a whole."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; give a number from 0 to 1")
    return value


def gpu_share(text: str) -> float:
    """A part of a GPU, in ten-thousandths as Ray counts them."""
    value = share(text)
    if 0 < value < 0.0001:
        raise argparse.ArgumentTypeError(f"{text!r} is too little of a GPU; 0.0001 is the least")
    return value


def seconds(text: str) -> float:
    """A length of time that may be none, an hour at most."""
    value = _number(text)
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no pause; give seconds from 0 to 3600")
    return value


def process(text: str) -> int:
    """The number of a process."""
    return _whole(text, 1, 2**31 - 1)


def quality(text: str) -> int:
    """A codec's own number; which of these it knows is known to the codec."""
    return _whole(text, 0, 255)


def seed(text: str) -> int:
    """What random numbers start from."""
    return _whole(text, 0, 2**63 - 1)


def minutes(text: str) -> float:
    """A length of time that passes."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; give minutes above 0")
    return value


def ray_address(text: str) -> str:
    """Where Ray is: local, or a cluster."""
    if not re.fullmatch(r"local|(ray://)?[\w.-]{1,253}:\d{1,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no address of Ray; give local, HOST:PORT or ray://HOST:PORT"
        )
    return text


def source(text: str) -> Path:
    """A file to read; "-" is what is piped in."""
    return Path("/dev/stdin") if text == "-" else place(text)


def result(text: str) -> Path:
    """A file to write; "-" is what is piped on."""
    return Path("/dev/stdout") if text == "-" else place(text)


def place(text: str) -> Path:
    """A file or folder; no name at all would be the folder that one is in."""
    if not text:
        raise argparse.ArgumentTypeError("'' names no file and no folder")
    return Path(text)


def _number(text: str) -> float:
    try:
        return number_in(text)
    except ValueError:
        return math.nan


def _whole(text: str, least: int, most: int) -> int:
    # its length first: Python refuses to read more than 4,300 digits
    if not re.fullmatch("[0-9]{1,20}", text) or not least <= int(text) <= most:
        shown = repr(text[:40])
        raise argparse.ArgumentTypeError(f"{shown} is not a whole number from {least} to {most}")
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
        help="weights to use: bundled unless given; public, public-nogan of ms-illm, "
        "or a width such as tiny-eight",
    )
