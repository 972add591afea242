"""Pictures x codecs x targets x anchors into results files, resumable and repeatable.

Per codec, in the output folder: `<codec>.csv` (the rows; equal runs are equal bytes),
`<codec>.timing.csv` and `<codec>.json` (how they were made). While a run goes on its rows are in
`<codec>.partial.csv` (and how they are made beside it); they take the real name once all of them
are there, and no other run may write them meanwhile. Every job runs on one thread, so that the rows
do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mode_core.codecs.identity import tags_here
from mode_core.codecs.registry import CODECS, find_codec, load_codec
from mode_core.codecs.roundtrip import decode_all
from mode_core.errors import ModeError, ResultsError
from mode_core.evaluation.filling import Record, by_photo, fill, no_record
from mode_core.evaluation.ledger import Ledger
from mode_core.evaluation.rows import Measurement, Row, Timing
from mode_core.evaluation.workers import ALONE, THREADS, Engine, Maker, Reader
from mode_core.metrics import BENCH_METRICS, METRICS, Metric, measure, unavailable
from mode_core.pictures.files import ENDINGS, read_image
from mode_core.stream.atomic import make_folder
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, Image, Reconstruction, Target
from mode_core.weights.sets import PUBLIC

DEFAULT_TARGETS = (0.05, 0.1, 0.2, 0.4, 0.8)
DEFAULT_ANCHORS = (Anchor.FIDELITY, Anchor(0.5), Anchor.PERCEPTION)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    photos: Sequence[Path]
    out: Path
    codecs: Sequence[str]
    targets: Sequence[float] = DEFAULT_TARGETS
    anchors: Sequence[Anchor] = DEFAULT_ANCHORS
    profile: str = ""
    resume: bool = False
    """Keep earlier rows and measure what is missing."""
    replace: bool = False
    """Measure all anew; with neither, earlier rows are a reason to refuse."""


@dataclass(frozen=True, slots=True)
class Job:
    """One picture through one codec at the targets that are still open."""

    photo: Path
    dataset: str
    codec: str
    profile: str
    targets: Sequence[float]
    anchors: Sequence[Anchor | None]

    @property
    def maker(self) -> Maker:
        """Whose weights it needs."""
        return self.codec, self.profile


def find_photos(path: Path) -> list[Path]:
    """The photo, or the photos of a folder by name; ResultsError if there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ResultsError(f"{path} does not exist; name a photo or a folder of photos")
    photos = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
    if not photos:
        raise ResultsError(f"{path} holds no photos ({', '.join(ENDINGS)})")
    return photos


def usable_codecs(profile: str = "") -> tuple[list[str], dict[str, str]]:
    """The codecs that can run here, and for each of the others the reason why not."""
    usable: list[str] = []
    left_out: dict[str, str] = {}
    for codec_id in CODECS:
        try:
            load_codec(codec_id, profile)
        except ModeError as error:
            left_out[codec_id] = str(error)
        else:
            usable.append(codec_id)
    return usable, left_out


def unmeasurable() -> Mapping[str, str]:
    """The metrics that cannot be had here, and why; a grey picture tells damaged files."""
    side = max(METRICS[key].min_side for key in BENCH_METRICS)
    grey = np.full((side, side, 3), 128, np.uint8)
    measure(grey, grey)
    return unavailable()


def run_bench(
    plan: Plan,
    record: Record,
    say: Callable[[str], None] = lambda _: None,
    engine: Engine = ALONE,
    begin: Record = no_record,
) -> dict[str, str]:
    """Measure all that the plan asks for; photos that cannot be used come back with the reason."""
    make_folder(plan.out)
    ledgers = {codec: Ledger(plan.out, _stem(plan, codec)) for codec in plan.codecs}
    with ExitStack() as stack:
        for codec, ledger in ledgers.items():
            stack.enter_context(ledger.held())
            _open_ledger(plan, codec, ledger, say)
        jobs = [job for codec in plan.codecs for job in _jobs(plan, codec, ledgers[codec])]
        failed = fill(ledgers, jobs, _attempt, engine, record, begin)
    return by_photo(failed)


def measure_job(job: Job, read: Reader = read_image) -> list[Measurement]:
    """The rows and timings of one job."""
    image = read(job.photo)
    measurements = []
    for target in job.targets:
        pictures = decode_all(job.codec, image, Target(bpp=target), job.anchors, job.profile)
        measurements += [_measurement(job, image, picture, target) for picture in pictures]
    return measurements


