"""A public checkpoint into a folder of weights: checked first, streamed, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import Tensor

from mode_core.files import make_folder
from mode_core.imports.dialects import Dialect, find_dialect, likely_dialect
from mode_core.imports.picture import built_in_picture
from mode_core.imports.reading import CheckpointError, read_checkpoint
from mode_core.registry import find_codec
from mode_core.types import Target
from mode_core.weights import CARD, WeightsSet, all_weights, weights_folders

if TYPE_CHECKING:
    from torch import nn

SHARD_BYTES = 256 << 20
_FORM = "1"
"""Raised when the same checkpoint would become other weights: part of the tag."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
_KEPT_WHOLE = ("hybrid_codec.quantize", "codebook", "embedding", "bottleneck")
"""Parts of names whose tensors decide integers: never in half precision."""
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a checkpoint is from, for its card."""

    path: Path
    source: str = ""
    licence: str = ""


def import_checkpoint(
    codec: str, origin: Origin, dialect_name: str = "", name: str = "", whole: bool = False
) -> WeightsSet:
    """The imported set; `whole` keeps all weights in float32 where half precision is usual."""
    dialect = find_dialect(codec, dialect_name)
    name = name or f"{codec}-{origin.path.stem}"
    if not _NAME.fullmatch(name):
        raise CheckpointError(f"{name!r} is no name for a folder; use letters, digits, - . and _")
    folder = weights_folders()[-1] / name
    if folder.exists():
        raise CheckpointError(f"{folder} is there already; choose another --name or delete it")
    state = read_checkpoint(origin.path)
    tensors = dialect.rename(state)
    net, config = dialect.skeleton(state)
    _refuse_misfit(origin.path, dialect, _shapes(net, dialect), tensors, state)
    half = dialect.half and not whole
    _refuse_full_disk(folder.parent, tensors, half)
    sha256 = file_sha256(origin.path)
    facts = {
        "codec": codec,
        "width": dialect.width,
        "config": config,
        "dialect": dialect.name,
        "sha256": sha256,
        "identity": _identity(sha256, dialect, half),
    }
    return _write(folder, _stored(net, dialect, tensors, half), facts, dialect, origin)


def file_sha256(path: Path) -> str:
    """The hash of a file, in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identity(sha256: str, dialect: Dialect, half: bool) -> str:
    made = f"{sha256} {dialect.codec} {dialect.name} {'half' if half else 'whole'} {_FORM}"
    return hashlib.sha256(made.encode()).hexdigest()


def _shapes(net: nn.Module, dialect: Dialect) -> dict[str, tuple[int, ...]]:
    own = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    return {name: shape for name, shape in own.items() if name not in dialect.optional}


def _refuse_misfit(
    path: Path,
    dialect: Dialect,
    own: Mapping[str, tuple[int, ...]],
    given: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
) -> None:
    """One message with all that is wrong; nothing has been written yet."""
    missing = [name for name in own if name not in given]
    extra = [name for name in given if name not in own]
    misshaped = [
        f"{name} is {tuple(given[name].shape)}, expected {shape}"
        for name, shape in own.items()
        if name in given and tuple(given[name].shape) != shape
    ]
    kinds = (("missing", missing), ("unknown", extra), ("misshaped", misshaped))
    found = [f"{len(names)} {kind} ({_some(names)})" for kind, names in kinds if names]
    if not found:
        return
    guess = likely_dialect(state)
    hint = "it is in no dialect that is known here"
    if guess is not None:
        hint = f"it looks like {guess.codec}: give {guess.codec} and --dialect {guess.name}"
    if guess == dialect:
        hint = "the names are of this dialect, so it is of another version or size"
    raise CheckpointError(
        f"{path} does not fit {dialect.codec} in dialect {dialect.name}: {'; '.join(found)}; {hint}"
    )


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _refuse_full_disk(home: Path, tensors: Mapping[str, Tensor], half: bool) -> None:
    make_folder(home)
    needed = sum(_stored_bytes(name, value, half) for name, value in tensors.items())
    free = shutil.disk_usage(home).free
    if free < needed * 1.05 + (16 << 20):
        raise CheckpointError(
            f"{home} has {free / 1e9:.1f} GB free, the weights need {needed / 1e9:.1f} GB; free "
            "some space or set MODE_WEIGHTS to another folder"
        )


