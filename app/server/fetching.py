"""Public weights that the operator wants here, fetched in the background, one set after the other.

Each is fetched and converted by a process of its own, `python -m app.server.fetching CODEC
QUALITY`: the page's never loads torch, and whatever becomes of that one, the page says so.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Collection, Iterable
from threading import Thread
from typing import NamedTuple, TextIO

from app.server.process import start_child
from mode_core.codecs.catalogue import chosen, made_from
from mode_core.codecs.registry import find_codec
from mode_core.errors import ModeError
from mode_core.settings import for_visitors
from mode_core.types import Published

ALL = "all"
_LOG = logging.getLogger("mode.app")
_NICE = 10
_ADDRESS = re.compile(r"[a-z]+://([^/\s:]+)[^\s)]*")
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


class State(NamedTuple):
    """How far a set is: waiting, refused, fetching, failed or here; the sentence is for anybody."""

    what: str
    state: str
    sentence: str


_states: dict[str, State] = {}


def states() -> list[State]:
    """All sets that the operator wants here, in that order."""
    return list(_states.values())


def start(wanted: Iterable[Published], accepted: Collection[str]) -> Thread:
    """Begin with the sets whose codec's licence is accepted; the thread ends when all are done."""
    _states.clear()
    missing = []
    for one in wanted:
        if made_from(one):
            _note(one, "here", "is here")
        elif one.codec in accepted or ALL in accepted:
            _note(one, "waiting", "will be fetched")
            missing.append(one)
        else:
            _refuse(one)
    thread = Thread(target=_fetch_all, args=(missing,), name="fetch", daemon=True)
    thread.start()
    return thread


def _note(one: Published, state: str, sentence: str) -> None:
    _states[one.name] = State(f"{find_codec(one.codec).title} {one.quality}", state, sentence)


def _refuse(one: Published) -> None:
    _note(one, "refused", f"is not fetched, since its licence ({one.licence}) was not accepted")
    _LOG.warning(
        "%s is not fetched: read its licence (%s), then add %s to MODE_ACCEPT_LICENCE",
        one.name, one.licence, one.codec,
    )  # fmt: skip


def _fail(one: Published, told: str, brief: str) -> None:
    brief = _HASH.sub(r"\1…", _ADDRESS.sub(r"\1", for_visitors(brief)))
    _note(one, "failed", f"could not be fetched ({brief})")
    _LOG.warning("%s could not be fetched: %s", one.name, told)


def _fetch_all(missing: Iterable[Published]) -> None:
    for one in missing:
        _note(one, "fetching", "is being fetched")
        try:
            _fetch(one)
        except (OSError, ValueError, TypeError, LookupError) as error:
            _fail(one, str(error), "the server could not start or understand its own program")


def _fetch(one: Published) -> None:
    """Follow the process that does the work: what it says, and how it ends."""
    failed = False
    with start_child("app.server.fetching", one.codec, one.quality) as child:
        for line in child.stdout or ():
            kind, *texts = json.loads(line)
            if kind == "failed":
                failed = True
                _fail(one, *texts)
            else:
                _LOG.info("%s: %s", one.name, texts[0])
    if made_from(one):
        _note(one, "here", "is here")
        _LOG.info("%s is here", one.name)
    elif not failed:
        # killed for its memory, say
        how = "its process stopped in the middle; the next start goes on"
        _fail(one, f"{how} (status {child.returncode})", how)


# What follows runs in that process.


def _work(answers: TextIO, codec: str, quality: str) -> None:
    from mode_core.checkpoints.obtain import Unobtainable, obtain

    def tell(*words: str) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    (one,) = chosen(codec, quality)
    try:
        obtain(one, lambda sentence: tell("said", sentence), lambda *_: None)
    except Unobtainable as error:
        tell("failed", str(error), error.brief)
    except ModeError as error:
        tell("failed", str(error), str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        tell("failed", f"{where}{error.strerror or error}", error.strerror or "the disk")


def _end_with_parent() -> None:
    """The page holds the other end of this pipe as long as it lives."""
    # not by way of sys.stdin: a thread that waits in it breaks the end of the interpreter
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    _answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    Thread(target=_end_with_parent, daemon=True).start()
    _work(_answers, *sys.argv[1:])
