"""What a whole set of pictures consists of, and its FID and KID once all its features are there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

from mode_core.errors import ModeError
from mode_core.evaluation.again import OTHER_PICTURE, OtherwiseError, pictures_again
from mode_core.evaluation.bench import name_in_rows
from mode_core.evaluation.decoded import Decoded
from mode_core.evaluation.rows import Row, WholeSet
from mode_core.metrics.clouds import FEWEST, Features, frechet_distance, kernel_distance
from mode_core.metrics.features import PATCH, Backbone, features_of
from mode_core.pictures.files import read_image


class Which(NamedTuple):
    """One set of pictures: what made them, at which rate."""

    dataset: str
    codec: str
    profile: str
    weights: str
    anchor: str
    target_bpp: float
    rate_name: str = ""

    @classmethod
    def of(cls, row: Row | WholeSet) -> Which:
        """The set that a row is of."""
        return cls(*(getattr(row, name) for name in cls._fields))

    @property
    def label(self) -> str:
        """Its codec and rate, for a sentence."""
        at = self.rate_name or f"{self.target_bpp:g}"
        return f"{self.codec}{f'@{self.anchor}' if self.anchor else ''} at {at}"


ORIGINALS = Which("", "", "", "", "", 0.0)
"""Stands for the pictures that no codec made."""
Owed = tuple[Which, str]
"""A picture of a set, by its name."""
Whole = Mapping[Which, Mapping[str, float]]
"""Of each set that is wanted its pictures, by name, with their bits per pixel."""


@dataclass(frozen=True, slots=True)
class SetJob:
    """One original by itself, or the pictures of one of its files, or one that others decoded."""

    photo: Path | None
    backbone: Backbone
    rows: Sequence[Row] = ()
    decoded: tuple[Which, Decoded] | None = None

    @property
    def owed(self) -> list[Owed]:
        """Whose features it is to give."""
        if self.rows:
            return [(Which.of(row), row.image) for row in self.rows]
        which, _ = self.decoded or (ORIGINALS, None)
        return [(which, name_in_rows(self.photo))] if self.photo else []


def attempt(job: SetJob) -> dict[Owed, Features] | str:
    """The features of a job's pictures, or the reason why there are none."""
    try:
        return dict(_features(job))
    except (ModeError, OSError) as error:
        return f"because of this: {error}"
    except OtherwiseError as found:
        return str(found)


def _features(job: SetJob) -> Iterator[tuple[Owed, Features]]:
    if job.rows:
        for again in pictures_again(job.photo, job.rows):
            features = features_of(job.backbone, again.image)
            yield from (((Which.of(row), row.image), features) for row in again.rows)
    elif job.photo:
        _, theirs = job.decoded or (None, None)
        image = read_image(theirs.path if theirs else job.photo)
        yield job.owed[0], features_of(job.backbone, image)


class Gathering:
    """What has come of the jobs so far. A set gets its figures when its last picture has come."""

    def __init__(self, whole: Whole, jobs: Sequence[SetJob]) -> None:
        self._whole = whole
        self._waiting: dict[Which, set[Owed]] = defaultdict(set)
        self._features: dict[Which, dict[str, Features]] = defaultdict(dict)
        self._reasons: dict[Owed, str] = {}
        for job in jobs:
            for owed in job.owed:
                for which in self._wanting(owed):
                    self._waiting[which].add(owed)

    def take(self, job: SetJob, outcome: dict[Owed, Features] | str) -> list[Which]:
        """Note what one job gave, and what it did not; the sets that wait for nothing more."""
        closed = []
        for owed in job.owed:
            which, image = owed
            if isinstance(outcome, str):
                self._reasons[owed] = outcome
            elif owed in outcome:
                self._features[which][image] = outcome[owed]
            else:
                self._reasons[owed] = OTHER_PICTURE
            for one in self._wanting(owed):
                self._waiting[one].discard(owed)
                if not self._waiting[one]:
                    closed.append(one)
        return list(dict.fromkeys(closed))

    def figures(self, which: Which, metrics: Sequence[str], backbone: Backbone) -> WholeSet | str:
        """The row of a set, or the sentence why it has none; its features go."""
        images, own = sorted(self._whole[which]), self._features.pop(which, {})
        lost = (
            self._reasons.get((which, image)) or self._reasons.get((ORIGINALS, image))
            for image in images
        )
        if reasons := Counter(reason for reason in lost if reason):
            of = f"of {len(images)} pictures"
            told = ", ".join(f"{count} {of} {reason}" for reason, count in reasons.items())
            return f"{which.label} is left out for {told}"
        originals = self._features[ORIGINALS]
        x = np.concatenate([originals[image] for image in images])
        y = np.concatenate([own[image] for image in images])
        if len(x) < FEWEST:
            return (
                f"{which.label} is left out: {len(x)} patches of {PATCH}x{PATCH} are in its "
                f"pictures, and {FEWEST} are the fewest"
            )
        kid, kid_std = kernel_distance(x, y) if "kid" in metrics else (None, None)
        return WholeSet(
            **which._asdict(),
            bpp=mean_bpp(self._whole[which]),
            pictures=len(images),
            patches=len(x),
            backbone=backbone.name,
            backbone_tag=backbone.tag,
            features=backbone.numbers,
            fid=frechet_distance(x, y) if "fid" in metrics else None,
            kid=kid,
            kid_std=kid_std,
        )

    def _wanting(self, owed: Owed) -> list[Which]:
        """The sets that a picture belongs to: an original to all sets that have it."""
        which, image = owed
        if which != ORIGINALS:
            return [which]
        return [one for one, images in self._whole.items() if image in images]


def mean_bpp(pictures: Mapping[str, float]) -> float:
    """The rate of a set."""
    return fmean(pictures.values())