def _stored_bytes(name: str, value: Tensor, half: bool) -> int:
    return value.numel() * (2 if half and _may_be_half(name, value) else value.element_size())


def _may_be_half(name: str, value: Tensor) -> bool:
    whole = any(part in name for part in _KEPT_WHOLE)
    return value.is_floating_point() and value.ndim >= 2 and not whole


def _stored(
    net: nn.Module, dialect: Dialect, tensors: Mapping[str, Tensor], half: bool
) -> Iterator[tuple[str, Tensor]]:
    """What is written, one tensor at a time, so that a large file is never in memory as a whole."""
    own = net.state_dict()
    for name, value in tensors.items():
        wanted = torch.float16 if half and _may_be_half(name, value) else own[name].dtype
        yield name, value.detach().to(wanted).contiguous()
    if dialect.optional:
        yield from _coder_tables(tensors).items()


def _coder_tables(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The hyper-latent's tables: made here, once, and data from now on."""
    from compressai.entropy_models import EntropyBottleneck

    from mode_core.nets.factorised import integer_tables

    prefix = "entropy_bottleneck."
    bottleneck = EntropyBottleneck(len(tensors[f"{prefix}quantiles"]))
    own = {n.removeprefix(prefix): v.float() for n, v in tensors.items() if n.startswith(prefix)}
    bottleneck.load_state_dict(own, strict=False)
    names = ("prior_cdf", "prior_size", "prior_offset")
    return dict(zip(names, integer_tables(bottleneck), strict=True))


def _write(
    folder: Path,
    tensors: Iterator[tuple[str, Tensor]],
    facts: dict[str, str],
    dialect: Dialect,
    origin: Origin,
) -> WeightsSet:
    """Fill a hidden folder, measure from it, and only then give it its name."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial)
    try:
        _write_shards(partial, tensors, facts)
        card = {
            "source": origin.source or dialect.source,
            "licence": origin.licence or dialect.licence,
            "file": origin.path.name,
            **measured_rate(WeightsSet(facts["codec"], facts["width"], partial, facts)),
        }
        (partial / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        (partial / "card.md").write_text(_card_text(folder.name, facts, card), encoding="utf-8")
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return next(found for found in all_weights() if found.folder == folder)


def _write_shards(
    folder: Path, tensors: Iterator[tuple[str, Tensor]], facts: dict[str, str]
) -> None:
    shard: dict[str, Tensor] = {}
    size, count = 0, 0
    for name, value in tensors:
        shard[name] = value
        size += value.numel() * value.element_size()
        if size >= SHARD_BYTES:
            save_file(shard, folder / f"{count:02}.safetensors", facts)
            shard, size, count = {}, 0, count + 1
    if shard:
        save_file(shard, folder / f"{count:02}.safetensors", facts)


def measured_rate(found: WeightsSet) -> dict[str, str]:
    """The rate of the real file of the built-in picture, and that it decodes."""
    from mode_core.codecs.public import FixedRateCodec

    codec, picture = FixedRateCodec(find_codec(found.codec), found), built_in_picture()
    bitstream = codec.encode(picture, Target(quality=0))
    error = (codec.decode(bitstream).astype(float) - picture) ** 2
    return {"bpp": f"{bitstream.bpp:.4f}", "mse": f"{error.mean():.2f}"}


def _card_text(name: str, facts: Mapping[str, str], card: Mapping[str, str]) -> str:
    rows = {
        "Source": card["source"],
        "File": card["file"],
        "SHA-256 of the file": facts["sha256"],
        "Licence": card["licence"],
        "Dialect": facts["dialect"],
        "Tag in files": facts["identity"][:8],
        "Rate on the built-in picture": f"{card['bpp']} bits per pixel, whole file",
        "Its mean squared error": f"{card['mse']} (8-bit steps)",
    }
    head = f"# {name}\n\nImported weights of {facts['codec']}.\n\n| | |\n|---|---|\n"
    return head + "".join(f"| {key} | {value} |\n" for key, value in rows.items())
