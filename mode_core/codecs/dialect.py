"""A dialect: how public checkpoints name their tensors, and what network each describes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mode_core.weights.sets import PUBLIC

State = Mapping[str, Tensor]
NOGAN = f"{PUBLIC}-nogan"
_OLD_PRIOR = re.compile(r"(.*)\._(matrix|bias|factor)(\d)")
_NEW_PRIOR = {"matrix": "matrices", "bias": "biases", "factor": "factors"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One layout of public checkpoints."""

    codec: str
    name: str
    width: str
    signature: str
    """A tensor that only this layout has."""
    licence: str
    source: str
    rename: Callable[[State], dict[str, Tensor]]
    net: Callable[[State], tuple[Callable[..., nn.Module], Any]]
    """The network that the tensors describe, and its configuration."""
    half: bool = False
    """Whether what only draws is stored in half precision."""
    prior: str = ""
    """The factorised prior of a network whose coder tables are made on import."""
    in_file_name: str = ""
    """A part of its files' names that tells it from another dialect with the same tensors."""

    def skeleton(self, state: State) -> tuple[nn.Module, str]:
        """The network without memory for its parameters, and its configuration as text."""
        try:
            return self._built(state)
        except (ValueError, RuntimeError, IndexError):
            # no network has these sizes: with the usual ones, the wrong tensors can be named
            return self._built({})

    def _built(self, state: State) -> tuple[nn.Module, str]:
        make, config = self.net(state)
        with torch.device("meta"):
            net = make(config)
        return net, json.dumps(dataclasses.asdict(config))


def usual_side(state: State, names: Iterable[str], default: int) -> int:
    """The number of outputs that most of the layers have, so that errors name the odd layer."""
    sides = Counter(state[name].shape[0] for name in names if name in state and state[name].ndim)
    return sides.most_common(1)[0][0] if sides else default


def side(state: State, name: str, axis: int, default: int) -> int:
    """The length of one side of a tensor; the default where there is no such tensor."""
    value = state.get(name)
    return default if value is None or value.ndim <= axis else value.shape[axis]


def new_prior(name: str) -> str:
    """The name of a prior's parameter since CompressAI 1.2.5."""
    old = _OLD_PRIOR.fullmatch(name)
    return f"{old[1]}.{_NEW_PRIOR[old[2]]}.{old[3]}" if old else name
