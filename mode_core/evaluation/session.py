"""Ray as a benchmark uses it: started on this machine for one run, or a cluster that is there.

What is started here listens on 127.0.0.1 alone and asks no other host for anything.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

from mode_core.errors import ModeError
from mode_core.evaluation.workers import THREADS

LOCAL = "local"
INSTALL = "Ray is not installed here: pip install -r requirements-cluster.txt"
KEPT = "what was measured is kept: run again with --resume"
_NOBODY = "http://127.0.0.1:9"
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Otherwise a task that asked for no GPU sees all of them, and would draw on the first.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}
_HERE = {
    **_QUIET,
    # Its name says where Ray does so by itself: all of it lives at 127.0.0.1.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Ray asks the addresses of three clouds whether they are there, statistics or not.
    "http_proxy": _NOBODY,
    "https_proxy": _NOBODY,
    "no_proxy": "",
    # Other users of this machine cannot join, and no token is left in the home folder.
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": token_hex(32),
    "OMP_NUM_THREADS": str(THREADS),
}
_STORE_BYTES = 512 * 2**20
"""For the pictures that are on their way; more of them would lie on the disk."""


def environment_here() -> dict[str, str]:
    """What the processes of a Ray that is started here find set."""
    return {**_HERE, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@contextmanager
def joined(address: str, workers: int | None) -> Iterator[Any]:
    """The module `ray`, connected until the end; ModeError where that is not possible."""
    with _environment(environment_here() if address == LOCAL else _QUIET):
        need_ray()
        import ray

        with TemporaryDirectory(
            prefix="mode-ray-", dir=_short(), ignore_cleanup_errors=True
        ) as home:
            try:
                with _interrupts_as_before():
                    _init(ray, address, workers, home)
                yield ray
            except ray.exceptions.RayError as error:
                raise ModeError(f"Ray gave up ({first_line(error)}); {KEPT}") from error
            finally:
                ray.shutdown()


def need_ray() -> None:
    """ModeError unless Ray is installed."""
    if find_spec("ray") is None:
        raise ModeError(INSTALL)


def first_line(error: BaseException) -> str:
    """An error in one line, which Ray's are not."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _init(ray: Any, address: str, workers: int | None, home: str) -> None:
    common = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
    started = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
        "_temp_dir": home,
    }
    try:
        ray.init(**common, **(started if address == LOCAL else {}))
    except Exception as error:  # a node that does not come up in 30 s is a bare one
        if address == LOCAL:
            raise ModeError(f"Ray does not start here: {first_line(error)}") from error
        raise ModeError(
            f"no Ray cluster can be joined at {address} ({first_line(error)}); HOST:PORT is for a "
            "machine that is one of its nodes, ray://HOST:10001 for any other"
        ) from error


def _short() -> str | None:
    """Where names of sockets stay short enough, whatever TMPDIR is."""
    return "/tmp" if Path("/tmp").is_dir() else None


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """What Ray and the processes that it starts find set meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _interrupts_as_before() -> Iterator[None]:
    """Ray takes SIGTERM for itself; whoever had it before has it again."""
    mine = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, before)
