"""What a training stage is: everything that differs between one run and another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from mode_core.errors import ModeError
from mode_core.training.optim import Rates

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Stats = dict[str, Tensor]
"""Numbers to log; they stay on the device until somebody reads them."""
Cost = tuple[Tensor, Stats]
"""What a step is to make smaller, and numbers to log."""


class TrainingError(ModeError):
    """The run cannot start or go on."""


class Rig(nn.Module):
    """The network in training, the frozen networks around it, and its critic if it has one."""

    net: Any
    critic: Any
    """Both are Any, because stages call methods of theirs that `nn.Module` does not have."""

    def __init__(
        self, net: nn.Module, critic: nn.Module | None = None, **frozen: nn.Module
    ) -> None:
        super().__init__()
        self.net = net
        self.facts: dict[str, str] = {}
        """Further facts for the metadata of the weights file."""
        self.schooled = False
        """Whether the network had learnt before this run; see `Stage.schooling`."""
        self.critic = critic
        self.frozen = nn.ModuleDict(frozen)
        self.frozen.requires_grad_(False)

    def partner(self, name: str) -> Any:
        """A frozen network."""
        return self.frozen[name]

    def train(self, mode: bool = True) -> Rig:
        """Switch the trained parts; frozen ones always evaluate."""
        super().train(mode)
        self.frozen.eval()
        return self


@dataclass(frozen=True, slots=True)
class Setup:
    """What the command line says about the networks to build."""

    width: str = "tiny"
    lpips_backbone: Path | None = None
    starts: Mapping[str, Path] = field(default_factory=dict)
    """Weights of frozen partners: codec id to a run's folder or a weights file."""


Loss = Callable[[Rig, Tensor, float, torch.Generator], Cost]
Validate = Callable[[Rig, Tensor], tuple[Tensor, dict[str, float]]]
Crops = Callable[[], Tensor]
"""Gives a large batch of crops (B, 3, H, W) in [0, 1], another one each time."""
Prepare = Callable[[Rig, Crops], None]


def everything(rig: Rig) -> list[nn.Parameter]:
    """All parameters of the trained network that it wants trained."""
    return [parameter for parameter in rig.net.parameters() if parameter.requires_grad]


def nothing(rig: Rig, crops: Crops) -> None:
    """No preparation."""


C = TypeVar("C")
D = TypeVar("D", bound="DataclassInstance")


def width_of(widths: Mapping[str, C], width: str) -> C:
    """The configuration of a width, by name."""
    if width not in widths:
        raise TrainingError(f"width {width!r} is unknown here; choose from {', '.join(widths)}")
    return widths[width]


def varied(widths: Mapping[str, D], changes: Mapping[str, Mapping[str, Any]], width: str) -> D:
    """The configuration of a width, or of one with what an ablation changes (`tiny-no-ese`)."""
    base, _, change = width.partition("-")
    config = width_of(widths, base)
    named = {f"{base}-{name}": one for name, one in changes.items()}
    return replace(config, **width_of(named, width)) if change else config


@dataclass(frozen=True, slots=True)
class Stage:
    """One way to train one network."""

    name: str
    codec: str
    """The id under which the weights are used."""
    assemble: Callable[[Setup], Rig]
    loss: Loss
    """Takes the rig, crops (B, 3, H, W) in [0, 1], progress 0..1 and a CPU generator."""
    validate: Validate
    """Takes the rig, gains frozen, and a photo (1, 3, H, W); gives a reconstruction and figures."""
    trainable: Callable[[Rig], list[nn.Parameter]] = everything
    prepare: Prepare = nothing
    """Runs once, on as many crops as it asks for, before a start from scratch."""
    continues: tuple[str, ...] = ()
    """Stages whose weights this one starts from; empty where it can start from nothing."""
    batch: int = 8
    gpu_batch: int = 32
    crop_mb: float = 400.0
    """Megabytes that a late crop needs on a device, at the largest width of ours, with room."""
    schooling: float = 0.0
    """The share of a run from nothing that only a network needs that knows nothing yet; one that
    goes on from weights leaves it out."""
    going_on: float = 1.0
    """The share of `rates` at which a network learns on that had learnt before this run."""
    crop: int = 192
    late_crop: int = 256
    """Crops of the last 15 % of the run."""
    rates: Rates = field(default_factory=Rates)
    clip: float = 2.0
    ema: float = 0.998
