"""The metrics of pictures on the page: beside the line, in turns of their own."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Event

from app.server.memory import Memory
from app.server.process import Turn, Wanted
from app.server.runner import Runner
from app.server.snapshot import Comparison
from app.server.store import Decoded, Entry, Opened, Photo
from app.server.together import Hand, together
from app.server.turns import Turns
from mode_core.metrics import Measured, measurable


class Measuring:
    """Measures what is not known yet, and remembers it.

    Metrics have a helper process of their own, at which visitors take turns as well, metric by
    metric, at as many places as the line has. A process for codecs that has nothing to do helps.
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

        over = Event()
        hands = self._hands(photo, pictures, visitor, lambda: wanted() and not over.is_set())
        try:
            for at, more in together(hands, wishes):
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
        finally:
            over.set()  # for the hands: who closes this is the page's own loop, which cannot wait
        return shown if not wishes or wanted() else None

    def _hands(
        self,
        photo: Photo,
        pictures: Mapping[int, Decoded | Opened],
        visitor: str,
        wanted: Wanted,
    ) -> list[Hand[tuple[int, str], tuple[int, Measured]]]:
        """Who measures one metric of the picture in a pane: the second one while it is idle."""

        def in_turn(wish: tuple[int, str]) -> Iterator[tuple[int, Measured]]:
            at, name = wish
            with self._turns.turn(visitor, wanted, photo.key) as place:
                turn = Turn(place, wanted)
                yield at, self._runner.measure(photo.pixels, pictures[at].pixels, [name], turn)

        def aside(wish: tuple[int, str]) -> Iterator[tuple[int, Measured]]:
            at, name = wish
            pair = photo.pixels, pictures[at].pixels
            yield at, self._runner.help_measure(*pair, [name], wanted)

        helps = self._runner.hands_for(photo.pixels.size // 3) > 1
        return [Hand(in_turn), *([Hand(aside, self._runner.can_help)] if helps else [])]
