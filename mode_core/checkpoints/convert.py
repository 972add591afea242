"""Makes a folder of weights of a public checkpoint: checked, streamed, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mode_core.checkpoints.checks import refuse_infinite, refuse_misfit, refuse_odd
from mode_core.checkpoints.dialects import find_dialect
from mode_core.checkpoints.download import file_sha256
from mode_core.checkpoints.read import read_checkpoint
from mode_core.codecs.dialect import Dialect
from mode_core.codecs.registry import find_codec
from mode_core.errors import CheckpointError, ModeError
from mode_core.pictures.synthetic import built_in_picture
from mode_core.stream.atomic import make_folder, size_in_words
from mode_core.types import Target
from mode_core.weights.sets import CARD, WeightsSet, all_weights, import_folder
from mode_core.weights.tensors import write_tensors

SHARD_BYTES = 256 << 20
_CONVERSION = "3"
"""Part of the tag; must change when the same checkpoint would become other weights."""
_LONGEST_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9][\w.-]{{0,{_LONGEST_NAME - 1}}}", re.ASCII)
_NEVER_HALF = (
    "hybrid_codec.encoder", "hybrid_codec.quantize", "latent_tokens", "codebook", "embedding",
    "bottleneck",
)  # fmt: skip
"""Parts of names whose tensors decide integers: never in half precision."""
_PARTIAL = ".partial"
_STALE_S = 24 * 3600
"""Seconds after which no import can still be filling its folder."""
_TABLES = "prior_tables."
"""The prefix of tensors that checkpoints lack and that are made here."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a checkpoint is from, for its card."""

    path: Path
    source: str = ""
    licence: str = ""
    address: str = ""
    """Where it was fetched."""


def import_checkpoint(
    codec: str, origin: Origin, dialect_name: str = "", name: str = "", float32: bool = False
) -> WeightsSet:
    """The imported set; `float32` keeps all weights in it where half precision is usual."""
    dialect = find_dialect(codec, dialect_name, origin.path.name)
    name = name or _default_name(codec, origin.path.name)
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"--name {name!r} is no name for a folder; use letters, digits, - . and _"
        )
    folder = import_folder() / name
    licence = origin.licence or dialect.licence
    fill = partial(_convert, origin.path, dialect, dialect.half and not float32, licence)
    card = {
        "source": origin.source or dialect.source,
        "licence": licence,
        "file": origin.path.name,
    }
    card |= {"address": origin.address} if origin.address else {}
    try:
        return add_set(folder, fill, card)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        raise ModeError(
            f"there is not enough memory to convert {origin.path}; close other programs, or do it "
            f"on a larger machine and copy {name} from there into {folder.parent}"
        ) from error


def _default_name(codec: str, file_name: str) -> str:
    """The file's name without its endings and without what no folder should be called."""
    stem = re.sub(r"(\.(pth|tar|pt|ckpt|zip|bin|safetensors))+$", "", file_name, flags=re.I)
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.")
    return f"{codec}-{plain}".rstrip("-")[:_LONGEST_NAME]


