"""How long codecs take on this machine, learnt from the pictures that they have coded here."""

from __future__ import annotations

from collections import defaultdict
from math import log
from threading import Lock

Pairs = dict[str, list[list[float]]]
"""For each maker, pairs of megapixels and seconds."""
_NEW = 0.5
"""Share of the newest time in what is believed: the machine may be busier now than before."""


class Pace:
    """For each maker, the seconds that pictures of some sizes took."""

    def __init__(self) -> None:
        self._known: defaultdict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
        self._lock = Lock()

    def learn(self, maker: str, pixels: int, seconds: float) -> None:
        """A picture of so many pixels took so long; sizes that are nearly the same are one."""
        about = round(log(pixels, 2))
        with self._lock:
            size, before = self._known[maker].get(about, (pixels, seconds))
            rate = _NEW * seconds / pixels + (1 - _NEW) * before / size
            self._known[maker][about] = pixels, rate * pixels

    def seconds(self, maker: str, pixels: int) -> float | None:
        """What a picture will probably take: in proportion to the known one nearest in size."""
        with self._lock:
            known = list(self._known[maker].values()) if maker in self._known else []
        if not known:
            return None
        size, seconds = min(known, key=lambda one: abs(log(one[0] / pixels)))
        return seconds * pixels / size

    def as_json(self) -> Pairs:
        """For a browser: pairs of megapixels and seconds for each maker."""
        with self._lock:
            return {
                maker: [
                    [round(size / 1e6, 4), round(seconds, 3)] for size, seconds in known.values()
                ]
                for maker, known in self._known.items()
            }
