"""FID and KID of whole sets: all pictures that one codec made at one rate, against their originals.

Pictures come from results that are there, made again (`again.py`), or from a folder that somebody
else decoded (`decoded.py`). A picture that cannot be had leaves out the sets that it belongs to:
what they would have without it is another number. Meanwhile only features are kept, and each set
is written to `whole-set.csv` as soon as it is complete; a run that was interrupted goes on there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from mode_core.errors import ResultsError
from mode_core.evaluation.again import by_file
from mode_core.evaluation.bench import name_in_rows
from mode_core.evaluation.decoded import Decoded
from mode_core.evaluation.folders import results_files
from mode_core.evaluation.gathering import Gathering, SetJob, Which, Whole, attempt, mean_bpp
from mode_core.evaluation.rows import (
    THEIRS,
    WHOLE_SET,
    Row,
    WholeSet,
    read_rows,
    read_whole_sets,
    whole_set_key,
    write_whole_sets,
)
from mode_core.evaluation.workers import outcomes
from mode_core.metrics.features import Backbone
from mode_core.pictures.files import read_image
from mode_core.stream.atomic import make_folder
from mode_core.stream.lock import held
from mode_core.types import Anchor


@dataclass(frozen=True, slots=True)
class SetPlan:
    """Which figures are wanted, and of what."""

    photos: Sequence[Path]
    out: Path
    metrics: Sequence[str]
    backbone: Backbone
    codecs: Sequence[str] = ()
    targets: Sequence[float] = ()
    anchors: Sequence[Anchor] = ()
    """Those whose rows are looked at; all unless given."""
    workers: int = 1
    replace: bool = False
    """Measure anew what is there already."""


class Found(NamedTuple):
    """What there is after a run: figures, how many are new, and sentences on sets without any."""

    sets: Sequence[WholeSet]
    new: int
    left_out: Sequence[str]


Record = Callable[[], None]
"""Writes how the figures were made, whenever one has come."""
JobsOf = Callable[[Collection[Which]], Iterable[SetJob]]
"""The jobs that give the pictures of some sets."""


def sets_of_results(plan: SetPlan, record: Record = lambda: None) -> Found:
    """The figures of sets whose rows lie in the folder, each file made again."""
    every = [row for path in results_files(plan.out) for row in read_rows(path)]
    ours = [row for row in every if row.profile != THEIRS]
    rows = [row for row in ours if _is_wanted(plan, row)]
    _refuse_lacking(plan, ours, rows)
    whole: dict[Which, dict[str, float]] = defaultdict(dict)
    for row in rows:
        whole[Which.of(row)][row.image] = row.bpp

    def jobs(left: Collection[Which]) -> Iterable[SetJob]:
        own = [row for row in rows if Which.of(row) in left]
        own.sort(key=lambda row: (row.codec, row.target_bpp))  # so that sets get complete early
        for photo, of_file in by_file(own, plan.photos):
            yield SetJob(photo, plan.backbone, of_file)

    return _measured(plan, whole, jobs, record)


def sets_of_theirs(
    plan: SetPlan, dataset: str, found: Sequence[Decoded], record: Record = lambda: None
) -> Found:
    """The same of pictures that somebody else decoded."""
    make_folder(plan.out)
    pixels = {photo: read_image(photo).size // 3 for photo in {one.photo for one in found}}
    decoded = [(Which(dataset, one.codec, THEIRS, "", "", 0.0, one.rate), one) for one in found]
    whole: dict[Which, dict[str, float]] = defaultdict(dict)
    for which, one in decoded:
        whole[which][name_in_rows(one.photo)] = 8 * one.size / pixels[one.photo]

    def jobs(left: Collection[Which]) -> Iterable[SetJob]:
        for which, one in decoded:
            if which in left:
                yield SetJob(one.photo, plan.backbone, decoded=(which, one))

    return _measured(plan, whole, jobs, record)


def _is_wanted(plan: SetPlan, row: Row) -> bool:
    return (
        (not plan.codecs or row.codec in plan.codecs)
        and (not plan.targets or row.target_bpp in plan.targets)
        and (not plan.anchors or row.anchor in {"", *map(str, plan.anchors)})
    )


def _refuse_lacking(plan: SetPlan, ours: Sequence[Row], rows: Sequence[Row]) -> None:
    """ResultsError if a codec or a rate that was asked for has no row."""
    codecs, targets = {row.codec for row in ours}, {row.target_bpp for row in ours}
    lacking = [one for one in plan.codecs if one not in codecs]
    lacking += [f"{one:g}" for one in plan.targets if one not in targets]
    if lacking or not rows:
        what = " and ".join(lacking) or "what was asked for"
        there = ", ".join([*sorted(codecs), *(f"{one:g}" for one in sorted(targets))])
        raise ResultsError(
            f"{plan.out} holds no rows of {what}; of codecs that run here it has "
            f"{there or 'nothing'}"
        )


def _measured(plan: SetPlan, whole: Whole, jobs_of: JobsOf, record: Record) -> Found:
    """Measure the sets that are not there yet, and write each once it is complete."""

    def busy() -> None:
        raise ResultsError(
            f"another run is writing {plan.out / WHOLE_SET}; wait for it or choose another --out"
        )

    new, left_out = 0, []
    with held(plan.out / f".{WHOLE_SET}.lock", busy):
        known = {whole_set_key(one): one for one in read_whole_sets(plan.out)}
        left = [one for one in whole if plan.replace or not _is_there(plan, one, whole, known)]
        jobs = [*_originals(plan, whole, left), *jobs_of(left)]
        gathering = Gathering({which: whole[which] for which in left}, jobs)
        with tqdm(total=len(jobs), unit="file", disable=None) as bar:
            for job, outcome in outcomes(jobs, attempt, plan.workers):
                bar.update()
                for which in gathering.take(job, outcome):
                    row = gathering.figures(which, plan.metrics, plan.backbone)
                    if isinstance(row, str):
                        left_out.append(row)
                        continue
                    new += 1
                    known[whole_set_key(row)] = row if plan.replace else _with_earlier(row, known)
                    write_whole_sets(plan.out, known.values())
                    record()
    sets = [known[key] for one in whole if (key := _key(plan, one)) in known]
    return Found(sorted(sets, key=whole_set_key), new, sorted(left_out))


def _originals(plan: SetPlan, whole: Whole, left: Sequence[Which]) -> Iterable[SetJob]:
    images = {image for which in left for image in whole[which]}
    for photo in plan.photos:
        if name_in_rows(photo) in images:
            yield SetJob(photo, plan.backbone)


def _key(plan: SetPlan, which: Which) -> tuple[str | float, ...]:
    """What `whole_set_key` gives for the row of a set."""
    return *which, plan.backbone.name, plan.backbone.tag


Known = dict[tuple[str | float, ...], WholeSet]


def _is_there(plan: SetPlan, which: Which, whole: Whole, known: Known) -> bool:
    """Whether all that is asked of a set is known, and of these very pictures."""
    row, pictures = known.get(_key(plan, which)), whole[which]
    return (
        row is not None
        and (row.pictures, row.bpp) == (len(pictures), mean_bpp(pictures))
        and all(getattr(row, metric) is not None for metric in plan.metrics)
    )


def _with_earlier(row: WholeSet, known: Known) -> WholeSet:
    """A row with what this run was not asked for, where it is known of the same pictures."""
    before = known.get(whole_set_key(row))
    if before is None or before[:9] != row[:9]:
        return row
    fid = before.fid if row.fid is None else row.fid
    kid, kid_std = (row.kid, row.kid_std) if row.kid is not None else (before.kid, before.kid_std)
    return row._replace(fid=fid, kid=kid, kid_std=kid_std)
