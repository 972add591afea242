"""What the page and the API can ask for, as plain functions over memory: no Gradio, no torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from app.panes.names import ORIGINAL, all_panes, default_panes, pane_id, parse_pane
from app.panes.weights import info_of, parts_of
from app.server.jobs import Job, Outcome, anchor_of
from app.server.queue import Line, Newest, Question
from app.server.runner import Runner
from app.server.samples import gallery, sample_path
from app.server.snapshot import Comparison, Slot
from app.server.store import (
    Decoded,
    Entry,
    Memory,
    Photo,
    StoredFile,
    recon_key,
    secret_key,
    size_of,
)
from app.settings import Settings
from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError
from mode_core.metrics import BENCH_METRICS, Measured
from mode_core.pictures.files import Picture, load_picture
from mode_core.stream.container import Bitstream
from mode_core.types import Reconstruction

MAX_PANES = 12
MIN_BPP, MAX_BPP = 0.001, 8.0
ANYONE = Question()
_KEPT_METRICS = 4096


class Expired(ModeError):
    """The picture or file has left the server's memory."""


class BadRequest(ModeError):
    """The request asks for something that does not exist."""


class Service:
    """One server's memory, its waiting line, and everything that can be asked of it."""

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self.settings, self.runner = settings, runner
        self.gallery = gallery(settings.pictures)
        self.store: Memory[Entry] = Memory(settings.cache_bytes, size_of)
        self.metrics: Memory[Measured] = Memory(_KEPT_METRICS)
        self.line = Line(settings.queue_length)
        self.newest = Newest(pages=10 * settings.queue_length)

    # Pictures and files come in

    def add_photo(self, data: bytes) -> Photo:
        """The canonical picture of an uploaded file, kept in memory."""
        check_size(len(data), self.settings.upload_bytes)
        picture = load_picture(data)
        key = secret_key("photo", str(picture.pixels.shape), picture.pixels.tobytes())
        return self._keep_photo(key, picture)

    def photo(self, id: str) -> Photo:
        """A photograph of the gallery by its name, or an uploaded one by its key."""
        sample = self.gallery.get(id)
        key = secret_key("sample", id) if sample else id
        found = self.store.get(key)
        if isinstance(found, Photo):
            return found
        if sample is None:
            raise Expired(
                "this picture is not in the server's memory (any more); open the file again"
            )
        path = sample_path(sample)
        if path is None or not path.is_file():
            raise Expired(
                f"the photograph {sample.title} is missing on this server; choose another"
            )
        return self._keep_photo(key, load_picture(path.read_bytes()))

    def add_file(self, data: bytes) -> StoredFile:
        """An uploaded `.mode` file; BitstreamError unless it is one."""
        check_size(len(data), self.settings.upload_bytes)
        file = StoredFile(secret_key("file", data), data, Bitstream.from_bytes(data))
        self.store.put(file.key, file)
        return file

    def _keep_photo(self, key: str, picture: Picture) -> Photo:
        photo = Photo.of(key, picture)
        self.store.put(key, photo)
        return photo

    # Comparing

    def compare(
        self, picture: str, panes: Sequence[str], bpp: float, question: Question = ANYONE
    ) -> Iterator[Comparison]:
        """Snapshots of a comparison as it fills in; a newer question of its page ends it."""
        wanted = self.newest.take(question)
        note = ""
        if not panes:
            panes, note = default_panes()
        check_request(panes, bpp)
        photo = self.photo(picture)
        slots = [self._slot(photo, pane_id(*parse_pane(id)), bpp) for id in panes]
        shown = Comparison(picture, photo, bpp, slots, note)
        yield shown
        if not wanted:
            return
        coded = yield from self._coded(shown, photo, question)
        if coded is not None:
            yield from self._measured(coded, photo, question)

    def open_file(self, key: str, anchors: Sequence[str] = ()) -> Iterator[Comparison]:
        """The pictures in an uploaded file; there is no original to measure them against."""
        stored = self.store.get(key)
        if not isinstance(stored, StoredFile):
            raise Expired("this file is not in the server's memory (any more); open it again")
        ticket = self.line.join(lambda: iter([self.runner.open_file(stored, anchors)]))
        for kind, value in ticket:
            if kind == "waiting":
                yield Comparison(key, None, 0.0, [], position=value)
                continue
            if value.error:
                raise BadRequest(value.error)
            made = [self._keep(picture) for picture in value.pictures]
            slots = [Slot.of(one) for one in made]
            size = stored.bitstream.width, stored.bitstream.height
            yield Comparison(key, None, made[0].picture.bpp, slots, done=True, size=size)

    def _coded(
        self, shown: Comparison, photo: Photo, question: Question
    ) -> Generator[Comparison, None, Comparison | None]:
        """Wait in the line, then fill in pane after pane; None if nobody wants the rest."""
        waiting = [slot.id for slot in shown.slots if slot.state == "waiting"]
        jobs = jobs_for(photo, waiting, shown.bpp)
        if not jobs:
            return shown
        ticket = self.line.join(lambda: self._run(photo, jobs))
        self.newest.take(question, ticket)
        for kind, value in ticket:
            if kind == "waiting":
                yield replace(shown, position=value)
            else:
                shown = self._fill(shown, photo, value)
                yield shown
        return None if ticket.cancelled else shown

    def _run(self, photo: Photo, jobs: Sequence[Job]) -> Iterator[Outcome]:
        missing = []
        for job in jobs:
            # Someone before us in the line may have asked for the same.
            if all(self._kept(photo, job.codec, anchor, job.bpp) for anchor in job.anchors):
                yield Outcome(job.codec)
            else:
                missing.append(replace(job, file=self._file_of(photo, job)))
        yield from self.runner.run(missing)

    def _file_of(self, photo: Photo, job: Job) -> StoredFile | None:
        """The file that another anchor of the codec was decoded from, to encode only once."""
        for anchor in info_of(job.codec).outputs:
            if found := self._kept(photo, job.codec, str(anchor or ""), job.bpp):
                return StoredFile("", found.picture.file, found.picture.bitstream)
        return None

    def _fill(self, shown: Comparison, photo: Photo, outcome: Outcome) -> Comparison:
        made = {one.anchor: self._keep(one, photo.key, shown.bpp) for one in outcome.pictures}
        slots = []
        for slot in shown.slots:
            anchor = anchor_of(slot.anchor)
            if slot.state != "waiting" or slot.codec != outcome.codec:
                slots.append(slot)
            elif outcome.error:
                slots.append(replace(slot, error=outcome.error))
            elif anchor in made:
                slots.append(Slot.of(made[anchor], slot.id))
            else:
                slots.append(self._slot(photo, slot.id, shown.bpp))
        return replace(shown, slots=slots, position=None)

    def _measured(
        self, shown: Comparison, photo: Photo, question: Question
    ) -> Iterator[Comparison]:
        slots = list(shown.slots)
        for at, slot in enumerate(slots):
            if not self.newest.is_wanted(question):
                return
            found = self.store.get(slot.key)
            if slot.measured or not isinstance(found, Decoded):
                continue
            measured = self.runner.measure(photo.pixels, found.picture.image, BENCH_METRICS)
            self.metrics.put(slot.key, measured)
            slots[at] = replace(slot, measured=measured)
            yield replace(shown, slots=slots)
        yield replace(shown, slots=slots, done=True)

    # Remembering

    def decoded(self, photo: Photo, keys: Sequence[str]) -> list[Decoded]:
        """Those of these pictures that are in memory and were made from this photo."""
        found = [self.store.get(key) for key in keys]
        return [one for one in found if isinstance(one, Decoded) and one.photo == photo.key]

    def measured(self, key: str) -> Mapping[str, float]:
        """The metrics of a picture as far as they are known."""
        found = self.metrics.get(key)
        return found.values if found else {}

    def _keep(self, picture: Reconstruction, photo: str = "", bpp: float = 0.0) -> Decoded:
        decoded = Decoded.of(picture, photo, bpp)
        self.store.put(decoded.key, decoded)
        return decoded

    def _kept(self, photo: Photo, maker: str, anchor: str, bpp: float) -> Decoded | None:
        found = self.store.get(recon_key(photo.key, maker, anchor_of(anchor), bpp))
        return found if isinstance(found, Decoded) else None

    def _slot(self, photo: Photo, id: str, bpp: float) -> Slot:
        if id == ORIGINAL:
            return Slot.of(photo)
        found = self._kept(photo, *parse_pane(id), bpp)
        return Slot.of(found, id, self.metrics.get(found.key)) if found else Slot(id)


