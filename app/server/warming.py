"""Before the first visitor: everything is loaded, and it is learnt what pictures take here."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from time import sleep

from app.server.queue import ITSELF, Busy
from app.server.service import Service

_IDLE_S = 0.5
"""Seconds between two looks at whether the line is empty."""


def warm(service: Service) -> None:
    """Load everything, then rehearse while nobody asks for anything."""
    line, runner = service.line, service.runner
    runner.warm()
    for job in runner.rehearsals():
        while line.is_busy:
            sleep(_IDLE_S)
        seconds = runner.pace.seconds_of(job) or 0.0
        with suppress(Busy):
            list(line.join(partial(runner.run, [job]), ITSELF, seconds))
