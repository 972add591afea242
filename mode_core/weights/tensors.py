"""Tensors of a set: a network filled with them, shard by shard, and files written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.modules import module

from mode_core.errors import WeightsUnavailable
from mode_core.weights.sets import MENDING, WeightsSet

_LARGE = 1 << 16


def filled(
    make: Callable[..., nn.Module],
    configure: Callable[..., Any],
    found: WeightsSet,
    experts: Sequence[nn.Module] = (),
    without: tuple[str, ...] = (),
) -> nn.Module:
    """The network in float32 on the CPU, ready to evaluate; `without` names parts to leave out."""
    net = _bare(make, configure, found, experts)
    for part in without:
        parent, _, name = part.rpartition(".")
        delattr(net.get_submodule(parent), name)
    _fill(net, found, without)
    return net.eval().requires_grad_(False)


def _bare(
    make: Callable[..., nn.Module],
    configure: Callable[..., Any],
    found: WeightsSet,
    experts: Sequence[nn.Module],
) -> nn.Module:
    """The network as its configuration says, which anybody may have written."""
    try:
        config = configure(**_tuples(json.loads(found.facts["config"])))
        with _no_memory_for_parameters():
            return make(*experts, config)
    except (
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise WeightsUnavailable(_other_version(found, "its configuration is another")) from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write a safetensors file with the mode of any new file; the library makes it private."""
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file(dict(tensors), path, dict(facts))
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
    path.chmod(mode)


@contextmanager
def _no_memory_for_parameters() -> Iterator[None]:
    """A context in which large parameters of new networks have a shape but no memory yet."""

    def emptied(_: nn.Module, __: str, parameter: nn.Parameter) -> nn.Parameter:
        if parameter.numel() < _LARGE:
            return parameter  # CompressAI replaces its own while it makes them
        return nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)

    handle = module.register_module_parameter_registration_hook(emptied)  # type: ignore[arg-type]
    try:
        yield
    finally:
        handle.remove()


def _fill(net: nn.Module, found: WeightsSet, without: tuple[str, ...]) -> None:
    """Fill the network shard by shard, so that large sets are never in memory twice."""
    own = net.state_dict()
    left_out = tuple(f"{part}." for part in without)
    try:
        shapes: dict[str, tuple[int, ...]] = {}
        for shard in found.shards:
            with safe_open(shard, "pt") as file:
                shapes |= {n: tuple(file.get_slice(n).get_shape()) for n in file.keys()}  # noqa: SIM118
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(left_out)}
        _refuse_other_tensors({n: tuple(v.shape) for n, v in own.items()}, shapes, found)
        for shard in found.shards:
            with safe_open(shard, "pt") as file:
                names = shapes.keys() & file.keys()
                given = {n: file.get_tensor(n).to(own[n].dtype, copy=True) for n in names}
            net.load_state_dict(given, strict=False, assign=True)
    except (OSError, SafetensorError) as error:
        how = MENDING[found.is_public]
        raise WeightsUnavailable(f"the weights in {found.folder} are damaged; {how}") from error


def _refuse_other_tensors(
    own: dict[str, tuple[int, ...]], given: dict[str, tuple[int, ...]], found: WeightsSet
) -> None:
    wrong = [n for n in own if given.get(n) != own[n]] + sorted(set(given) - set(own))
    if wrong:
        raise WeightsUnavailable(_other_version(found, f"first difference: {wrong[0][:80]}"))


def _other_version(found: WeightsSet, what: str) -> str:
    return (
        f"the weights in {found.folder} do not fit this version of {found.codec} ({what}); "
        "train or fetch newer ones"
    )


def _tuples(value: Any) -> Any:
    """JSON lists as tuples, all the way down: configurations are hashable."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
