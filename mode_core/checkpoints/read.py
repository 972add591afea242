"""Reading checkpoints from strangers: tensors only, nothing runs, nothing is copied.

torch refuses every name in a pickle that is not on its list. Training frameworks leave a few
harmless objects beside the tensors; those become inert stand-ins. Anything else is refused by name.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mode_core.checkpoints.download import is_web_page
from mode_core.errors import CheckpointError, ModeError

_WRAPPERS = ("state_dict", "model", "net")
_PREFIXES = "module.", "model."
"""What parallel and other trainers put before each name."""
_INERT_ROOTS = frozenset(
    {"pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "argparse", "typing"}
)
_INERT_NAMES = frozenset(
    {"numpy.dtype", "numpy.ndarray"}
    | {
        f"numpy.{core}.multiarray.{maker}"
        for core in ("core", "_core")
        for maker in ("scalar", "_reconstruct")
    }
)
"""Numbers beside the tensors, such as the best loss of a run."""
_ZIP, _OLD_PICKLE = b"PK\x03\x04", b"\x80\x02\x8a\x0a\x6c"
"""How files of torch.save begin, since 1.6 and before."""
_OTHER = "it does not begin as files of torch.save do"
_WANTED = re.compile(r"GLOBAL ([\w.]+)|(?:global|class) ([\w.]+\.[\w.]+)")


class _Inert:
    """Stands for an object of a training framework; holds nothing and does nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, item: object) -> None:
        """Forget it."""

    def extend(self, items: object) -> None:
        """Forget them."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, mapped from disk where the format allows it."""
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; name the file in it")
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    loaded = _read_safetensors(path) if path.suffix == ".safetensors" else _unpickle(path)
    state = _state_dict(loaded)
    if not state:
        raise CheckpointError(f"{path} holds no state dict: no names with tensors were found in it")
    return state


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        reason = _kind_of(path) or f"it is not a whole safetensors file ({error})"
        raise _unreadable(path, reason) from error


def _unpickle(path: Path) -> Any:
    mapped = _is_archive(path)
    try:
        stand_ins = _stand_ins(path) if mapped else []
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():  # type: ignore[arg-type]
            # torch warns about old protocols, but our own sentence says what is wrong
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except (ModeError, OSError, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        wanted = _WANTED.search(str(error))
        if wanted:
            raise _hostile(path, wanted[1] or wanted[2]) from error
        raise _unreadable(path, _kind_of(path) or _OTHER) from error
    except Exception as error:
        # damaged bytes make the unpickler fail in every way there is
        raise _unreadable(path, _kind_of(path) or _OTHER) from error


def _stand_ins(path: Path) -> list[tuple[type, str]]:
    """Names in the file that are harmless to replace by nothing; raises if there are others."""
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    harmless = [
        name for name in names if name in _INERT_NAMES or name.split(".")[0] in _INERT_ROOTS
    ]
    foreign = set(names) - set(harmless)
    if foreign:
        raise _hostile(path, ", ".join(sorted(foreign)))
    return [(_Inert, name) for name in names]


def _kind_of(path: Path) -> str:
    """What an unreadable file is, by its first bytes; empty if they tell nothing."""
    # never torch's own message: it advises to switch off the guard against strangers' code
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "it is empty"
    if is_web_page(head):
        return "it is a web page, perhaps the one with the link"
    if head.startswith(_ZIP) and _is_archive(path):
        return "it is a damaged archive, or not one that torch.save has made"
    if head.startswith((_ZIP, _OLD_PICKLE)):
        return "it is cut off or damaged"
    text = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return "it is a text" if text else ""


def _is_archive(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def _unreadable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path} is not a checkpoint: {reason}; get the file again")


def _hostile(path: Path, wanted: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is refused: it wants to run {wanted}, and weights need no code; get the file from "
        "its authors again, or save its state dict alone where it was trained"
    )


def _state_dict(loaded: Any) -> dict[str, Tensor]:
    """The names and tensors inside wrappers, without a trainer's prefix."""
    for _ in range(3):
        if not isinstance(loaded, Mapping):
            return {}
        inner = (loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), Mapping))
        loaded = next(inner, loaded)
    tensors = {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
    while tensors and (found := [p for p in _PREFIXES if all(n.startswith(p) for n in tensors)]):
        tensors = {name.removeprefix(found[0]): value for name, value in tensors.items()}
    return tensors
