"""The command `load`: how a page of one's own bears a crowd."""

from __future__ import annotations

import argparse
import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tqdm import tqdm

from mode_core.cli import parsing
from mode_core.cli.crowd.memory import Unknown, Watch, page_at
from mode_core.cli.crowd.page import Page, Wish
from mode_core.cli.crowd.pictures import LEAST_SIDE
from mode_core.cli.crowd.report import facts
from mode_core.cli.crowd.run import STOPPED, Crowd, Ended, Plan
from mode_core.cli.crowd.user import Kind
from mode_core.cli.parsing import Commands, command
from mode_core.errors import ModeError
from mode_core.evaluation.tables import text_table

_MOST_USERS = 500
"""The page takes 800 requests at once, and a process has 1024 files: more would test that."""


def add_commands(commands: Commands) -> None:
    """Attach it."""
    parser = command(commands, "load", _load, "let many users ask a page of your own")
    parser.add_argument("--url", default="http://127.0.0.1:7860", help="of the page, %(default)s")
    parser.add_argument(
        "--server-of",
        default="",
        metavar="NAME",
        help="whose server it is, if it is not this machine; ask them first",
    )
    _add_crowd(parser)
    parser.add_argument("--codecs", default="", help="panes, as mode-f,webp; those that open first")
    parser.add_argument("--bpp", type=parsing.bpp, default=0.2, help="rate to aim for, %(default)s")
    parser.add_argument(
        "--size",
        type=_size,
        default=(768, 512),
        metavar="WIDTHxHEIGHT",
        help="of pictures, 768x512",
    )
    parser.add_argument(
        "--pid", type=parsing.process, help="of the page's process, found by the port unless given"
    )
    parser.add_argument("--json", action="store_true", help="instead of the table")


def _add_crowd(parser: argparse.ArgumentParser) -> None:
    """How many, how often, for how long; each with what it is unless given."""

    def add(name: str, kind: Callable[[str], float], usual: float, help: str) -> None:
        parser.add_argument(name, type=kind, default=usual, metavar="N", help=f"{help}, {usual:g}")

    add("--users", parsing.positive_up_to(_MOST_USERS), 50, "how many ask at once")
    add("--rounds", parsing.positive, 3, "questions of each user")
    add("--minutes", parsing.minutes, 10.0, "after which it ends in any case")
    add("--leave", parsing.share, 0.0, "share of questions that are left in mid-job")
    add("--pause", parsing.seconds, 1.0, "seconds between an answer and the next question")
    add("--seed", parsing.seed, 0, "of who leaves and when")
    parser.add_argument(
        "--one-address", action="store_true", help="all users behind one, as in a classroom"
    )


def _load(args: argparse.Namespace) -> None:
    page = _page(args.url, args.server_of)
    plan = Plan(
        args.users, args.rounds, args.minutes,
        Wish(args.bpp, _names(args.codecs)), args.size, args.leave,
        args.pause, page.is_here and not args.one_address, args.seed,
    )  # fmt: skip
    page.check()
    watch, unknown = _watch(page, args.pid)
    with tqdm(total=len(plan.numbers), unit="question", disable=None) as bar:
        crowd = Crowd(page, plan, lambda _: bar.update())
        with _stoppable(crowd):
            ended = crowd.run()
            if watch is not None:
                watch.stop()
            found = _about(args, plan, ended) | facts(ended.outcomes)
            found |= {"memory": _memory(watch, unknown)}
            bar.close()
            print(json.dumps(found, indent=2) if args.json else _table(found), flush=True)
    mixed = found["questions"][Kind.MIXED_UP]
    if mixed:
        raise ModeError(f"{mixed} answers were not of the picture that was sent; that is a fault")
    if ended.why == STOPPED:
        raise KeyboardInterrupt


@contextmanager
def _stoppable(crowd: Crowd) -> Iterator[None]:
    """Ctrl-C, or being asked to end, ends the crowd; what is known is told, however often it comes.

    Nothing but a flag is set: an exception could come anywhere, also in the telling.
    """

    def stop(*_: object) -> None:
        crowd.interrupted = True

    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            # the command ends now, and one that comes late would end it without its last word
            signal.signal(kind, signal.SIG_IGN if crowd.interrupted else handler)


