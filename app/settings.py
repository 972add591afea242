"""What an operator may set, all of it by environment variable."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mode_core.checkpoints.obtain import mirror
from mode_core.codecs.catalogue import LICENCES, chosen
from mode_core.errors import ModeError
from mode_core.settings import setting
from mode_core.types import Published
from mode_core.weights.sets import PUBLIC

MEBIBYTE = 1 << 20
_NUMBERS = (
    ("port", "MODE_PORT", 1),
    ("queue_length", "MODE_QUEUE", 1),
    ("workers", "MODE_WORKERS", 1),
    ("cache_bytes", "MODE_CACHE_MB", MEBIBYTE),
    ("upload_bytes", "MODE_UPLOAD_MB", MEBIBYTE),
    ("job_seconds", "MODE_JOB_SECONDS", 1),
    ("read_seconds", "MODE_READ_SECONDS", 1),
)

_MOST_WORKERS = 64
_SPACE_FRAMES = "'self' https://huggingface.co https://*.hf.space"


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits and addresses of one running server."""

    host: str | None = None
    """None leaves it to Gradio: 127.0.0.1, or what the host of a Space prescribes."""
    port: int | None = None
    queue_length: int = 20
    """Comparisons that may wait; the next one is refused with its position."""
    workers: int = 0
    """Comparisons that are worked on at once, each in a process of its own; 0 is one a GPU."""
    cache_bytes: int = 1024 * MEBIBYTE
    """Pictures and files kept in memory; the least recently used go first."""
    upload_bytes: int = 30 * MEBIBYTE
    job_seconds: float = 180.0
    """A codec that takes longer is stopped, and its pane says so."""
    read_seconds: float = 15.0
    """A picture or CSV of a visitor that takes longer to read is given up with a sentence."""
    frames: str = "'self'"
    """Whose pages may show this one in a frame, as Content-Security-Policy has it."""

    fetch: tuple[Published, ...] = ()
    """Public weights that are fetched in the background."""
    accepted: frozenset[str] = frozenset()
    """The codecs whose weights' licences the operator accepts; "all" stands for every one."""
    profile: str = ""
    """Whose weights a fresh page shows where both are here: "" for ours, or the authors'."""

    @property
    def incoming_bytes(self) -> int:
        """Memory for what is on its way in, and as much for uploads of the API."""
        return max(256 * MEBIBYTE, 8 * self.upload_bytes)

    @property
    def zip_bytes(self) -> int:
        """The most that pictures which come together may have, in a zip and unpacked."""
        return 4 * self.upload_bytes

    pictures: Path | None = None
    """A folder whose pictures join the gallery."""
    votes: Path | None = None
    """A folder that takes the answers of blind tests; without one they stay with their raters."""

    @classmethod
    def from_environment(cls) -> Settings:
        """The defaults, with MODE_HOST, MODE_PORT, MODE_QUEUE, … in their place where set."""
        given: dict[str, Any] = {}
        for field, name, unit in _NUMBERS:
            if text := setting(name):
                if not text.isdecimal() or int(text) == 0:
                    raise SystemExit(f"{name} is {text!r}; it must be a whole number above 0")
                given[field] = int(text) * unit
        if (workers := given.get("workers", 0)) > _MOST_WORKERS:
            raise SystemExit(f"MODE_WORKERS is {workers}; it may be {_MOST_WORKERS} at most")
        if text := setting("MODE_PICTURES"):
            given["pictures"] = folder = Path(text)
            if not folder.is_dir():
                raise SystemExit(f"MODE_PICTURES is {text!r}; it must be a folder of pictures")
        if text := setting("MODE_VOTES"):
            given["votes"] = folder = Path(text)
            if not (folder.is_dir() and os.access(folder, os.W_OK)):
                raise SystemExit(f"MODE_VOTES is {text!r}; it must be a folder to write to")
        given |= {"fetch": _fetch(), "accepted": _accepted()}
        if (profile := setting("MODE_PROFILE")) not in ("", PUBLIC):
            raise SystemExit(f"MODE_PROFILE is {profile!r}; it must be {PUBLIC}, or not be set")
        return cls(setting("MODE_HOST") or None, **given, frames=_frames(), profile=profile)


def _fetch() -> tuple[Published, ...]:
    found: list[Published] = []
    try:
        mirror()
        for text in _names("MODE_FETCH"):
            codec, colon, quality = text.partition(":")
            if not colon and text != "all":
                raise ModeError(f"{text!r} is not like elic:0150 or ms-illm:1-6")
            found += chosen(codec, quality if colon else "all")
    except ModeError as error:
        raise SystemExit(
            f"MODE_FETCH is {setting('MODE_FETCH')!r}, and it cannot be done: {error}"
        ) from error
    return tuple(dict.fromkeys(found))


def _accepted() -> frozenset[str]:
    given, known = frozenset(_names("MODE_ACCEPT_LICENCE")), {"all", *LICENCES}
    if not given <= known:
        raise SystemExit(
            f"MODE_ACCEPT_LICENCE is {setting('MODE_ACCEPT_LICENCE')!r}; it must be some of "
            f"{', '.join(sorted(known))}"
        )
    return given


def _names(variable: str) -> list[str]:
    return [text.strip() for text in setting(variable).split(",") if text.strip()]


def _frames() -> str:
    given = setting("MODE_FRAMES") or (_SPACE_FRAMES if setting("SPACE_ID") else "'self'")
    if not re.fullmatch(r"[\w*.:/'\[\]-]+( [\w*.:/'\[\]-]+)*", given, re.ASCII):
        raise SystemExit(
            f"MODE_FRAMES is {given!r}; it must be like \"'self' https://example.com\""
        )
    return given
