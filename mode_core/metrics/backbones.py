"""Where the pretrained networks behind LPIPS and DISTS come from; never random, never guessed.

AlexNet, in this order: the file that MODE_LPIPS_BACKBONE names; `alexnet_features*.pth` in the
cache folder; torchvision's own file in torch's cache; torchvision's download, of which only the
convolutions are kept. VGG16 (for DISTS) the same way, but without a download: MODE_VGG16_BACKBONE,
`vgg16_features*.pth`, torch's cache.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mode_core.errors import WeightsUnavailable
from mode_core.settings import cache_folder, setting
from mode_core.stream.atomic import make_folder, write_atomic

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "Mapping[str, Tensor]"

ALEXNET_VARIABLE, VGG16_VARIABLE = "MODE_LPIPS_BACKBONE", "MODE_VGG16_BACKBONE"
DISTS_VARIABLE = "MODE_DISTS_WEIGHTS"
_ALEXNET_CONVS = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3)}
_ALEXNET_CONVS[10] = (256, 256, 3)
_VGG16_WIDTHS = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256}
_VGG16_WIDTHS |= dict.fromkeys((17, 19, 21, 24, 26, 28), 512)
_ALEXNET_URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
_ALEXNET_HASH = "7be5be79"
_TIMEOUT_S = 10


@lru_cache(maxsize=1)
def alexnet_state() -> State:
    """The five convolutions of ImageNet's AlexNet, float32; WeightsUnavailable if not to be had."""
    path = _find(ALEXNET_VARIABLE, "alexnet_features*.pth", "alexnet-owt-7be5be79.pth")
    if path is None:
        fetched = _download_alexnet()
        if isinstance(fetched, str):
            raise WeightsUnavailable(fetched)
        path = fetched
    return _features(path, _ALEXNET_CONVS)


@lru_cache(maxsize=1)
def vgg16_state() -> State:
    """The 13 convolutions of ImageNet's VGG16, float32; WeightsUnavailable if not to be had."""
    path = _find(VGG16_VARIABLE, "vgg16_features*.pth", "vgg16-397923af.pth")
    if path is None:
        raise WeightsUnavailable(
            "no VGG16 weights here; let MODE_VGG16_BACKBONE name torchvision's vgg16-397923af.pth"
        )
    inputs = [3, *_VGG16_WIDTHS.values()]
    shapes = {
        layer: (width, inputs[place], 3)
        for place, (layer, width) in enumerate(_VGG16_WIDTHS.items())
    }
    return _features(path, shapes)


def dists_weights_path() -> Path:
    """The authors' file of DISTS weights; WeightsUnavailable if it is not here."""
    named = setting(DISTS_VARIABLE)
    path = Path(named or cache_folder() / "dists_weights.pt")
    if not path.is_file():
        # without the path: visitors of a page read this too
        where = f"where {DISTS_VARIABLE} says" if named else "in the cache folder"
        raise WeightsUnavailable(
            f"no DISTS weights {where}; let {DISTS_VARIABLE} name the authors' weights.pt"
        )
    return path


def load_state(path: Path) -> State:
    """The tensors of a file made by torch.save, read without running anything in it."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise WeightsUnavailable(f"{path} is not a file of weights: {_line(error)}") from error
    if not isinstance(state, dict) or not all(torch.is_tensor(item) for item in state.values()):
        raise WeightsUnavailable(f"{path} is not a state dict: names with tensors are expected")
    return state


def _find(variable: str, pattern: str, torchvision_name: str) -> Path | None:
    """The first file of the search order; one that was named must be there."""
    if named := setting(variable):
        if not Path(named).is_file():
            raise WeightsUnavailable(f"{variable} names {named}, which is not a file")
        return Path(named)
    import torch

    places = [
        *sorted(cache_folder().glob(pattern)),
        Path(torch.hub.get_dir()) / "checkpoints" / torchvision_name,
    ]
    return next((place for place in places if place.is_file()), None)


def _features(path: Path, shapes: Mapping[int, Sequence[int]]) -> State:
    """Weight and bias of every layer wanted, shapes checked: a part of a network is refused."""
    state = load_state(path)
    features = {}
    for layer, (out, into, side) in shapes.items():
        wanted = {"weight": (out, into, side, side), "bias": (out,)}
        for name, shape in wanted.items():
            key = f"features.{layer}.{name}"
            if key not in state or tuple(state[key].shape) != shape:
                raise WeightsUnavailable(f"{path} lacks {key} of shape {shape}")
            features[key] = state[key].float()
    return features


@lru_cache(maxsize=1)
def _download_alexnet() -> Path | str:
    """torchvision's AlexNet cut down to its convolutions and kept, or why it cannot be fetched.

    Tried once per process: without a network each try may take its whole time limit.
    """
    import torch

    kept = cache_folder() / "alexnet_features.pth"
    try:
        data = _fetch(_ALEXNET_URL)
        if not hashlib.sha256(data).hexdigest().startswith(_ALEXNET_HASH):
            return f"{_ALEXNET_URL} came damaged; try again"
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        buffer = io.BytesIO()
        torch.save({key: state[key] for key in state if key.startswith("features.")}, buffer)
        make_folder(kept.parent)
        write_atomic(kept, buffer.getvalue())
    except (OSError, HTTPException) as error:
        return (
            f"no AlexNet weights here and {_ALEXNET_URL} cannot be fetched ({_line(error)}); "
            f"let {ALEXNET_VARIABLE} name that file"
        )
    return kept


def _fetch(url: str) -> bytes:
    from tqdm import tqdm

    buffer = io.BytesIO()
    with (
        urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply,
        tqdm.wrapattr(reply, "read", total=reply.length, desc="AlexNet", disable=None) as body,
    ):
        shutil.copyfileobj(body, buffer)
    return buffer.getvalue()


def _line(error: BaseException) -> str:
    reason = getattr(error, "reason", None)  # urllib wraps it
    if isinstance(reason, OSError):
        error = reason
    told = error.strerror if isinstance(error, OSError) else ""
    return (told or str(error) or type(error).__name__).splitlines()[0]
