"""Whether a checkpoint is what it is taken for: plain finite numbers under a dialect's names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mode_core.checkpoints.dialects import DIALECTS, likely_dialect
from mode_core.codecs.dialect import Dialect
from mode_core.errors import CheckpointError

_LISTED = 10
_NUMBERS = frozenset(
    {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool, torch.uint8}
    | {torch.int64, torch.int32, torch.int16, torch.int8}
)
_MASK = "_mask"


def refuse_odd(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are no plain arrays of real numbers, before anything uses them."""
    kinds = {name: _oddity(value) for name, value in state.items()}
    odd = [f"{name} is {kind}" for name, kind in kinds.items() if kind]
    if odd:
        raise CheckpointError(
            f"{path} holds tensors that are no plain arrays of real numbers: {_listed(odd)}; save "
            "them as dense floats"
        )


def refuse_infinite(path: Path, given: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> None:
    """Refuse NaN and infinity: coders would search for ever for the table of such a number."""
    wrong = [name for name, value in made.items() if not _is_finite(name, value)]
    broken = [name for name in wrong if not _is_finite(name, given[name])]
    if broken:
        raise CheckpointError(
            f"{path} holds NaN or infinity in {_listed(broken)}: no network can compute with that; "
            "get the file again, or an earlier one of that training"
        )
    if wrong:
        raise CheckpointError(
            f"{path} holds numbers in {_listed(wrong)} that are too large for "
            f"{_type_name(made[wrong[0]].dtype)}; where that is float16, add --float32"
        )


def refuse_misfit(
    path: Path,
    dialect: Dialect,
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
) -> None:
    """Refuse what does not fit, with all faults in one message; nothing has been written yet."""
    missing = [name for name in own if name not in given]
    extra = [name for name in given if name not in own]
    misshaped = [
        f"{name} is {tuple(given[name].shape)}, expected {tuple(wanted.shape)}"
        for name, wanted in own.items()
        if name in given and given[name].shape != wanted.shape
    ]
    kinds = (("missing", missing), ("unknown", extra), ("misshaped", misshaped))
    found = [f"{len(names)} {kind} ({_listed(names)})" for kind, names in kinds if names]
    if not found:
        _refuse_twin(path, dialect, state)
        return
    guess = likely_dialect(state, dialect)
    hint = "it is in no dialect that is known here"
    if guess is not None:
        hint = f"it looks like {guess.codec}: give {guess.codec} and --dialect {guess.name}"
    if guess == dialect:
        hint = "the other names are of this dialect, so it is of another version or size"
    raise CheckpointError(
        f"{path} does not fit {dialect.codec} in dialect {dialect.name}: {'; '.join(found)}; {hint}"
    )


def _refuse_twin(path: Path, dialect: Dialect, state: Mapping[str, Tensor]) -> None:
    """Refuse a file of another dialect of the codec: its source and licence would be wrong."""
    for other in DIALECTS:
        mine, theirs = dialect.signature in state, other.signature in state
        if other.codec == dialect.codec and theirs and not mine:
            raise CheckpointError(f"{path} is in dialect {other.name}; add --dialect {other.name}")


def _oddity(value: Tensor) -> str:
    if value.layout != torch.strided:
        return _type_name(value.layout)
    if value.dtype not in _NUMBERS:
        return _type_name(value.dtype)
    return "without data" if value.is_meta else ""


def _is_finite(name: str, value: Tensor) -> bool:
    # an attention mask holds minus infinity where attention is cut off
    if name.endswith(_MASK):
        value = value.masked_fill(value == -torch.inf, 0)
    return bool(torch.isfinite(value).all())


def _type_name(kind: torch.layout | torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _listed(names: list[str]) -> str:
    more = ", ..." if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
