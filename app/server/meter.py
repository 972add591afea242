"""The metrics of pictures on the page, one after the other, each told as soon as it is known."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from app.server.process import Wanted
from app.server.runner import Runner
from app.server.snapshot import Comparison
from app.server.store import Decoded, Entry, Memory, Opened, Photo
from mode_core.metrics import Measured, measurable


class Meter:
    """Measures what is not known yet; a helper process does the work."""

    def __init__(self, runner: Runner, store: Memory[Entry], metrics: Memory[Measured]) -> None:
        self.runner, self.store, self.metrics = runner, store, metrics

    def filled(
        self, shown: Comparison, photo: Photo, wanted: Wanted, keys: Sequence[str]
    ) -> Generator[Comparison, None, Comparison | None]:
        """With these metrics, picture by picture; None if nobody wants them any more.

        A codec's picture brings the quick ones along; those that were made elsewhere do not.
        """
        for at, slot in enumerate(shown.slots):
            one = self.store.get(slot.key)
            if not isinstance(one, Decoded | Opened):
                continue
            known = slot.measured or Measured({}, {})
            for name in measurable(keys):
                if name in known.values or name in known.missing:
                    continue
                more = self.runner.measure(photo.pixels, one.pixels, [name], wanted)
                if not wanted():
                    return None
                known = known.and_more(more)
                if more.values:
                    self.metrics.put(one.measured_as, known)
                slots = list(shown.slots)
                slots[at] = replace(slot, measured=known)
                shown = replace(shown, slots=slots)
                yield shown
        return shown