def jobs_for(photo: Photo, panes: Sequence[str], bpp: float) -> list[Job]:
    """One job per codec, in the order of the panes: a file is encoded once for all its anchors."""
    anchors: dict[str, list[str]] = {}
    for id in panes:
        codec, anchor = parse_pane(id)
        anchors.setdefault(codec, []).append(anchor)
    return [Job(codec, tuple(some), bpp, photo.pixels) for codec, some in anchors.items()]


def check_size(size: int, limit: int) -> None:
    """BadRequest for a file of more bytes than are taken."""
    if size > limit:
        raise BadRequest(f"the file has more than {limit >> 20} MB, which is the limit here")


def check_request(panes: Sequence[str], bpp: float) -> None:
    """ModeError unless every pane can exist and the rate is one that pictures have."""
    if len(panes) > MAX_PANES:
        raise BadRequest(f"{len(panes)} panes were asked for; {MAX_PANES} is the most")
    if not (isfinite(bpp) and MIN_BPP <= bpp <= MAX_BPP):
        raise BadRequest(f"the rate is {bpp:g} bpp; it must lie between {MIN_BPP} and {MAX_BPP:g}")
    for id in panes:
        if id != ORIGINAL and not _can_be(id):
            raise BadRequest(f"there is no pane {id!r:.50}; choose from {', '.join(all_panes())}")


def _can_be(pane: str) -> bool:
    """Whether a pane names a codec, and an anchor where that has several; or UnknownAnchor."""
    codec, anchor = parse_pane(pane)
    if parts_of(codec)[0] not in CODECS or codec.endswith("."):
        return False
    anchor_of(anchor)
    return (None in info_of(codec).outputs) != bool(anchor)
