"""Run folders: weights for use, full state for exact continuation, never half-written."""

from __future__ import annotations

import dataclasses
import errno
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import disk_usage
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mode_core.stream.atomic import replacing
from mode_core.training.optim import layer_weights
from mode_core.training.stage import TrainingError
from mode_core.weights.tensors import write_tensors

WEIGHTS, STATE = "weights.safetensors", "state.pt"


def save_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file that replaces the old one; a full disk is said in words."""
    try:
        with replacing(path) as part:
            write(part)
    except (OSError, SafetensorError, RuntimeError) as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        if not full and not (path.parent.exists() and disk_usage(path.parent).free < 1 << 20):
            raise
        again = "continue with --resume" if (path.parent / WEIGHTS).exists() else "start again"
        raise TrainingError(
            f"the disk of {path.parent} is full; free some space and {again}"
        ) from error


def half_names(net: nn.Module) -> set[str]:
    """Names of weights that files hold in fp16: those of convolutions and linear layers.

    Gains, codebooks, prior parameters and biases are small and stay fp32.
    """
    return set(layer_weights(net))


def stored(net: nn.Module) -> dict[str, Tensor]:
    """The network's state as a weights file holds it."""
    half = half_names(net)
    state = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    return {name: value.half() if name in half else value.clone() for name, value in state.items()}


def facts_of(net: nn.Module) -> dict[str, str]:
    """The network's configuration as file metadata."""
    config = getattr(net, "config", None)
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        return {}
    return {"config": json.dumps(dataclasses.asdict(config))}


def save_weights(folder: Path, tensors: dict[str, Tensor], facts: Mapping[str, object]) -> None:
    """Write the weights file of a run."""
    metadata = {name: str(value) for name, value in facts.items()}
    save_atomic(folder / WEIGHTS, lambda path: write_tensors(path, tensors, metadata))


def read_weights(source: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a run's folder, of a set's, or of a weights file."""
    path = source / WEIGHTS if source.is_dir() else source
    shards = [path] if path.exists() else sorted(source.glob("[0-9]*.safetensors")) or [path]
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    try:
        for shard in shards:
            with safe_open(shard, "pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                metadata = file.metadata() or {}
        return tensors, metadata
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"{path} is not a weights file ({error}); name a folder that training has written"
        ) from error


def load_into(net: nn.Module, source: Path, codec: str = "") -> dict[str, str]:
    """Fill a network, of a codec, with saved weights of its width; gives the file's metadata."""
    tensors, metadata = read_weights(source)
    own = net.state_dict()
    wrong = [n for n, v in own.items() if n not in tensors or tensors[n].shape != v.shape]
    theirs = metadata.get("codec", "other")
    if wrong and codec and theirs != codec:
        raise TrainingError(f"{source} holds {theirs} weights; name the folder of a run of {codec}")
    if wrong:
        raise TrainingError(
            f"{source} holds {theirs} weights of width "
            f"{metadata.get('width', 'unknown')}, which do not fit this network "
            f"({len(wrong)} of {len(own)} tensors differ, first {wrong[0]}); give the same --width"
        )
    net.load_state_dict({name: tensors[name].to(own[name].dtype) for name in own})
    return metadata


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write what exact continuation needs."""
    save_atomic(folder / STATE, lambda path: torch.save(dict(state), path))


def read_state(folder: Path) -> dict[str, Any] | None:
    """The saved state of a run, or None where only weights are left."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise TrainingError(
            f"{path} is damaged ({str(error).splitlines()[0]}); delete it to restart warm from "
            f"{WEIGHTS}"
        ) from error
    return state
