"""What the page and the API can ask for, as plain functions over memory: no Gradio, no torch."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from threading import Lock

from app.defaults import default_panes
from app.gallery import SAMPLES, sample_path
from app.line import Line, Newest, Question
from app.makers import info_of
from app.records import Comparison, Slot, original_slot
from app.runner import Runner
from app.settings import Settings
from app.store import Decoded, Photo, Store, StoredFile, secret_key
from app.text import ORIGINAL, pane_id, pane_label, parse_pane
from app.work import Job, Outcome, View
from mode_core.bitstream import Bitstream
from mode_core.errors import ModeError, UnsupportedImage
from mode_core.images import FASTEST, load_picture, png_bytes
from mode_core.metrics import Measured
from mode_core.types import Anchor

MAX_PANES = 12
MIN_BPP, MAX_BPP = 0.001, 8.0
TABLE_METRICS = ("psnr", "ms_ssim", "lpips", "dists")
ANYONE = Question()
_KEPT_METRICS = 4096


class Expired(ModeError):
    """The picture or file has left the server's memory."""


class BadRequest(ModeError):
    """The request asks for something that does not exist."""


@dataclass(slots=True)
class Service:
    """One server's memory, its waiting line, and everything that can be asked of it."""

    settings: Settings
    runner: Runner
    store: Store = field(init=False)
    line: Line = field(init=False)
    newest: Newest = field(init=False)
    _metrics: OrderedDict[str, Measured] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.store = Store(self.settings.cache_bytes)
        self.line = Line(self.settings.queue_length)
        self.newest = Newest(pages=10 * self.settings.queue_length)

    # Pictures and files come in

    def add_photo(self, data: bytes) -> Photo:
        """The canonical picture of an uploaded file, kept in memory."""
        if len(data) > self.settings.upload_bytes:
            limit = self.settings.upload_bytes >> 20
            raise UnsupportedImage(f"the file has more than {limit} MB, which is the limit here")
        picture = load_picture(data)
        key = secret_key("photo", str(picture.pixels.shape), picture.pixels.tobytes())
        photo = Photo(key, picture.pixels, png_bytes(picture.pixels, level=FASTEST), picture.notes)
        self.store.put(photo)
        return photo

    def photo(self, id: str) -> Photo:
        """A photograph of the gallery by its name, or an uploaded one by its key."""
        key = secret_key("gallery", id) if any(one.id == id for one in SAMPLES) else id
        found = self.store.get(key)
        if isinstance(found, Photo):
            return found
        if key == id:
            raise Expired(
                "this picture is not in the server's memory (any more); open the file again"
            )
        if (path := sample_path(id)) is None:
            raise Expired(f"the photograph {id} is missing: scikit-image did not bring it")
        picture = load_picture(path)
        photo = Photo(key, picture.pixels, png_bytes(picture.pixels, level=FASTEST), picture.notes)
        self.store.put(photo)
        return photo

    def add_file(self, data: bytes) -> StoredFile:
        """An uploaded `.mode` file, parsed once to be sure that it is one."""
        if len(data) > self.settings.upload_bytes:
            limit = self.settings.upload_bytes >> 20
            raise BadRequest(f"the file has more than {limit} MB, which is the limit here")
        Bitstream.from_bytes(data)
        file = StoredFile(secret_key("file", data), data)
        self.store.put(file)
        return file

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
        shown = Comparison(picture, photo, bpp, [self._slot(photo, id, bpp) for id in panes], note)
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
        ticket = self.line.join(lambda: iter([self.runner.open_file(stored.data, anchors)]))
        for kind, value in ticket:
            if kind == "waiting":
                yield Comparison(key, None, 0.0, [], position=value)
                continue
            if value.error:
                raise BadRequest(value.error)
            made = [self.keep(self._decoded(value, view, "")) for view in value.views]
            yield Comparison(key, None, made[0].bpp, [Slot.of(one) for one in made], done=True)

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
            if all(self._kept(photo, job, anchor) for anchor in job.anchors):
                yield Outcome(job.codec)
            else:
                missing.append(replace(job, file=self._file_of(photo, job)))
        yield from self.runner.run(missing)

    def _file_of(self, photo: Photo, job: Job) -> bytes:
        """The file that another anchor of the same codec was decoded from: no need for a second."""
        for anchor in info_of(job.codec).outputs:
            if anchor is not None and (found := self._kept(photo, job, str(anchor))):
                return found.file
        return b""

    def _fill(self, shown: Comparison, photo: Photo, outcome: Outcome) -> Comparison:
        views = outcome.views
        made = [self.keep(self._decoded(outcome, view, photo.key, shown.bpp)) for view in views]
        ready = {one.anchor: Slot.of(one) for one in made}
        slots = []
        for slot in shown.slots:
            if slot.codec != outcome.codec or slot.state != "waiting":
                slots.append(slot)
            elif outcome.error:
                slots.append(replace(slot, state="failed", error=outcome.error))
            else:
                slots.append(ready.get(slot.anchor) or self._slot(photo, slot.id, shown.bpp))
        return replace(shown, slots=slots, position=None)

    def keep(self, decoded: Decoded, measured: Measured | None = None) -> Decoded:
        """Remember a picture, and its metrics if they are known."""
        self.store.put(decoded)
        if measured is not None:
            self._remember(decoded.key, measured)
        return decoded

    def measured(self, key: str) -> Mapping[str, float]:
        """The metrics of a picture as far as they are known."""
        found = self._metrics.get(key)
        return found.values if found else {}

    def _decoded(self, outcome: Outcome, view: View, photo: str, bpp: float = 0.0) -> Decoded:
        source = photo or hashlib.sha256(outcome.file).hexdigest()
        return Decoded(
            key=recon_key(source, outcome.codec, view.anchor, bpp),
            label=view.label,
            codec=outcome.codec,
            anchor=view.anchor,
            photo=photo,
            pixels=view.pixels,
            png=view.png,
            file=outcome.file,
            target_bpp=outcome.target_bpp,
            encode_s=outcome.encode_s,
            decode_s=view.decode_s,
            note=view.note,
        )

    def _kept(self, photo: Photo, job: Job, anchor: str) -> Decoded | None:
        found = self.store.get(recon_key(photo.key, job.codec, anchor, job.bpp))
        return found if isinstance(found, Decoded) else None

    def _slot(self, photo: Photo, id: str, bpp: float) -> Slot:
        if id == ORIGINAL:
            return original_slot(photo)
        codec, anchor = parse_pane(id)
        found = self.store.get(recon_key(photo.key, codec, anchor, bpp))
        if not isinstance(found, Decoded):
            return Slot(id, pane_label(id), codec, anchor)
        return Slot.of(found, self._metrics.get(found.key))

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
            measured = self.runner.measure(photo.pixels, found.pixels, TABLE_METRICS)
            self._remember(slot.key, measured)
            slots[at] = replace(slot, measured=measured)
            yield replace(shown, slots=slots)
        yield replace(shown, slots=slots, done=True)

    def _remember(self, key: str, measured: Measured) -> None:
        with self._lock:
            self._metrics[key] = measured
            while len(self._metrics) > _KEPT_METRICS:
                self._metrics.popitem(last=False)


