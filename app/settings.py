"""What an operator may set, all of it by environment variable."""

from __future__ import annotations

from dataclasses import dataclass

from mode_core.settings import setting

MEBIBYTE = 1 << 20


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

    @classmethod
    def from_environment(cls) -> Settings:
        """The defaults, with MODE_HOST, MODE_PORT, MODE_QUEUE, … in their place where set."""
        port = setting("MODE_PORT")
        return cls(
            host=setting("MODE_HOST") or None,
            port=_whole("MODE_PORT", 0) if port else None,
            queue_length=_whole("MODE_QUEUE", 20),
            cache_bytes=_whole("MODE_CACHE_MB", 1024) * MEBIBYTE,
            upload_bytes=_whole("MODE_UPLOAD_MB", 30) * MEBIBYTE,
            job_seconds=float(_whole("MODE_JOB_SECONDS", 180)),
        )


def _whole(name: str, default: int) -> int:
    text = setting(name)
    if not text:
        return default
    if not text.isdecimal() or int(text) == 0:
        raise SystemExit(f"{name} is {text!r}; it must be a whole number above 0")
    return int(text)
