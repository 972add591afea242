"""Public ELIC checkpoints: V. Chandelier's re-implementation and CompressAI's class."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from mode_core.codecs.dialect import Dialect, State, new_prior, side, usual_side
from mode_core.codecs.elic.public import ElicPublic
from mode_core.codecs.elic.public_layers import CHANDELIER, OFFICIAL, ElicPublicConfig
from mode_core.errors import CheckpointError
from mode_core.layers.factorised import STORED_TABLES
from mode_core.weights.sets import PUBLIC

_GROUP = r"latent_codec\.y\.latent_codec\.y(\d+)\."
_COMPRESSAI = (
    (re.compile(r"latent_codec\.hyper\."), ""),
    (re.compile(r"latent_codec\.y\.channel_context\.y(\d+)\."), "cc_transforms.{}."),
    (re.compile(_GROUP + r"context_prediction\."), "context_prediction.{}."),
    (re.compile(_GROUP + r"entropy_parameters\."), "ParamAggregation.{}."),
)


def _elic_names(state: State) -> dict[str, Tensor]:
    """Chandelier's names are ours; derived buffers and stored coder tables are left out."""
    out = {}
    for name, value in state.items():
        last = name.rsplit(".", 1)[-1]
        if name.startswith("gaussian_conditional.") or last in STORED_TABLES:
            continue
        if name.startswith("context_prediction.") and last == "mask":
            _check_mask(name, value)
            continue
        out[new_prior(name)] = value
    return out


def _compressai_names(state: State) -> dict[str, Tensor]:
    out: dict[str, Tensor] = {}
    for name, value in state.items():
        for pattern, ours in _COMPRESSAI:
            found = pattern.match(name)
            if found:
                index = int(found[1]) - ("cc_" in ours) if found.groups() else 0
                out[ours.format(index) + name[found.end() :]] = value
                break
        else:
            if ".gaussian_conditional." not in name:
                out[name] = value
    return _elic_names(out)


def _check_mask(name: str, mask: Tensor) -> None:
    rows, columns = (torch.arange(side) for side in mask.shape[-2:])
    if bool((mask != (rows[:, None] + columns) % 2).any()):
        raise CheckpointError(f"{name} is no checkerboard: this ELIC has another spatial context")


_OF_WIDTH = ("g_a.0.weight", "h_a.0.weight", "h_a.2.weight", "h_a.4.weight")


def _elic_net(state: State) -> tuple[type[ElicPublic], ElicPublicConfig]:
    ours = _compressai_names(state)
    sizes = {}
    for name, value in ours.items():
        found = re.fullmatch(r"context_prediction\.(\d+)\.weight", name)
        if found and value.ndim == 4:
            sizes[int(found[1])] = value.shape[1]
    config = ElicPublicConfig()
    groups = tuple(sizes[k] for k in sorted(sizes)) if sizes else config.groups
    width = usual_side(ours, _OF_WIDTH, config.width)
    places = range(len(groups) - 1)
    first, second = (
        usual_side(ours, [f"cc_transforms.{k}.{layer}.weight" for k in places], default)
        for layer, default in zip((0, 2), config.context, strict=True)
    )
    # the last layer of h_s: outputs first in a convolution, inputs first in a transposed one
    plain = side(ours, "h_s.4.weight", 0, 2 * sum(groups)) == 2 * sum(groups)
    dialect = CHANDELIER if plain else OFFICIAL
    config = ElicPublicConfig(dialect, width, groups, (first, second))
    return ElicPublic, config


DIALECTS = (
    Dialect(
        "elic", "chandelier", PUBLIC, "cc_transforms.0.0.weight", "none stated by its author",
        "https://github.com/VincentChandelier/ELiC-ReImplemetation", _elic_names, _elic_net,
        prior="entropy_bottleneck",
    ),
    Dialect(
        "elic", "compressai", PUBLIC, "latent_codec.hyper.h_s.0.weight", "as its trainer states",
        "https://github.com/InterDigitalInc/CompressAI", _compressai_names, _elic_net,
        prior="entropy_bottleneck",
    ),
)  # fmt: skip