def _names(text: str) -> tuple[str, ...]:
    """Panes with commas between; the page says which it does not know."""
    return tuple(name for one in text.split(",") if (name := one.strip()))


def _page(url: str, server_of: str) -> Page:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or not re.fullmatch("[!-~]+", url) or "@" in url or parts.query or parts.fragment:
        raise ModeError("--url is no address of a page; give one as http://127.0.0.1:7860")
    if not re.fullmatch("[ -~]{0,80}", server_of):
        raise ModeError("--server-of takes up to 80 ASCII characters")
    page = Page(url, server_of)
    if not page.is_here and not server_of:
        raise ModeError(
            f"{parts.hostname} is not this machine; a load test needs its owner's leave, so say "
            "whose server it is with --server-of NAME"
        )
    return page


def _watch(page: Page, pid: int | None) -> tuple[Watch | None, str]:
    """Who looks at the server's memory, or why nobody does."""
    if pid is not None:
        return Watch(pid), ""
    if not page.is_here:
        return None, "the server is on another machine"
    try:
        return Watch(page_at(page.port)), ""
    except Unknown as error:
        return None, str(error)


def _about(args: argparse.Namespace, plan: Plan, ended: Ended) -> dict[str, Any]:
    return {
        "url": args.url,
        "server_of": args.server_of,
        "users": plan.users,
        "rounds": plan.rounds,
        "addresses": "one each" if plan.apart else "one for all",
        "codecs": list(plan.wish.codecs),
        "bpp": plan.wish.bpp,
        "size": list(plan.size),
        "leave": plan.leave,
        "pause": plan.pause_s,
        "seed": plan.seed,
        "took": round(ended.seconds, 1),
        "ended": ended.why,
    }


def _memory(watch: Watch | None, unknown: str) -> dict[str, Any]:
    """Proportional sizes in megabytes."""
    if watch is None:
        return {"unknown": unknown}
    sizes = {"at the start": watch.start, "at most": watch.most, "at the end": watch.end}
    found: dict[str, Any] = {when: round(size / 1e6) for when, size in sizes.items()}
    trouble = {"unknown": watch.trouble} if watch.trouble else {}
    return found | {"processes": watch.processes} | trouble


def _table(found: dict[str, Any]) -> str:
    owner = f", a server of {found['server_of']}" if found["server_of"] else ""
    size, codecs = "x".join(map(str, found["size"])), ", ".join(found["codecs"])
    lines = [
        f"{found['users']} users, {found['rounds']} rounds, addresses: {found['addresses']}; "
        f"{size}, {found['bpp']:g} bpp, {codecs or 'the panes that open first'}",
        f"{found['url']}{owner}: {found['took']} s, {found['ended']}",
    ]
    rows = [("questions", what, str(count)) for what, count in found["questions"].items()]
    waits = found["seconds"] or {"median": "-"}
    rows += [("seconds to an answer", what, str(value)) for what, value in waits.items()]
    memory = found["memory"].items()
    rows += [("memory, MB", what, str(value)) for what, value in memory if what != "processes"]
    rows = [("" if at and rows[at - 1][0] == row[0] else row[0], *row[1:])
            for at, row in enumerate(rows)]  # fmt: skip
    lines += ["", text_table(("what", "", ""), rows)]
    said = [(str(one["count"]), one["kind"], _shown(one["words"])) for one in found["words"]]
    return "\n".join([*lines, *(["", text_table(("times", "how", "words"), said)] * bool(said))])


def _shown(words: str) -> str:
    """What a server said, as one line of a terminal and no more."""
    plain = "".join(one if one.isprintable() else " " for one in words)
    return plain if len(plain) <= 200 else f"{plain[:199]}…"


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch("([0-9]{2,4})x([0-9]{2,4})", text)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(size) < LEAST_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text!r:.40} is no size; give WIDTHxHEIGHT, each from {LEAST_SIDE} to 9999"
        )
    return size