def recon_key(source: str, codec: str, anchor: str, bpp: float) -> str:
    """The name under which a decoded picture is kept: made of what it was made from."""
    return secret_key("decoded", source, codec, anchor, f"{bpp:.6g}")


def jobs_for(photo: Photo, panes: Sequence[str], bpp: float) -> list[Job]:
    """One job per codec, in the order of the panes: a file is encoded once for all its anchors."""
    anchors: dict[str, list[str]] = {}
    for id in panes:
        codec, anchor = parse_pane(id)
        anchors.setdefault(codec, []).append(anchor)
    return [Job(codec, tuple(some), bpp, photo.pixels) for codec, some in anchors.items()]


def check_request(panes: Sequence[str], bpp: float) -> None:
    """ModeError unless every pane can exist and the rate is one that pictures have."""
    if len(panes) > MAX_PANES:
        raise BadRequest(f"{len(panes)} panes were asked for; {MAX_PANES} is the most")
    if not (isfinite(bpp) and MIN_BPP <= bpp <= MAX_BPP):
        raise BadRequest(f"the rate is {bpp:g} bpp; it must lie between {MIN_BPP} and {MAX_BPP:g}")
    for id in panes:
        codec, anchor = parse_pane(id)
        if id == ORIGINAL:
            continue
        offered = info_of(codec).outputs
        if codec.endswith("."):
            raise BadRequest(f"there is no pane {id!r}")
        if anchor:
            Anchor.parse(anchor)
        if (None in offered) == bool(anchor):
            raise BadRequest(f"there is no pane {pane_id(codec, anchor)!r}")
