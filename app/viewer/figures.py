"""Figures of what is on the page: a preview while they are chosen, then their files."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.panes.names import plain_name
from app.panes.weights import licence_of, parts_of, whose_weights
from app.server.demands import MAX_CODED, BadRequest
from app.server.jobs import NOT_HERE
from app.server.memory import Memory
from app.server.process import Wanted
from app.server.samples import sample_path
from app.server.service import Service
from app.server.store import Decoded, Opened, Photo, secret_key
from app.server.turns import Turns
from app.viewer.exports import label_of, pictures, rate
from app.viewer.region import MAX_SLOW_PIXELS
from mode_core.figures.making import ENDINGS, Laid, lay, zipped
from mode_core.figures.manifest import to_json
from mode_core.figures.plan import MAX_CROPS, MAX_PANES, Crop, Figure, Options, Pane, crop_of
from mode_core.figures.record import NAME, Source, file_hash, pixels_hash, record_of, stem_of
from mode_core.metrics import METRICS, Measured, measurable

PREVIEW, MANIFEST, ZIP = "preview", "json", "zip"
KINDS = {
    PREVIEW: "application/json",
    "pdf": "application/pdf",
    "png": "image/png",
    "tex": "application/x-tex",
    MANIFEST: "application/octet-stream",
    ZIP: "application/zip",
}
"""What can be asked for, and as what it is sent."""
_PREVIEW_DOTS = 1000
_PREVIEWS_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What the browser asks for; `parse` checks it, because anyone can send anything."""

    kind: str
    picture: str
    keys: tuple[str, ...]
    crops: tuple[Crop, ...]
    options: Options
    bpp: float = 0.0
    name: str = ""
    """What the visitor calls a picture that is not in the gallery."""

    @classmethod
    def parse(cls, data: object) -> Wish:
        """A sentence unless it has the right shape."""
        match data:
            case {"kind": str(kind), "picture": str(picture), "keys": list(keys), **more} if (
                kind in KINDS and all(isinstance(key, str) for key in keys)
            ):
                if not 1 <= len(keys) <= MAX_PANES:
                    raise BadRequest(f"a figure takes 1 to {MAX_PANES} panes, not {len(keys)}")
                crops = more.get("crops")
                if not isinstance(crops, list) or not 1 <= len(crops) <= MAX_CROPS:
                    raise BadRequest(f"a figure takes 1 to {MAX_CROPS} crops")
                options = Options.parse(more.get("options", {}))
                name = more.get("name")
                name = plain_name(name) if isinstance(name, str) and name else ""
                boxes = tuple(map(crop_of, crops))
                return cls(kind, picture, tuple(keys), boxes, options, rate(more.get("bpp")), name)
        raise BadRequest(f"expected kind ({', '.join(KINDS)}), picture, keys and crops")