def _measurement(job: Job, image: Image, picture: Reconstruction, target: float) -> Measurement:
    file = picture.bitstream
    anchor = str(picture.anchor or "")
    row = Row(
        dataset=job.dataset,
        image=name_in_rows(job.photo),
        width=file.width,
        height=file.height,
        codec=job.codec,
        profile=picture.profile,
        anchor=anchor,
        target_bpp=target,
        quality=picture.quality,
        weights=tag_in(file),
        bytes_file=len(picture.file),
        bytes_payload=file.payload_bytes,
        bpp=picture.bpp,
        values=measure(image, picture.image).values,
    )
    device = _device(job.codec)
    times = picture.encode_s or 0, picture.decode_s
    return row, Timing(name_in_rows(job.photo), target, anchor, device, THREADS, *times)


def name_in_rows(path: Path) -> str:
    """The name of a photo or a data set in rows, where bytes that are no characters are numbers."""
    return path.name.encode(errors="backslashreplace").decode()


def _device(codec: str) -> str:
    """What the pictures were computed on."""
    if not find_codec(codec).learned:
        return "cpu"
    from mode_core.layers.device import chosen_device

    return str(chosen_device())


def _stem(plan: Plan, codec: str) -> str:
    """The name of a codec's files."""
    return f"{codec}-{plan.profile}" if plan.profile and find_codec(codec).learned else codec


def _open_ledger(plan: Plan, codec: str, ledger: Ledger, say: Callable[[str], None]) -> None:
    """Take over earlier rows, or refuse to lose them."""
    if plan.replace:
        return
    if not plan.resume:
        ledger.refuse_earlier()
        return
    tags = _tags_now(codec, plan.profile)
    dataset, wanted = name_in_rows(plan.out.resolve()), wanted_metrics()
    names = {str(anchor or "") for anchor in _anchors(plan, codec)}
    photos = {name_in_rows(photo) for photo in plan.photos}

    def keep(row: Row) -> bool:
        asked = row.image in photos and row.target_bpp in plan.targets and row.anchor in names
        ours = row.weights in tags and row.dataset == dataset
        return ours and (is_full(row, wanted) or not asked)

    if lost := ledger.recall(keep):
        say(
            f"{ledger.final}: {lost} earlier rows are of other weights or another dataset or lack "
            "a metric; they are measured anew, or left out where this run does not ask for them"
        )


def _tags_now(codec: str, profile: str) -> set[str]:
    """The weights that files of a codec name now: of every imported set, or of a tiny file."""
    if find_codec(codec).learned and profile.startswith(PUBLIC):
        return tags_here(codec, profile)
    grey = np.full((16, 16, 3), 128, np.uint8)
    return {tag_in(load_codec(codec, profile).encode(grey, Target(bpp=1)))}


def wanted_metrics() -> list[Metric]:
    """The metrics that a row could have today."""
    missing = unmeasurable()
    return [METRICS[key] for key in BENCH_METRICS if key not in missing]


def is_full(row: Row, wanted: Sequence[Metric]) -> bool:
    """Whether a row has every metric that it could have today."""
    side = min(row.width, row.height)
    return all(one.key in row.values for one in wanted if one.min_side <= side)


def tag_in(file: Bitstream) -> str:
    """The weights as hexadecimal digits; empty for a codec without weights."""
    return file.weights.hex() if any(file.weights) else ""


def _jobs(plan: Plan, codec: str, ledger: Ledger) -> Iterator[Job]:
    anchors = _anchors(plan, codec)
    names = {str(anchor or "") for anchor in anchors}
    dataset = name_in_rows(plan.out.resolve())
    done = {(row.image, row.target_bpp, row.anchor) for row in ledger.rows.values()}
    for photo in plan.photos:
        targets = [
            target
            for target in plan.targets
            if any((name_in_rows(photo), target, name) not in done for name in names)
        ]
        if targets:
            yield Job(photo, dataset, codec, plan.profile, targets, anchors)


def _anchors(plan: Plan, codec: str) -> Sequence[Anchor | None]:
    """The anchors that the plan asks of a codec."""
    return (None,) if None in find_codec(codec).outputs else plan.anchors


def _attempt(job: Job, read: Reader) -> list[Measurement] | str:
    try:
        return measure_job(job, read)
    except (ModeError, OSError) as error:
        return str(error)
