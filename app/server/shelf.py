"""Decoded pictures as panes: kept as they come, found again, and put into a comparison."""

from __future__ import annotations

from dataclasses import replace

from app.panes.names import ORIGINAL, opened_key, own_rate, pane_id, parse_pane, rate_of
from app.panes.weights import info_of
from app.server import demands
from app.server.jobs import Job, Outcome, anchor_of
from app.server.memory import Memory
from app.server.snapshot import Comparison, Slot
from app.server.store import Decoded, Entry, Photo, StoredFile, recon_key
from mode_core.metrics import Measured
from mode_core.types import Reconstruction


class Shelf:
    """What the memory holds of panes; each is told apart by what it was made from, and how."""

    def __init__(self, store: Memory[Entry], metrics: Memory[Measured]) -> None:
        self._store, self._metrics = store, metrics

    def pane(self, photo: Photo, id: str, bpp: float) -> Slot:
        """What is known of a pane of this photo, where `bpp` is the common rate."""
        if id == ORIGINAL:
            return Slot.of(photo)
        if key := opened_key(id):
            one = demands.check_opened(self._store.get(key), photo)
            if isinstance(one, str):
                return Slot(id, error=one)
            return Slot.of(one, id, self._metrics.get(one.measured_as), bpp)
        return self.slot(photo.key, pane_id(*parse_pane(id), own_rate(id)), rate_of(id, bpp))

    def slot(self, source: str, id: str, bpp: float) -> Slot:
        """What is known of a pane that is decoded here, from a photo or from a file."""
        found = self.kept(source, *parse_pane(id), bpp)
        if found is None:
            return Slot(id, target=bpp)
        return Slot.of(found, id, self._metrics.get(found.key), bpp)

    def kept(self, source: str, maker: str, anchor: str, bpp: float) -> Decoded | None:
        """The picture that was made so, if it is still here."""
        found = self._store.get(recon_key(source, maker, anchor_of(anchor), bpp))
        return found if isinstance(found, Decoded) else None

    def keep(
        self,
        picture: Reconstruction,
        timing: str,
        visitor: str,
        photo: str = "",
        bpp: float = 0.0,
    ) -> Decoded:
        """The picture, from now on in memory, on the account of who has asked for it."""
        decoded = Decoded.of(picture, photo, bpp, timing)
        self._store.put(decoded.key, decoded, visitor)
        return decoded

    def file_of(self, photo: Photo, job: Job) -> StoredFile | None:
        """The file that another anchor of the codec was decoded from, to encode only once."""
        for anchor in info_of(job.codec).outputs:
            if found := self.kept(photo.key, job.codec, str(anchor or ""), job.bpp):
                return StoredFile("", found.picture.file, found.picture.bitstream)
        return None

    def filled(self, shown: Comparison, photo: Photo, outcome: Outcome, visitor: str) -> Comparison:
        """The comparison with what became of a job in the panes that waited for it."""
        made = {}
        for at, one in enumerate(outcome.pictures):
            decoded = self.keep(one, outcome.timing, visitor, photo.key, outcome.bpp)
            made[one.anchor] = decoded
            if at < len(outcome.measured) and self._metrics.get(decoded.key) is None:
                self._metrics.put(decoded.key, outcome.measured[at])
        slots = []
        for slot in shown.slots:
            if slot.state != "waiting" or slot.file != (outcome.codec, outcome.bpp):
                slots.append(slot)
            elif outcome.error:
                slots.append(replace(slot, error=outcome.error))
            elif found := made.get(anchor_of(slot.anchor)):
                known = self._metrics.get(found.key)
                slots.append(Slot.of(found, slot.id, known, slot.target))
            else:
                slots.append(self.slot(photo.key, slot.id, slot.target))
        return replace(shown, slots=slots, ahead=None)
