"""Patches of pictures, and the numbers that a named backbone has for them.

FID and KID compare sets of patches of 256x256, as in https://arxiv.org/abs/2006.09965: side by side
from the corner of each picture, and once more from 128 pixels further in both directions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from mode_core.errors import WeightsUnavailable
from mode_core.metrics.backbones import alexnet_path
from mode_core.metrics.clouds import Features
from mode_core.types import Image

SET_METRICS = {"fid": "FID", "kid": "KID"}
PATCH = 256
ALEXNET = "AlexNet"
_ALEXNET_NUMBERS = 256
_AT_ONCE = 16
"""InceptionV3's first layers take 90 MB for so many patches."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """What the numbers of a patch are from."""

    name: str
    tag: str
    """How the SHA-256 of its file begins."""
    numbers: int
    path: Path

    @property
    def label(self) -> str:
        """Which backbone exactly."""
        return f"{self.name} ({self.tag})"


def find_backbone(path: Path | None) -> Backbone:
    """InceptionV3 of a file, or AlexNet as LPIPS has it; WeightsUnavailable if it is not that."""
    if path is None:
        alexnet = alexnet_path()
        return Backbone(ALEXNET, _tag(alexnet), _ALEXNET_NUMBERS, alexnet)
    if not path.is_file():
        raise WeightsUnavailable(f"{path} is not a file; docs/whole-sets.md says how to get it")
    from mode_core.metrics.inception import NUMBERS, load_inception

    name, _ = load_inception(path)
    return Backbone(name, _tag(path), NUMBERS, path)


def doubt_about(backbone: Backbone) -> str:
    """What anybody who compares its figures must know; empty for the papers' very file."""
    if backbone.name == ALEXNET:
        return (
            "features are AlexNet's, so these figures compare with each other and with no paper's; "
            "--backbone takes the papers' InceptionV3 (docs/whole-sets.md)"
        )
    from mode_core.metrics.inception import PAPERS, TAGS, TORCHVISION

    if backbone.tag != TAGS[backbone.name]:
        return (
            f"{backbone.path} is laid out as {backbone.name}, but its SHA-256 begins with "
            f"{backbone.tag} instead of {TAGS[backbone.name]}: who knows whose numbers these are"
        )
    if backbone.name == TORCHVISION:
        return f"features are of torchvision's own InceptionV3; the papers' figures are {PAPERS}'s"
    return ""


def features_of(backbone: Backbone, image: Image) -> Features:
    """A row of numbers for each patch of a picture; none for a picture that is too small."""
    import torch

    found = [np.empty((0, backbone.numbers), np.float32)]
    every = list(patches_of(image))
    for start in range(0, len(every), _AT_ONCE):
        batch = np.stack(every[start : start + _AT_ONCE])
        patches = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
        if backbone.name == ALEXNET:
            from mode_core.metrics.perceptual import deepest_of_alexnet

            numbers = deepest_of_alexnet(backbone.path, patches / 127.5 - 1).mean((2, 3))
        else:
            from mode_core.metrics.inception import load_inception

            numbers = load_inception(backbone.path)[1](patches)
        if not bool(torch.isfinite(numbers).all()):
            raise WeightsUnavailable(
                f"{backbone.path} gives what is no number for a picture: it is damaged"
            )
        found.append(numbers.numpy())
    return np.concatenate(found)


def patches_of(image: Image) -> Iterator[Image]:
    """From left to right and from above, first from the corner, then from the middle of the first.

    What is left over at the right and below belongs to no patch.
    """
    height, width, _ = image.shape
    for start in (0, PATCH // 2):
        tops, lefts = (range(start, side - PATCH + 1, PATCH) for side in (height, width))
        for top, left in product(tops, lefts):
            yield image[top : top + PATCH, left : left + PATCH]


def _tag(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
