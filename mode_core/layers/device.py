"""Where and how precisely networks run: exact coding on the CPU, pictures where it is fastest."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from mode_core.errors import ModeError
from mode_core.settings import setting

DEVICE_VARIABLE = "MODE_DEVICE"
PRECISION_VARIABLE = "MODE_PRECISION"
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def chosen_device() -> torch.device:
    """Where pictures are computed: MODE_DEVICE, else a GPU if there is one, else the CPU."""
    here = torch.cuda.is_available()
    name = setting(DEVICE_VARIABLE) or ("cuda" if here else "cpu")
    if name.partition(":")[0] not in (("cpu", "cuda") if here else ("cpu",)):
        known = "cpu or cuda" if here else "cpu alone: torch sees no GPU"
        raise ModeError(f"{DEVICE_VARIABLE} is {name!r}; here it can be {known}")
    return torch.device(name)


def fast_type() -> torch.dtype:
    """What pictures are computed in: MODE_PRECISION, else bfloat16 if the device multiplies it.

    Where the processor does so, drawing takes about half the time; pictures move by a level at most
    here and there (DLF: three), their PSNR by less than 0.01 dB.
    """
    name = setting(PRECISION_VARIABLE)
    if name and name not in _TYPES:
        raise ModeError(f"{PRECISION_VARIABLE} is {name!r}; it can be {' or '.join(_TYPES)}")
    if name:
        return _TYPES[name]
    return torch.bfloat16 if multiplies_bfloat16(chosen_device()) else torch.float32


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products of bfloat16, and so gains by them."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported())


def sent(numbers: Tensor, device: torch.device) -> Tensor:
    """Numbers of the host on a device; the host does not wait until they are there."""
    if device.type == "cuda":
        numbers = numbers.pin_memory()
    return numbers.to(device, non_blocking=True)


def quick(dtype: torch.dtype) -> torch.autocast:
    """A context in which layers of networks compute in `dtype`; for drawing alone."""
    return torch.autocast(chosen_device().type, dtype, enabled=dtype != torch.float32)


class NetOnDevice:
    """A network on the CPU for exact coding, and on the chosen device for pictures."""

    def __init__(self, net: nn.Module, on_gpu: torch.dtype = torch.float32) -> None:
        self.exact, self.on_gpu = net, on_gpu
        self.device = chosen_device()

    @cached_property
    def drawing(self) -> Any:
        """The network that draws pictures: on a CPU the same one, else a copy on the device."""
        net = self.exact
        if self.device.type != "cpu":
            net = deepcopy(net).to(self.device, self.on_gpu)
        parts: tuple[nn.Module, ...] = getattr(net, "transforms", (net,))
        for part in parts:
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return net

    def quality_at(self, trained: float) -> Tensor:
        """A quality, counted in trained ones, as a tensor for the float networks."""
        return torch.tensor([trained], dtype=torch.float32, device=self.device)