class Figures:
    """Draws one after the other, visitors in turns; previews are kept for a while."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._turns = Turns()
        self._previews: Memory[bytes] = Memory(_PREVIEWS_BYTES, len)

    def answer(self, wish: Wish, visitor: str, wanted: Wanted) -> bytes:
        """The preview as JSON, or a file."""
        key = secret_key("figure", repr(wish))
        if wish.kind == PREVIEW and (known := self._previews.get(key)):
            return known
        with self._turns.turn(visitor, wanted):
            work = _Work(self._service, wish, wanted)
            laid = work.laid()
            if wish.kind != PREVIEW:
                return work.file(laid)
        shown = _preview(laid)
        if not laid.numbers.missing:  # which may be of this moment
            self._previews.put(key, shown, visitor)
        return shown


class _Work:
    """One figure on its way."""

    def __init__(self, service: Service, wish: Wish, wanted: Wanted) -> None:
        self._service, self._wish, self._wanted = service, wish, wanted
        self._photo: Photo = service.photo(wish.picture)
        self._shown = pictures(service, wish.picture, wish.keys)
        self._left = MAX_SLOW_PIXELS * MAX_CODED

    def laid(self) -> Laid:
        """What is to be drawn, measured and laid out."""
        wish = self._wish
        if len(self._shown) < len(wish.keys):
            raise BadRequest("some of these pictures are not in memory any more; reload the page")
        sample = self._service.gallery.get(wish.picture)
        figure = Figure(
            original=self._photo.pixels,
            panes=tuple(_pane(one, wish.bpp) for one in self._shown),
            crops=wish.crops,
            options=wish.options,
            bpp=wish.bpp,
            title=sample.title if sample else wish.name,
            credit=sample.credit if sample else "",
        )
        laid = lay(figure, self._measured)
        if wish.kind != PREVIEW:
            for key, why in laid.numbers.missing.items():
                raise BadRequest(f"no {METRICS[key].short}: {why}; leave it out, or try again")
        return laid

    def file(self, laid: Laid) -> bytes:
        """The file that was asked for; the manifest and the zip need all the others."""
        kind = self._wish.kind
        if kind in ENDINGS:
            return laid.drawn(kind)
        files = {ending: laid.drawn(ending) for ending in ENDINGS}
        sources = [_source(one) for one in self._shown]
        record = record_of(laid.figure, sources, self._original_file(), laid.numbers.texts(), files)
        manifest = to_json(record)
        if kind == MANIFEST:
            return manifest
        named = {f"{NAME}.{ending}": data for ending, data in files.items()}
        return self._zip(named | {f"{NAME}.json": manifest}, sources)

    def _zip(self, files: Mapping[str, bytes], sources: Sequence[Source]) -> bytes:
        """All that the command needs to make the figure again, in one folder."""
        whole = {**files, "original.png": self._photo.png}
        for at, (one, source) in enumerate(zip(self._shown, sources, strict=True)):
            stem = stem_of(source, at)
            if isinstance(one, Opened):
                whole[f"{stem}.png"] = one.png
            else:
                whole[f"{stem}.mode"] = one.picture.file
        limit = self._service.settings.zip_bytes
        if sum(map(len, whole.values())) > limit:
            raise BadRequest(
                f"the pictures of this figure have more than {limit >> 20} MB; save the PDF and "
                "the manifest, and the pictures one by one"
            )
        return zipped(whole)

    def _original_file(self) -> str:
        sample = self._service.gallery.get(self._wish.picture)
        path = sample_path(sample) if sample else None
        return _hash_of(path, path.stat().st_mtime_ns) if path and path.is_file() else ""

    def _measured(self, at: int, part: Crop, keys: Sequence[str]) -> Measured:
        """The metrics of a part of a pane, of the whole picture as the page has measured it."""
        one, metrics = self._shown[at], self._service.metrics
        height, width, _ = self._photo.pixels.shape
        is_whole = tuple(part) == (0, 0, width, height)
        name = one.measured_as if is_whole else secret_key("part", one.measured_as, repr(part))
        found = metrics.get(name) or Measured({}, {})
        missing = [key for key in measurable(keys) if key not in found.values]
        if missing:
            self._spend(part, missing)
            pair = part.of(self._photo.pixels), part.of(one.pixels)
            more = self._service.runner.measure(*pair, missing, self._wanted)
            found = Measured({**found.values, **more.values}, more.missing)
            metrics.put(name, Measured(found.values, {}))
        values = {key: found.values[key] for key in keys if key in found.values}
        lost = [key for key in keys if key not in values]
        return Measured(values, {key: found.missing.get(key, NOT_HERE) for key in lost})

    def _spend(self, part: Crop, keys: Sequence[str]) -> None:
        if all(METRICS[key].quick for key in keys):
            return
        self._left -= part.width * part.height
        if self._left < 0:
            raise BadRequest(
                "that is too much to measure for a figure; choose fewer panes, smaller crops, or "
                "PSNR alone"
            )


def _pane(one: Decoded | Opened, bpp: float) -> Pane:
    label = label_of(one, bpp)
    if isinstance(one, Opened):
        return Pane(label, one.pixels, one.file_bytes)
    made, maker = one.picture, one.maker
    size, target = len(made.file), made.target_bpp
    return Pane(label, one.pixels, size, target, whose_weights(maker), licence_of(maker))


def _source(one: Decoded | Opened) -> Source:
    if isinstance(one, Opened):
        return Source(pixels_hash(one.pixels))
    made = one.picture
    codec, profile = parts_of(one.maker)
    return Source(
        pixels=pixels_hash(one.pixels),
        codec=codec,
        profile=profile,
        anchor=str(made.anchor or ""),
        target_bpp=made.target_bpp,
        file=one.sha256,
        weights=made.bitstream.weights.hex(),
    )


def _preview(laid: Laid) -> bytes:
    """What the dialog shows: a small PNG, its size in print, and what may be changed."""
    labels = ", ".join(["Original", *(pane.label for pane in laid.figure.panes)])
    (wide, high), count = laid.inches, len(laid.grid.cuts)
    shown = {
        "png": b64encode(laid.preview(_PREVIEW_DOTS)).decode(),
        "inches": [round(wide, 3), round(high, 3)],
        "cell": round(laid.grid.cell_in, 3),
        "dpi": round(laid.grid.dpi),
        "hints": laid.hints,
        "alt": f"{count} crop{'s' * (count > 1)} of {labels}",
    }
    return json.dumps(shown).encode()


@lru_cache(maxsize=64)
def _hash_of(path: Path, _changed: int) -> str:
    return file_hash(path.read_bytes())
