"""Pictures that somebody else decoded, measured as ours are.

The rows' profile is `theirs`, so that a codec that is called as one of ours is never taken for it.
All that is wrong with their folder is found (`decoded.py`) before anything is measured or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mode_core.errors import ModeError
from mode_core.evaluation.bench import is_full, name_in_rows, wanted_metrics
from mode_core.evaluation.decoded import Decoded
from mode_core.evaluation.filling import Record, by_photo, fill, no_record
from mode_core.evaluation.ledger import Ledger
from mode_core.evaluation.rows import THEIRS, Measurement, Row, kept_picture
from mode_core.evaluation.workers import ALONE, Engine, Reader
from mode_core.metrics import measure
from mode_core.pictures.files import read_image, write_png
from mode_core.stream.atomic import make_folder
from mode_core.types import Image


@dataclass(frozen=True, slots=True)
class TheirPlan:
    """What is to be measured, as a `bench.Plan` says it of our codecs."""

    photos: Sequence[Path]
    out: Path
    dataset: str
    keep_pictures: bool = False
    """Leave them, as PNG, beside the results."""
    resume: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class TheirJob:
    """One picture of the data set, as one codec gave it at its rates."""

    photo: Path
    codec: str
    pictures: Sequence[Decoded]
    plan: TheirPlan

    maker = None


def measure_pictures(
    plan: TheirPlan,
    found: Sequence[Decoded],
    record: Record,
    say: Callable[[str], None],
    engine: Engine = ALONE,
    begin: Record = no_record,
) -> dict[str, str]:
    """Measure what was found into results files; what could not be read comes with the reason."""
    make_folder(plan.out)
    codecs = dict.fromkeys(one.codec for one in found)
    ledgers = {codec: Ledger(plan.out, f"{codec}-{THEIRS}") for codec in codecs}
    with ExitStack() as stack:
        for codec, ledger in ledgers.items():
            stack.enter_context(ledger.held())
            _open_ledger(plan, codec, ledger, found, say)
        jobs = [job for codec in codecs for job in _jobs(plan, codec, ledgers[codec], found)]
        failed = fill(ledgers, jobs, _attempt, engine, record, begin)
    return by_photo(failed)


def _open_ledger(
    plan: TheirPlan,
    codec: str,
    ledger: Ledger,
    found: Sequence[Decoded],
    say: Callable[[str], None],
) -> None:
    """Take over earlier rows, or refuse to lose them."""
    if plan.replace:
        return
    if not plan.resume:
        ledger.refuse_earlier()
        return
    metrics = wanted_metrics()
    sizes = {(one.rate, name_in_rows(one.photo)): one.size for one in found if one.codec == codec}

    def keep(row: Row) -> bool:
        key = row.rate_name, row.image
        same = sizes.get(key, row.bytes_file) == row.bytes_file
        whole = is_full(row, metrics) and _is_kept(plan, row)
        return row.dataset == plan.dataset and same and (whole or key not in sizes)

    if lost := ledger.recall(keep):
        say(
            f"{ledger.final}: {lost} earlier rows are of another data set or file size, or lack a "
            "metric or the kept picture; they are measured anew, or left out where they are not "
            "asked for"
        )


def _is_kept(plan: TheirPlan, row: Row) -> bool:
    kept = kept_picture(plan.out, row)
    return not plan.keep_pictures or (kept is not None and kept.is_file())


def _jobs(
    plan: TheirPlan, codec: str, ledger: Ledger, found: Sequence[Decoded]
) -> Iterator[TheirJob]:
    done = {(row.image, row.rate_name) for row in ledger.rows.values()}
    for photo in plan.photos:
        left = [
            one
            for one in found
            if (one.codec, one.photo) == (codec, photo)
            and (name_in_rows(photo), one.rate) not in done
        ]
        if left:
            yield TheirJob(photo, codec, left, plan)


def _attempt(job: TheirJob, read: Reader) -> list[Measurement] | str:
    try:
        original = read(job.photo)
        return [(_measured(job.plan, original, one), None) for one in job.pictures]
    except (ModeError, OSError) as error:
        return str(error)


def _measured(plan: TheirPlan, original: Image, one: Decoded) -> Row:
    """The row of one picture; what an earlier run kept of it is replaced or goes."""
    picture = read_image(one.path)
    height, width, _ = original.shape
    row = Row(
        dataset=plan.dataset,
        image=name_in_rows(one.photo),
        width=width,
        height=height,
        codec=one.codec,
        profile=THEIRS,
        anchor="",
        target_bpp=0,
        quality=0,
        weights="",
        bytes_file=one.size,
        bytes_payload=one.size,
        bpp=8 * one.size / (width * height),
        values=measure(original, picture).values,
        rate_name=one.rate,
    )
    if kept := kept_picture(plan.out, row):
        if plan.keep_pictures:
            make_folder(kept.parent)
            write_png(kept, picture)
        else:
            kept.unlink(missing_ok=True)
    return row
