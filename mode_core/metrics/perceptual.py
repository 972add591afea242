"""How alike two pictures look: LPIPS and DISTS, at full size, on the pictures as 8-bit RGB."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import truediv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mode_core.errors import WeightsUnavailable
from mode_core.metrics.backbones import alexnet_path, alexnet_state, dists_paths
from mode_core.metrics.fidelity import check_pair
from mode_core.types import Image

if TYPE_CHECKING:
    from torch import Tensor

    Distance = Callable[[Tensor, Tensor], Tensor]

LPIPS_MIN_SIDE = 31
"""Below it AlexNet's second pooling has nothing left to pool."""

_BAND_PIXELS = 1 << 21
"""A picture of up to so many pixels is measured in one piece."""
_KEPT_PIXELS = 1 << 20
"""Features of a reference of so many pixels take 55 MB with it, and are kept for the next one."""
_STRIDES = (4, 8, 16, 16, 16)
_COARSEST = 16
_MARGIN = 128
"""Rows that decide a feature of AlexNet's last layer reach 82 to either side."""
_CHECK_VALUE, _CHECK_TOLERANCE = 0.511, 0.01


def lpips(reference: Image, decoded: Image) -> float:
    """LPIPS 0.1 with AlexNet, https://arxiv.org/abs/1801.03924; 0 is alike."""
    check_pair(reference, decoded, "LPIPS", LPIPS_MIN_SIDE)
    return lpips_with(alexnet_path(), reference, decoded)


def lpips_with(backbone: Path, reference: Image, decoded: Image) -> float:
    """The same with AlexNet's features from this file."""
    net = _alex(backbone)
    return _distance(lambda x, y: _in_bands(net, x, y), reference, decoded)


def dists(reference: Image, decoded: Image) -> float:
    """DISTS, https://arxiv.org/abs/2004.07728; 0 is alike."""
    check_pair(reference, decoded, "DISTS", LPIPS_MIN_SIDE)
    paths = dists_paths()
    from mode_core.metrics.dists_net import load_dists

    return _distance(load_dists(*paths), reference, decoded)


def deepest_of_alexnet(backbone: Path, x: Tensor) -> Tensor:
    """What the last of these convolutions gives for pictures in -1..1."""
    import torch

    net: Any = _alex(backbone)
    with torch.inference_mode():
        deepest: Tensor = net.net(net.scaling_layer(x))[-1]
    return deepest


@lru_cache(maxsize=2)
def _alex(backbone: Path) -> Distance:
    state = alexnet_state(backbone)
    import lpips as package
    import torch

    with warnings.catch_warnings():
        # torchvision's notice that `pretrained` has a new name; the package passes the old one.
        warnings.simplefilter("ignore", UserWarning)
        net = package.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    with torch.no_grad():
        # The package keeps torchvision's numbers: slice3.6.weight is features.6.weight.
        for name, parameter in net.net.named_parameters():
            parameter.copy_(state["features." + name.partition(".")[2]])
    net.eval().requires_grad_(False)
    distance: Distance = net
    ramp = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    with torch.inference_mode():
        value = float(distance(ramp, ramp.mT))
    # the file had the right shapes, but it may not be ImageNet's AlexNet
    if abs(value / _CHECK_VALUE - 1) > _CHECK_TOLERANCE:
        raise WeightsUnavailable(
            f"{backbone} does not hold torchvision's AlexNet: LPIPS of the test pattern is "
            f"{value:.4f}, not {_CHECK_VALUE:.4f}"
        )
    return distance


def _in_bands(net: Any, x: Tensor, y: Tensor) -> Tensor:
    """What the network gives for the whole, band by band where the picture is large.

    A band sees as many rows around it as decide its features, and begins where the whole
    picture's strides do.
    """
    height, width = x.shape[2:]
    rows = max(_MARGIN, _BAND_PIXELS // width // _COARSEST * _COARSEST)
    if rows >= height:
        maps = _layer_maps(net, _reference(net, x), _features(net, y))
        return sum((seen.mean((2, 3), True) for seen in maps), x.new_zeros(1))
    sums, places = [0.0] * len(_STRIDES), [0] * len(_STRIDES)
    for top in range(0, height, rows):
        first, last = max(0, top - _MARGIN), min(height, top + rows + _MARGIN)
        features = (_features(net, one[:, :, first:last]) for one in (x, y))
        maps = _layer_maps(net, *features)
        for layer, (stride, seen) in enumerate(zip(_STRIDES, maps, strict=True)):
            end = None if top + rows >= height else (top + rows - first) // stride
            core = seen[:, :, (top - first) // stride : end]
            sums[layer] += float(core.double().sum())
            places[layer] += core.numel()
    return x.new_tensor(sum(map(truediv, sums, places)))


def _layer_maps(net: Any, x: list[Tensor], y: list[Tensor]) -> Iterator[Tensor]:
    """For each layer, how far these features differ at each place."""
    for one, other, weigh in zip(x, y, net.lins, strict=True):
        yield weigh((one - other) ** 2)


def _features(net: Any, x: Tensor) -> list[Tensor]:
    from lpips import normalize_tensor

    return [normalize_tensor(one) for one in net.net(net.scaling_layer(x))]


def _reference(net: Any, x: Tensor) -> list[Tensor]:
    """The same of the reference, which is that of many pictures in turn: the last one is kept."""
    import torch

    known, features = getattr(net, "last_reference", (None, []))
    if known is not None and torch.equal(known, x):
        return list(features)
    features = _features(net, x)
    net.last_reference = (x, features) if x.shape[2] * x.shape[3] <= _KEPT_PIXELS else (None, [])
    return features


def _distance(distance: Distance, reference: Image, decoded: Image) -> float:
    import torch

    def tensor(image: Image) -> Tensor:
        return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1

    with torch.inference_mode():
        return float(distance(tensor(reference), tensor(decoded)))
