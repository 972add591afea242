"""What a server on this machine holds in memory: the page and its helpers, shared parts once.

Linux tells it in /proc; elsewhere, or of somebody else's process, the reason why not is kept.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from mode_core.errors import ModeError

_PROC = Path("/proc")
_EVERY_S = 2.0
_LISTENS = "0A"


class Unknown(ModeError):
    """Why nobody can say what a server holds."""


def page_at(port: int) -> int:
    """The process that listens at a port of this machine, the first of those who share it."""
    if not _PROC.is_dir():
        raise Unknown("this system has no /proc")
    sockets = {f"socket:[{inode}]" for name in ("tcp", "tcp6") for inode in _inodes(name, port)}
    holders = {int(link.parts[2]) for link in _PROC.glob("[0-9]*/fd/*") if _target(link) in sockets}
    parents = _parents()
    first = [pid for pid in sorted(holders) if parents.get(pid) not in holders]
    if not first:
        raise Unknown(f"no process that may be looked at listens at port {port}; name it: --pid")
    return first[0]


def held_by(pid: int) -> tuple[int, int]:
    """Bytes of a process and all that it started, each page divided by its users; how many."""
    parents = _parents()
    family = {pid}
    while more := {one for one, parent in parents.items() if parent in family} - family:
        family |= more
    own = _proportional(pid)
    others = [_proportional(one, may_be_gone=True) for one in sorted(family - {pid})]
    return own + sum(others), len(family)


class Watch:
    """Looks every two seconds, in a thread of its own, until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self._pid, self._stopped = pid, Event()
        self.start, self.processes = held_by(pid)
        self.most = self.end = self.start
        self.trouble = ""
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """A last look, unless the process is gone."""
        self._stopped.set()
        self._thread.join()
        self._note()

    def _look(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            self._note()

    def _note(self) -> None:
        try:
            self.end, count = held_by(self._pid)
        except Unknown as error:
            self.trouble = str(error)
            return
        self.most, self.processes = max(self.most, self.end), max(self.processes, count)


def _inodes(name: str, port: int) -> set[str]:
    """The sockets that listen at a port, as the kernel numbers them."""
    found = set()
    with suppress(OSError):
        for line in (_PROC / "net" / name).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _target(link: Path) -> str:
    with suppress(OSError):
        return os.readlink(link)
    return ""


def _parents() -> dict[int, int]:
    """Who started each process."""
    found = {}
    for file in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            # the name in brackets may hold anything
            after = file.read_text(errors="replace").rpartition(")")[2].split()
            found[int(file.parts[2])] = int(after[1])
    return found


def _proportional(pid: int, may_be_gone: bool = False) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError as error:
        if may_be_gone and not (_PROC / str(pid)).exists():
            return 0
        raise Unknown(f"process {pid} cannot be looked at ({error.strerror})") from error
    kilobytes = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
    return 1024 * int(kilobytes[1]) if kilobytes else 0
