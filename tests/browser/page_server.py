"""The real page over a runner that needs no weights: learned codecs are played by JPEG.

python -m tests.browser.page_server PORT [QUEUE]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import app.defaults
import app.hero
from app import work
from app.makers import info_of, with_profile
from app.settings import MEBIBYTE, Settings
from app.ui import build_demo, launch
from app.work import Job, Outcome, View
from mode_core.bitstream import Bitstream
from mode_core.images import png_bytes
from mode_core.metrics import Measured
from mode_core.metrics.fidelity import psnr
from mode_core.registry import CODECS, codec_of
from mode_core.roundtrip import output_label
from mode_core.types import Anchor, Image

_NOT_HERE = ("dlf.public",)


class StandInRunner:
    """Classical codecs for real; learned ones as JPEG, MoDE's anchors as shades of it."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            if not info_of(job.codec).learned or job.codec in _NOT_HERE:
                yield work.run_job(job)
            elif job.codec == "vq":
                yield Outcome("vq", error="vq has no weights <img src=x onerror=alert(1)>")
            else:
                yield _play(job)

    def open_file(self, data: bytes, anchors: Sequence[str]) -> Outcome:
        stream = Bitstream.from_bytes(data)
        if not CODECS[codec_of(stream.codec).id].learned:
            return work.open_file(data, anchors)
        offered = anchors or ["fidelity", "perception"]
        as_jpeg = replace(stream, codec=CODECS["jpeg"].wire_id).to_bytes()
        picture = work.open_file(as_jpeg).views[0].pixels
        return Outcome("mode", tuple(_shade(picture, "mode", one) for one in offered), data)

    def measure(self, reference: Image, decoded: Image, names: Sequence[str]) -> Measured:
        absent = {name: "not measured in this test" for name in names if name != "psnr"}
        values = {"psnr": psnr(reference, decoded)} if "psnr" in names else {}
        return Measured(values, absent)

    def warm(self) -> None:
        """Nothing to load."""


def _play(job: Job) -> Outcome:
    made = work.run_job(replace(job, codec="jpeg", anchors=("",), file=b""))
    stream = replace(Bitstream.from_bytes(made.file), codec=info_of(job.codec).wire_id)
    views = tuple(_shade(made.views[0].pixels, job.codec, anchor) for anchor in job.anchors)
    return Outcome(job.codec, views, job.file or stream.to_bytes(), job.bpp, 0.1)


def _shade(picture: Image, codec: str, anchor: str) -> View:
    place = Anchor.parse(anchor) if anchor else None
    pixels = picture ^ round(7 * place.blend) if place else picture
    label = with_profile(output_label(info_of(codec), place), codec)
    return View(anchor, label, pixels, png_bytes(pixels), 0.02)


if __name__ == "__main__":
    app.hero.FOLDER = Path("no stored pictures")  # they are the real codecs'
    app.defaults.need_weights = lambda codec_id: None  # type: ignore[attr-defined]
    port, queue = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    settings = Settings(None, port, queue, cache_bytes=256 * MEBIBYTE, upload_bytes=MEBIBYTE)
    launch(build_demo(settings, StandInRunner()))
