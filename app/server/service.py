"""What the page and the API can ask for, as plain functions over memory: no Gradio, no torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from app.panes.names import as_written, default_panes, pane_id
from app.panes.weights import info_of, maker_of
from app.server import demands
from app.server.jobs import Begun, Job, Outcome, anchor_of, jobs_for
from app.server.measuring import Measuring
from app.server.memory import Memory
from app.server.process import Turn, Wanted, always
from app.server.queue import ANYONE, Line, Newest, Question
from app.server.reader import read_part
from app.server.runner import Runner
from app.server.samples import gallery, sample_path
from app.server.shelf import Shelf
from app.server.snapshot import Comparison, Slot
from app.server.store import Decoded, Entry, Opened, Photo, StoredFile, secret_key, size_of
from app.settings import Settings
from mode_core.metrics import QUICK_METRICS, SLOW_METRICS, Measured
from mode_core.pictures.files import load_picture
from mode_core.stream.container import Bitstream

_SOON_S = 10.0
"""Nobody is asked about a picture that this server codes within so many seconds."""
_TWO_HANDS = 1.5
"""How much sooner two processes are done with a comparison than one."""
_KEPT_METRICS = 4096


class Service:
    """One server's memory, its waiting line, and everything that can be asked of it."""

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self.settings, self.runner = settings, runner
        self.gallery = gallery(settings.pictures)
        self.store: Memory[Entry] = Memory(settings.cache_bytes, size_of)
        self.metrics: Memory[Measured] = Memory(_KEPT_METRICS)
        self.line = Line(settings.queue_length, runner.places)
        self.newest = Newest(pages=10 * settings.queue_length)
        self._shelf = Shelf(self.store, self.metrics)
        self._measuring = Measuring(runner, self.store, self.metrics)

    @property
    def most_at_once(self) -> int:
        """Questions that may be open: some wait, one is coded at each place, some are measured."""
        return 2 * self.settings.queue_length + self.runner.places - 1

    # Pictures and files come in

    def add_photo(self, data: bytes, visitor: str = "", wanted: Wanted = always) -> Photo:
        """The canonical picture of an uploaded file, kept in memory."""
        demands.check_size(len(data), self.settings.upload_bytes)
        read = self.runner.reader.photo(data, visitor, wanted)
        return self._keep_photo(replace(read, key=secret_key("photo", read.key)), visitor)

    def photo(self, id: str) -> Photo:
        """A photograph of the gallery by its name, or an uploaded one by its key."""
        sample = self.gallery.get(id)
        key = secret_key("sample", id) if sample else id
        found = self.store.get(key)
        if isinstance(found, Photo):
            return found
        if sample is None:
            raise demands.Expired(demands.PICTURE_GONE)
        path = sample_path(sample)
        if path is None or not path.is_file():
            raise demands.Expired(f"the photograph {sample.title} is missing here; choose another")
        return self._keep_photo(Photo.of(key, load_picture(path.read_bytes())))

    def part(
        self, key: str, box: Sequence[int] | None, visitor: str = "", wanted: Wanted = always
    ) -> Photo:
        """A picture of its own: what lies in the box (x, y, width, height), or one megapixel."""
        whole = self.photo(key)
        name = secret_key("part", whole.key, repr(box))
        if isinstance(known := self.store.get(name), Photo):
            return known
        part: Photo = self.runner.reader.call(
            read_part, whole.pixels, box, demands.SCALED_PIXELS, visitor=visitor, wanted=wanted
        )
        part = replace(part, key=name, notes=(*whole.notes, *part.notes))
        return self._keep_photo(part, visitor)

    def add_file(self, data: bytes, visitor: str = "") -> StoredFile:
        """An uploaded `.mode` file; BitstreamError unless it is one."""
        demands.check_size(len(data), self.settings.upload_bytes)
        file = StoredFile(secret_key("file", data), data, Bitstream.from_bytes(data))
        self.store.put(file.key, file, visitor)
        return file

    def _keep_photo(self, photo: Photo, visitor: str = "") -> Photo:
        self.store.put(photo.key, photo, visitor)
        return photo

    # Comparing

    def compare(
        self,
        picture: str,
        panes: Sequence[str],
        bpp: float,
        question: Question = ANYONE,
        agreed: bool = True,
    ) -> Generator[Comparison, None, None]:
        """Snapshots of a comparison as it fills in; a newer question of its page ends it.

        Unless that is agreed, a large picture that takes long is not coded: the snapshot asks.
        """
        wanted = self.newest.take(question)
        note = ""
        if not panes:
            panes, note = default_panes(self.settings.profile)
        demands.check_request(panes, bpp)
        panes = list(dict.fromkeys(map(as_written, panes)))
        photo = self.photo(picture)
        slots = [self._shelf.pane(photo, id, bpp) for id in panes]
        shown = Comparison(picture, photo, bpp, slots, note)
        yield shown
        if not wanted:
            return
        found = yield from self._measured(shown, photo, QUICK_METRICS, question)
        if found is not None:
            found = yield from self._coded(found, photo, question, agreed)
        if found is not None:
            found = yield from self._measured(found, photo, SLOW_METRICS, question)
        if found is not None:
            yield replace(found, done=True)

    def known(self, picture: str, panes: Sequence[str], bpp: float) -> Comparison:
        """What is in memory of a comparison; nothing is coded for it, and nobody waits."""
        demands.check_request(panes, bpp)
        photo = self.photo(picture)
        slots = [self._shelf.pane(photo, id, bpp) for id in panes]
        done = all(slot.state != "waiting" for slot in slots)
        return Comparison(picture, photo, bpp, slots, done=done)

    def _measured(
        self, shown: Comparison, photo: Photo, keys: Sequence[str], question: Question
    ) -> Generator[Comparison, None, Comparison | None]:
        def wanted() -> bool:
            return question.listening() and self.newest.is_wanted(question)

        return self._measuring.filled(shown, photo, keys, question.visitor, wanted)

    def cancel(self, question: Question) -> None:
        """Nobody wants what this page has asked for before; what runs for it is stopped."""
        self.newest.take(question)

    def open_file(
        self, key: str, anchors: Sequence[str] = (), question: Question = ANYONE
    ) -> Iterator[Comparison]:
        """The pictures in an uploaded file; there is no original to measure them against."""
        stored = self.store.get(key)
        if not isinstance(stored, StoredFile):
            raise demands.Expired(demands.FILE_GONE)
        maker, (width, height) = maker_of(stored.bitstream), stored.size
        if anchors and not info_of(maker).has_anchors:
            raise demands.BadRequest(f"{maker} decodes in one way only; leave out the anchor")
        wished = list(map(anchor_of, anchors)) or list(info_of(maker).outputs)
        panes = {pane_id(maker, str(one or "")): str(one or "") for one in wished}
        slots = [self._shelf.slot(stored.sha256, id, 0.0) for id in panes]
        missing = [panes[slot.id] for slot in slots if slot.state == "waiting"]
        shown = Comparison(
            key, None, 8 * len(stored.data) / (width * height), slots, size=stored.size
        )
        self.newest.take(question)
        if not missing:
            yield replace(shown, done=True)
            return
        seconds = self.runner.pace.seconds(maker, width * height, len(missing), encodes=False)
        shown = shown.expecting({(maker, 0.0): seconds})

        def work(turn: Turn) -> Iterator[Begun | Outcome]:
            yield Begun(maker, decodes=True)
            yield self.runner.open_file(stored, missing, turn)

        ticket = self.line.join(work, question, seconds or 0.0, key)
        self.newest.take(question, ticket)
        for kind, value in ticket:
            if kind == "waiting":
                yield replace(shown, ahead=value)
            elif isinstance(value, Begun):
                yield shown.after(value)
            elif value.error:
                raise demands.BadRequest(value.error)
            else:
                who, keep = question.visitor, self._shelf.keep
                made = [Slot.of(keep(one, value.timing, who)) for one in value.pictures]
                new = {slot.id: slot for slot in made}
                slots = [new.get(slot.id, slot) for slot in shown.slots]
                yield replace(shown, slots=slots, done=True)

    def _coded(
        self, shown: Comparison, photo: Photo, question: Question, agreed: bool
    ) -> Generator[Comparison, None, Comparison | None]:
        """Wait in the line, then fill in pane after pane; None if nobody wants the rest."""
        waiting = [slot.id for slot in shown.slots if slot.state == "waiting"]
        jobs = [
            replace(job, file=self._shelf.file_of(photo, job))
            for job in jobs_for(photo.pixels, waiting, shown.bpp)
        ]
        if not jobs:
            return shown
        expected = {(job.codec, job.bpp): self.runner.pace.seconds_of(job) for job in jobs}
        shown = shown.expecting(expected)
        # One that nobody has seen here yet counts as nothing for those who wait behind it.
        seconds = sum(one or 0.0 for one in expected.values())
        if (
            len(jobs) > 1
            and self.runner.hands_for(photo.pixels.size // 3, [one.codec for one in jobs]) > 1
        ):
            seconds /= _TWO_HANDS
        is_soon = seconds <= _SOON_S and None not in expected.values()
        if not (agreed or is_soon or photo.pixels.size <= 3 * demands.LARGE_PIXELS):
            yield replace(shown, pace=self.runner.pace.as_json())
            return None

        def work(turn: Turn) -> Iterator[Begun | Outcome]:
            return self._run(photo, jobs, turn)

        ticket = self.line.join(work, question, seconds, photo.key)
        self.newest.take(question, ticket)
        for kind, value in ticket:
            if kind == "waiting":
                shown = replace(shown, ahead=value)
            elif isinstance(value, Begun):
                shown = shown.after(value)
            else:
                shown = self._shelf.filled(shown, photo, value, question.visitor)
            yield shown
        return None if ticket.cancelled else shown

    def _run(self, photo: Photo, jobs: Sequence[Job], turn: Turn) -> Iterator[Begun | Outcome]:
        missing = []
        for job in jobs:
            # Someone before us in the line may have asked for the same.
            kept = (self._shelf.kept(photo.key, job.codec, one, job.bpp) for one in job.anchors)
            if all(kept):
                yield Outcome(job.codec, bpp=job.bpp)
            else:
                missing.append(replace(job, file=job.file or self._shelf.file_of(photo, job)))
        yield from self.runner.run(missing, turn)

    # Remembering

    def decoded(self, photo: Photo, keys: Sequence[str]) -> list[Decoded | Opened]:
        """Those of these pictures that are in memory and belong to this photo."""
        found = [self.store.get(key) for key in keys]
        known = [one for one in found if isinstance(one, Decoded | Opened)]
        return [one for one in known if one.photo == photo.key]

    def measured(self, one: Decoded | Opened) -> Mapping[str, float]:
        """The metrics of a picture as far as they are known."""
        found = self.metrics.get(one.measured_as)
        return found.values if found else {}
