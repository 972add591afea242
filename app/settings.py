"""What an operator may set, all of it by environment variable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mode_core.settings import setting

MEBIBYTE = 1 << 20
_NUMBERS = (
    ("port", "MODE_PORT", 1),
    ("queue_length", "MODE_QUEUE", 1),
    ("cache_bytes", "MODE_CACHE_MB", MEBIBYTE),
    ("upload_bytes", "MODE_UPLOAD_MB", MEBIBYTE),
    ("job_seconds", "MODE_JOB_SECONDS", 1),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits and addresses of one running server."""

    host: str | None = None
    """None leaves it to Gradio: 127.0.0.1, or what the host of a Space prescribes."""
    port: int | None = None
    queue_length: int = 20
    """Comparisons that may wait; the next one is refused with its position."""
    cache_bytes: int = 1024 * MEBIBYTE
    """Pictures and files kept in memory; the least recently used go first."""
    upload_bytes: int = 30 * MEBIBYTE
    job_seconds: float = 180.0
    """A codec that takes longer is stopped, and its pane says so."""

    pictures: Path | None = None
    """A folder whose pictures join the gallery."""

    @classmethod
    def from_environment(cls) -> Settings:
        """The defaults, with MODE_HOST, MODE_PORT, MODE_QUEUE, … in their place where set."""
        given: dict[str, Any] = {}
        for field, name, unit in _NUMBERS:
            if text := setting(name):
                if not text.isdecimal() or int(text) == 0:
                    raise SystemExit(f"{name} is {text!r}; it must be a whole number above 0")
                given[field] = int(text) * unit
        if text := setting("MODE_PICTURES"):
            given["pictures"] = folder = Path(text)
            if not folder.is_dir():
                raise SystemExit(f"MODE_PICTURES is {text!r}; it must be a folder of pictures")
        return cls(setting("MODE_HOST") or None, **given)
