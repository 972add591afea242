"""The metrics of pictures on the page: beside the line, in turns of their own."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from app.server.memory import Memory
from app.server.process import Turn, Wanted
from app.server.runner import Runner
from app.server.snapshot import Comparison
from app.server.store import Decoded, Entry, Opened, Photo
from app.server.together import together
from app.server.turns import Turns
from mode_core.metrics import Measured, measurable


class Measuring:
    """Measures what is not known yet, and remembers it.

    That holds up nobody in the line, since metrics have a helper process of their own; at that
    visitors take turns as well, metric by metric, at as many places as the line has hands.
    """

    def __init__(self, runner: Runner, store: Memory[Entry], metrics: Memory[Measured]) -> None:
        self._runner, self._store, self._metrics = runner, store, metrics
        self._turns = Turns(runner.places * runner.hands)

    def filled(
        self, shown: Comparison, photo: Photo, keys: Sequence[str], visitor: str, wanted: Wanted
    ) -> Generator[Comparison, None, Comparison | None]:
        """With these metrics, picture by picture; None if nobody wants them any more.

        A codec's picture brings the quick ones along; those that were made elsewhere do not.
        """
        pictures = {
            at: one
            for at, slot in enumerate(shown.slots)
            if isinstance(one := self._store.get(slot.key), Decoded | Opened)
        }
        known = {at: shown.slots[at].measured or Measured({}, {}) for at in pictures}
        wishes = [
            (at, name)
            for at, measured in known.items()
            for name in measurable(keys)
            if name not in measured.values and name not in measured.missing
        ]

        def hand(wish: tuple[int, str]) -> Iterator[tuple[int, Measured]]:
            at, name = wish
            yield at, self._measured(photo, pictures[at], name, visitor, wanted)

        hands = self._runner.hands_for(photo.pixels.size // 3)
        for at, more in together([hand] * hands, wishes):
            if not wanted():
                return None
            known[at] = known[at].and_more(more)
            if more.values:
                # a failure may be of this moment: it is not remembered
                self._metrics.put(pictures[at].measured_as, Measured(known[at].values, {}))
            slots = list(shown.slots)
            slots[at] = replace(slots[at], measured=known[at])
            shown = replace(shown, slots=slots)
            yield shown
        return shown if not wishes or wanted() else None

    def _measured(
        self, photo: Photo, one: Decoded | Opened, name: str, visitor: str, wanted: Wanted
    ) -> Measured:
        with self._turns.turn(visitor, wanted, photo.key) as place:
            return self._runner.measure(photo.pixels, one.pixels, [name], Turn(place, wanted))
