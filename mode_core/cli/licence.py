"""Licences are shown before anything is fetched, and somebody has to accept them."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from mode_core.errors import ModeError


def accept(terms: Iterable[str], accepted: bool) -> None:
    """Show them; go on only if they are accepted, now or on the command line."""
    for one in terms:
        print(one)
    if accepted:
        return
    if not (sys.stdin and sys.stdin.isatty()):
        raise ModeError("the licence was not accepted; read it and add --accept-licence")
    try:
        answer = input("Accept? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise ModeError("the licence was not accepted; nothing was fetched")