def add_set(
    folder: Path, fill: Callable[[Path], dict[str, str]], card: dict[str, str]
) -> WeightsSet:
    """A new set: a hidden folder is filled and measured, and only then gets its name."""
    if folder.exists():
        raise CheckpointError(f"{folder} is there already; choose another --name or delete it")
    hidden = folder.with_name(f".{folder.name}{_PARTIAL}")
    shutil.rmtree(hidden, ignore_errors=True)
    _remove_stale(folder.parent)
    try:
        # `fill` has closed the file that it read, since measuring needs the memory
        facts = fill(hidden)
        made = WeightsSet(facts["codec"], facts["width"], hidden, facts)
        card |= measured_rate(made)
        (hidden / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        (hidden / "card.md").write_text(_card_text(folder.name, facts, card), encoding="utf-8")
        hidden.rename(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return next(found for found in all_weights() if found.folder == folder)


def _remove_stale(home: Path) -> None:
    """Delete what killed imports have left; others may be at work in younger folders."""
    for left in home.glob(f".*{_PARTIAL}"):
        # another import may remove it first
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _convert(
    path: Path, dialect: Dialect, half: bool, licence: str, folder: Path
) -> dict[str, str]:
    """Write shards into a new folder if all names and shapes fit; gives their metadata."""
    state = read_checkpoint(path)
    refuse_odd(path, state)
    tensors = dialect.rename(state)
    net, config = dialect.skeleton(state)
    wanted = {name: own for name, own in net.state_dict().items() if not name.startswith(_TABLES)}
    refuse_misfit(path, dialect, wanted, tensors, state)
    dtypes = {
        name: torch.float16 if half and may_be_half(name, tensors[name]) else own.dtype
        for name, own in wanted.items()
    }
    _refuse_full_disk(folder.parent, tensors, half)
    sha256 = file_sha256(path)
    kept = "half decoder" if half else "whole"
    identity = f"{sha256} {dialect.codec} {dialect.name} {kept} {_CONVERSION}"
    facts = {
        "codec": dialect.codec,
        "width": dialect.width,
        "config": config,
        "dialect": dialect.name,
        "sha256": sha256,
        "identity": hashlib.sha256(identity.encode()).hexdigest(),
        # in the shards as well as on the card: terms must not be lost with a small file
        "licence": licence,
    }
    tables = _coder_tables(path, tensors, dialect.prior) if dialect.prior else {}
    plan = _shards(tensors)
    facts["shards"] = str(len(plan))  # so that a set is none while it is being copied
    del state, tensors
    make_folder(folder)
    for count, names in enumerate(plan):
        # opened anew for each shard, or all pages that were read would stay in memory
        given = dialect.rename(read_checkpoint(path))
        shard = {name: given[name].detach().to(dtypes[name]).contiguous() for name in names}
        refuse_infinite(path, given, shard)
        shard |= tables if count == 0 else {}
        write_tensors(folder / f"{count:02}.safetensors", shard, facts)
    return facts


def _shards(tensors: Mapping[str, Tensor]) -> list[list[str]]:
    """The names, in groups that fit in memory."""
    groups: list[list[str]] = [[]]
    size = 0
    for name, value in tensors.items():
        if size >= SHARD_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += value.numel() * value.element_size()
    return groups


def _refuse_full_disk(home: Path, tensors: Mapping[str, Tensor], half: bool) -> None:
    make_folder(home)
    stored = sum(
        value.numel() * (2 if half and may_be_half(name, value) else value.element_size())
        for name, value in tensors.items()
    )
    needed, free = stored * 1.05 + (16 << 20), shutil.disk_usage(home).free
    if free < needed:
        raise ModeError(
            f"{home} has {size_in_words(free)} free, the weights need {size_in_words(needed)}; "
            "free some space or set MODE_WEIGHTS to another folder"
        )


def may_be_half(name: str, value: Tensor) -> bool:
    """Whether half precision would do for a tensor: a large one that only draws."""
    decides = any(part in name for part in _NEVER_HALF)
    return value.is_floating_point() and value.ndim >= 2 and not decides


def _coder_tables(path: Path, tensors: Mapping[str, Tensor], prior: str) -> dict[str, Tensor]:
    """The hyper-latent's tables: made here once, and from then on stored as data."""
    from compressai.entropy_models import EntropyBottleneck

    from mode_core.layers.factorised import PriorTables

    bottleneck = EntropyBottleneck(len(tensors[f"{prior}.quantiles"]))
    names = [f"{prior}.{name}" for name, _ in bottleneck.named_parameters()]
    own = {name: tensors[name].float() for name in names}
    refuse_infinite(path, tensors, own)
    own = {name.removeprefix(f"{prior}."): value for name, value in own.items()}
    bottleneck.load_state_dict(own, strict=False)
    tables = PriorTables(bottleneck.channels)
    tables.make_from(bottleneck)
    return {f"{_TABLES}{name}": value for name, value in tables.state_dict().items()}


def measured_rate(found: WeightsSet) -> dict[str, str]:
    """The rate of the built-in picture's real file, and the squared error of what it decodes to."""
    from mode_core.codecs.learned import FixedRateCodec

    info, picture = find_codec(found.codec), built_in_picture()
    # two codecs, one after the other: each loads only its half of a large network
    bitstream = FixedRateCodec(info, found).encode(picture, Target(quality=0))
    error = (FixedRateCodec(info, found).decode(bitstream).astype(float) - picture) ** 2
    return {"bpp": f"{bitstream.bpp:.4f}", "mse": f"{error.mean():.2f}"}


def _card_text(name: str, facts: Mapping[str, str], card: Mapping[str, str]) -> str:
    rows = {
        "Source": card["source"],
        "File": card["file"],
        "Fetched from": card.get("address", "-"),
        "SHA-256 of the file": facts["sha256"],
        "Licence": card["licence"],
        "Dialect": facts["dialect"],
        "Tag in files": facts["identity"][:8],
        "Rate on the built-in picture": f"{card['bpp']} bits per pixel, whole file",
        "Its mean squared error": f"{card['mse']} (8-bit steps)",
    }
    head = f"# {name}\n\nImported weights of {facts['codec']}.\n\n| | |\n|---|---|\n"
    return head + "".join(f"| {key} | {value} |\n" for key, value in rows.items())
