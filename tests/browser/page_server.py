"""The real page over a runner that needs no weights: learned codecs are played by JPEG.

python -m tests.browser.page_server PORT [QUEUE]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import sleep

import app.panes.names
import app.server.opening
from app.panes.weights import info_of, parts_of, public_makers, with_profile
from app.server import jobs as work
from app.server.jobs import Begun, Job, Outcome, anchor_of
from app.server.pace import Pace
from app.server.process import Wanted
from app.server.reader import Reader
from app.server.store import StoredFile
from app.settings import MEBIBYTE, Settings
from app.ui import build_demo, launch
from mode_core.codecs.registry import CODECS, codec_of
from mode_core.metrics import QUICK_METRICS, Measured, measure
from mode_core.metrics.fidelity import psnr
from mode_core.settings import setting
from mode_core.types import Image, Reconstruction

_SECONDS_A_MEGAPIXEL = 20.0
ENDLESS_BPP, ENDLESS_ANCHOR = 7.5, "0.85"


class StandInRunner:
    """Classical codecs for real; learned ones as JPEG, MoDE's anchors as shades of it.

    At one rate everything takes for as long as anybody wants it, and so does a file at one anchor.
    """

    places = hands = 1

    def __init__(self, settings: Settings) -> None:
        self.reader = Reader(settings)
        self.pace = Pace()
        for maker in (*CODECS, "ms-illm.public"):
            self.pace.learn(maker, "encode", 1_000_000, _SECONDS_A_MEGAPIXEL - 1)
            self.pace.learn(maker, "decode", 1_000_000, 1)

    def run(self, jobs: Sequence[Job], wanted: Wanted) -> Iterator[Begun | Outcome]:
        for job in jobs:
            yield Begun.of(job)
            while job.bpp == ENDLESS_BPP and wanted():
                sleep(0.05)
            if not wanted():
                return
            gone = parts_of(job.codec)[1] and job.codec not in public_makers()
            if gone or not info_of(job.codec).learned:
                yield work.run_job(job)
            elif job.codec == "vq":
                yield Outcome.failed(job, "vq has no weights <img src=x onerror=alert(1)>")
            else:
                yield _play(job)

    def hands_for(self, pixels: int, makers: Sequence[str] = ()) -> int:
        return self.hands

    def open_file(self, file: StoredFile, anchors: Sequence[str], wanted: Wanted) -> Outcome:
        stream = file.bitstream
        while ENDLESS_ANCHOR in anchors and wanted():
            sleep(0.05)
        if not CODECS[codec_of(stream.codec).id].learned:
            return work.open_file(file, anchors)
        as_jpeg = replace(stream, codec=CODECS["jpeg"].wire_id)
        (made,) = work.open_file(replace(file, bitstream=as_jpeg)).pictures
        made = replace(made, bitstream=stream)
        offered = anchors or ["fidelity", "perception"]
        return Outcome("mode", tuple(_shade(made, "mode", one) for one in offered))

    def measure(
        self,
        reference: Image,
        decoded: Image,
        names: Sequence[str],
        wanted: Wanted | None = None,
    ) -> Measured:
        absent = {name: "not measured in this test" for name in names if name != "psnr"}
        values = {"psnr": psnr(reference, decoded)} if "psnr" in names else {}
        return Measured(values, absent)

    def warm(self) -> None:
        """Nothing to load."""

    def rehearsals(self) -> list[Job]:
        """Nothing to learn."""
        return []


def _play(job: Job) -> Outcome:
    (made,) = work.run_job(replace(job, codec="jpeg", anchors=("",), file=None)).pictures
    stream = replace(made.bitstream, codec=info_of(job.codec).wire_id)
    file = job.file or StoredFile("", stream.to_bytes(), stream)
    made = replace(made, file=file.data, bitstream=file.bitstream, encode_s=0.1, note="")
    shades = tuple(_shade(made, job.codec, anchor) for anchor in job.anchors)
    quick = tuple(measure(job.pixels, one.image, QUICK_METRICS) for one in shades)
    return Outcome(job.codec, shades, "", quick, "2 processor cores, load 0.1", job.bpp)


def _shade(made: Reconstruction, maker: str, anchor: str) -> Reconstruction:
    codec, profile = parts_of(maker)
    place = anchor_of(anchor)
    image = made.image ^ round(7 * place.blend) if place else made.image
    label = with_profile(info_of(maker).label(place), maker)
    shade = replace(made, codec=codec, profile=profile, anchor=place, label=label, image=image)
    return replace(shade, decode_s=0.02)


if __name__ == "__main__":
    if "stored" not in sys.argv:  # those are the real codecs' pictures
        app.server.opening.FOLDER = Path("no stored pictures")
    app.panes.names.need_weights = lambda codec_id: None  # type: ignore[attr-defined]
    port, queue = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    settings = Settings(None, port, queue, cache_bytes=256 * MEBIBYTE, upload_bytes=MEBIBYTE)
    settings = replace(settings, profile=setting("MODE_PROFILE"))
    launch(build_demo(settings, StandInRunner(settings)))
