"""The metrics of pictures on the page: beside the line, in turns of their own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from app.server.memory import Memory
from app.server.process import Turn, Unwanted, Wanted
from app.server.runner import Runner
from app.server.snapshot import Comparison
from app.server.store import Decoded, Entry, Opened, Photo
from app.server.turns import Turns
from mode_core.metrics import Measured, measurable


class Measuring:
    """Measures what is not known yet, and remembers it.

    That holds up nobody in the line, since metrics have a helper process of their own; at that
    visitors take turns as well, picture by picture, at as many places as the line has.
    """

    def __init__(self, runner: Runner, store: Memory[Entry], metrics: Memory[Measured]) -> None:
        self._runner, self._store, self._metrics = runner, store, metrics
        self._turns = Turns(runner.places)

    def filled(
        self, shown: Comparison, photo: Photo, keys: Sequence[str], visitor: str, wanted: Wanted
    ) -> Generator[Comparison, None, Comparison | None]:
        """With these metrics, picture by picture; None if nobody wants them any more.

        A codec's picture brings the quick ones along; those that were made elsewhere do not.
        """
        for at, slot in enumerate(shown.slots):
            one = self._store.get(slot.key)
            if not isinstance(one, Decoded | Opened):
                continue
            known = slot.measured or Measured({}, {})
            for name in measurable(keys):
                if name in known.values or name in known.missing:
                    continue
                more = self._measured(photo, one, name, visitor, wanted)
                if not wanted():
                    return None
                known = known.and_more(more)
                if more.values:
                    # a failure may be of this moment: it is not remembered
                    self._metrics.put(one.measured_as, Measured(known.values, {}))
                slots = list(shown.slots)
                slots[at] = replace(slot, measured=known)
                shown = replace(shown, slots=slots)
                yield shown
        return shown

    def _measured(
        self, photo: Photo, one: Decoded | Opened, name: str, visitor: str, wanted: Wanted
    ) -> Measured:
        try:
            with self._turns.turn(visitor, wanted, photo.key) as place:
                turn = Turn(place, wanted)
                return self._runner.measure(photo.pixels, one.pixels, [name], turn)
        except Unwanted:
            return Measured({}, {})
