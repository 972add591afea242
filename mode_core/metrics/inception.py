"""InceptionV3 as FID has it, from a file that the user names: pytorch-fid's, or torchvision's.

The network is torchvision's class. The one of the papers, converted from TensorFlow, has the same
layers and names, 1008 classes instead of 1000, average pools that do not count what is padded, and
a maximum instead of an average in its last block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import inception as layers

from mode_core.errors import WeightsUnavailable
from mode_core.layers.device import chosen_device
from mode_core.metrics.backbones import State, load_state

NUMBERS = 2048
SIDE = 299
PAPERS, TORCHVISION = "InceptionV3-FID", "InceptionV3-torchvision"
TAGS = {PAPERS: "6726825d", TORCHVISION: "0cc3c7bd"}
"""How the SHA-256 of the files that are known begins; their names say it too."""
_BY_CLASSES = {1008: PAPERS, 1000: TORCHVISION}
_UNUSED = ("AuxLogits.", "fc.")
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_COUNTS = "num_batches_tracked"


@lru_cache(maxsize=1)
def load_inception(path: Path) -> tuple[str, Callable[[Tensor], Tensor]]:
    """Its name, and what gives a batch of patches, 0..255, their numbers.

    WeightsUnavailable if the file holds anything else.
    """
    state = load_state(path)
    name = _name(path, state)
    net = _network(name)
    own = {key: value for key, value in state.items() if not key.startswith(_UNUSED)}
    _check(path, own, net.state_dict())
    net.load_state_dict(own, strict=False)  # counts of batches may be lacking
    net.eval().requires_grad_(False).to(chosen_device())
    return name, lambda patches: _numbers(net, patches)


def resized(patches: Tensor) -> Tensor:
    """To 299x299 as TensorFlow 1 did it: bilinear, the corners above and left in place."""
    down, across = (_stretch(side).to(patches.device) for side in patches.shape[2:])
    return down @ patches @ across.T


def _stretch(side: int) -> Tensor:
    """What each of the 299 places takes of those of a side."""
    place = torch.arange(SIDE, dtype=torch.float64) * side / SIDE
    first = place.long()
    part = (place - first)[:, None]
    one, next_ = (
        functional.one_hot(at.clamp(max=side - 1), side).double() for at in (first, first + 1)
    )
    return ((1 - part) * one + part * next_).float()


def _numbers(net: nn.Module, patches: Tensor) -> Tensor:
    with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
        found: Tensor = net((resized(patches.to(chosen_device())) - 128) / 128)
    return found.cpu()


def _name(path: Path, state: State) -> str:
    found = tuple(state["fc.weight"].shape) if "fc.weight" in state else ()
    for classes, name in _BY_CLASSES.items():
        if found == (classes, NUMBERS):
            return name
    told = f"its fc.weight is {'x'.join(map(str, found))}" if found else "it has no fc.weight"
    raise WeightsUnavailable(
        f"{path} is not an InceptionV3 that is known here: {told}, where "
        f"{' or '.join(f'{classes}x{NUMBERS} ({name})' for classes, name in _BY_CLASSES.items())} "
        "is expected"
    )


def _check(path: Path, state: State, wanted: Mapping[str, Tensor]) -> None:
    """Refuse a file that lacks a layer, has one more, or holds what is no number."""
    for key, tensor in wanted.items():
        if key.endswith(_COUNTS) and key not in state:
            continue
        if key not in state or not _alike(state[key], tensor):
            raise WeightsUnavailable(f"{path} lacks {key} of shape {tuple(tensor.shape)}")
        if not bool(torch.isfinite(state[key]).all()):
            raise WeightsUnavailable(f"{path} is damaged: {key} holds what is no number")
        if key.endswith("running_var") and bool((state[key] < 0).any()):
            raise WeightsUnavailable(f"{path} is damaged: {key} holds variances below zero")
    if more := sorted(state.keys() - wanted.keys()):
        raise WeightsUnavailable(f"{path} holds {more[0]!r:.60}, which no InceptionV3 has")


def _alike(found: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor of anybody's is a plain one of this shape and kind."""
    if found.is_floating_point() and found.dtype not in _FLOATS:
        return False
    kinds = found.layout, found.device.type, found.is_floating_point()
    return found.shape == wanted.shape and kinds == (
        wanted.layout, wanted.device.type, wanted.is_floating_point(),
    )  # fmt: skip


def _network(name: str) -> nn.Module:
    usual = [
        layers.BasicConv2d, layers.InceptionA, layers.InceptionB, layers.InceptionC,
        layers.InceptionD, layers.InceptionE, layers.InceptionAux,
    ]  # fmt: skip
    if name == PAPERS:
        usual[1], usual[3], usual[5] = _Early, _Middle, _Late
    net: Any = layers.Inception3(aux_logits=False, inception_blocks=usual, init_weights=False)
    if name == PAPERS:
        net.Mixed_7c = _Last(NUMBERS)
    net.fc = nn.Identity()
    return net  # type: ignore[no-any-return]


class _Pooled:
    """A block of torchvision's whose last branch pools otherwise; the others stay."""

    branch_pool: nn.Module

    def _forward(self, x: Tensor) -> list[Tensor]:
        *others, _ = super()._forward(x)  # type: ignore[misc]
        return [*others, self.branch_pool(self.pooled(x))]

    def pooled(self, x: Tensor) -> Tensor:
        """The average of those neighbours that there are."""
        return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _Early(_Pooled, layers.InceptionA):  # type: ignore[misc]
    """Mixed_5b to 5d."""


class _Middle(_Pooled, layers.InceptionC):  # type: ignore[misc]
    """Mixed_6b to 6e."""


class _Late(_Pooled, layers.InceptionE):  # type: ignore[misc]
    """Mixed_7b."""


class _Last(_Pooled, layers.InceptionE):  # type: ignore[misc]
    """Mixed_7c, in which the papers' network takes the maximum."""

    def pooled(self, x: Tensor) -> Tensor:
        """The largest neighbour."""
        return functional.max_pool2d(x, 3, stride=1, padding=1)
