"""Where the pretrained networks behind LPIPS and DISTS come from; never random, never guessed.

AlexNet's features are bundled; MODE_LPIPS_BACKBONE names others. What DISTS needs is not:
VGG16's features (MODE_VGG16_BACKBONE, or `vgg16_features*.pth` in the folder of weights) and the
authors' weights (MODE_DISTS_WEIGHTS, or `dists_weights.pt` there). Finding a file loads no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mode_core.errors import WeightsUnavailable
from mode_core.settings import ASSETS, cache_folder, setting

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "Mapping[str, Tensor]"

BUNDLED_ALEXNET = ASSETS / "metrics" / "alexnet-features.safetensors"
_ALEXNET_CONVS = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3)}
_ALEXNET_CONVS[10] = (256, 256, 3)
_VGG16_WIDTHS = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256}
_VGG16_WIDTHS |= dict.fromkeys((17, 19, 21, 24, 26, 28), 512)


def alexnet_path() -> Path:
    """The file of AlexNet's features; WeightsUnavailable if it is not there."""
    return _file(
        "MODE_LPIPS_BACKBONE",
        [BUNDLED_ALEXNET],
        "AlexNet's features are missing from assets/metrics; fetch the repository again",
    )


def alexnet_state(path: Path) -> State:
    """The five convolutions of ImageNet's AlexNet, float32; WeightsUnavailable if not in it."""
    return _features(path, _ALEXNET_CONVS)


def dists_paths() -> tuple[Path, Path]:
    """The authors' file of DISTS weights, and VGG16's features; WeightsUnavailable if not here."""
    home = cache_folder()
    weights = _file(
        "MODE_DISTS_WEIGHTS",
        [home / "dists_weights.pt"],
        f"no DISTS weights in {home}; let MODE_DISTS_WEIGHTS name the authors' weights.pt",
    )
    backbone = _file(
        "MODE_VGG16_BACKBONE",
        sorted(home.glob("vgg16_features*.pth")),
        f"no VGG16 features in {home}; let MODE_VGG16_BACKBONE name torchvision's "
        "vgg16-397923af.pth",
    )
    return weights, backbone


def vgg16_state(path: Path) -> State:
    """The 13 convolutions of ImageNet's VGG16, float32; WeightsUnavailable if not in it."""
    inputs = [3, *_VGG16_WIDTHS.values()]
    shapes = {
        layer: (width, inputs[place], 3)
        for place, (layer, width) in enumerate(_VGG16_WIDTHS.items())
    }
    return _features(path, shapes)


def load_state(path: Path) -> State:
    """The tensors of a safetensors file or one of torch.save; nothing in it is run."""
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise whatever their bytes happen to ask for
        raise WeightsUnavailable(f"{path} is not a file of weights: {_why(error)}") from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and torch.is_tensor(item) for key, item in state.items()
    ):
        raise WeightsUnavailable(f"{path} is not a state dict: names with tensors are expected")
    return state


def _file(variable: str, usual: Sequence[Path], otherwise: str) -> Path:
    """The file that a variable names, which must be there, or else the first of the usual ones."""
    if named := setting(variable):
        if not Path(named).is_file():
            raise WeightsUnavailable(f"{variable} names {named}, which is not a file")
        return Path(named)
    for path in usual:
        if path.is_file():
            return path
    raise WeightsUnavailable(otherwise)


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


def _why(error: BaseException) -> str:
    """In words of ours: those of the libraries advise to load the file unsafely."""
    told = error.strerror if isinstance(error, OSError) else ""
    return told or "it is damaged, or of another kind"
