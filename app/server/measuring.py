"""The metrics that take longer: beside the line, in turns of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.server.process import Unwanted, Wanted
from app.server.runner import Runner
from app.server.snapshot import Comparison
from app.server.store import Decoded, Entry, Memory, Photo
from app.server.turns import Turns
from mode_core.metrics import SLOW_METRICS, Measured, measurable


class Measuring:
    """Measures what has been coded, and remembers it.

    That holds up nobody in the line, since metrics have a helper process of their own; at that
    visitors take turns as well, picture by picture.
    """

    def __init__(self, runner: Runner, store: Memory[Entry], metrics: Memory[Measured]) -> None:
        self._runner, self._store, self._metrics = runner, store, metrics
        self._turns = Turns()

    def slow(
        self, shown: Comparison, photo: Photo, visitor: str, wanted: Wanted
    ) -> Iterator[Comparison]:
        """Snapshots that fill in with one metric of one picture after the other."""
        slots = list(shown.slots)
        for at, slot in enumerate(slots):
            found = self._store.get(slot.key)
            if not isinstance(found, Decoded):
                continue
            for name in measurable(SLOW_METRICS):
                known = slots[at].measured or Measured({}, {})
                if name in known.values or name in known.missing:
                    continue
                more = self._measured(photo, found, name, visitor, wanted)
                if not wanted():
                    return
                known = known.and_more(more)
                slots[at] = replace(slot, measured=known)
                if more.values:
                    self._metrics.put(slot.key, known)
                yield replace(shown, slots=list(slots))
        yield replace(shown, slots=slots, done=True)

    def _measured(
        self, photo: Photo, found: Decoded, name: str, visitor: str, wanted: Wanted
    ) -> Measured:
        try:
            with self._turns.turn(visitor, wanted):
                return self._runner.measure(photo.pixels, found.picture.image, [name], wanted)
        except Unwanted:
            return Measured({}, {})
