"""What rows stand on: program, packages, weights, metrics and precision.

A machine on which any of it is another would give other rows, and must not give any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mode_core.codecs.identity import digest_of, family
from mode_core.codecs.registry import find_codec
from mode_core.errors import WeightsUnavailable
from mode_core.evaluation.bench import wanted_metrics
from mode_core.evaluation.workers import Maker
from mode_core.metrics.backbones import alexnet_path, dists_paths
from mode_core.settings import ROOT
from mode_core.weights.provenance import PACKAGES, versions
from mode_core.weights.sets import PUBLIC, find_weights

_SHOWN = 12
_PROGRAM = ("*.py", "*.npz")


def basis() -> Mapping[str, str]:
    """What all rows stand on here, by what each thing is called in a sentence."""
    from mode_core.layers.device import fast_type

    # a build for another accelerator (+cu130) is the same version
    packages = {name: found.partition("+")[0] for name, found in versions(PACKAGES).items()}
    return {
        "mode_core": _digest(_program_files()),
        **packages,
        "metrics": ", ".join(one.key for one in wanted_metrics()) or "none",
        "the metrics' networks": _digest(_metric_files()),
        "MODE_PRECISION": str(fast_type()).removeprefix("torch."),
    }


def weights_basis(maker: Maker | None) -> Mapping[str, str]:
    """What rows of a codec stand on besides."""
    return {} if maker is None else {f"weights of {maker[0]}": _weights(*maker)}


def difference(expected: Mapping[str, str], own: Mapping[str, str]) -> str:
    """The first thing that is another one, in words; empty where all is the same."""
    for name, value in expected.items():
        if own.get(name) != value:
            return f"{name} is {own.get(name, 'absent')} and should be {value}"
    return ""


def _weights(codec: str, profile: str) -> str:
    if not find_codec(codec).learned:
        return "none"
    try:
        imported = profile.startswith(PUBLIC)
        sets = family(codec, profile) if imported else [find_weights(codec, profile)]
        return ", ".join(digest_of(one).hex()[:_SHOWN] for one in sets)
    except WeightsUnavailable:
        return "absent"


def _program_files() -> list[Path]:
    return sorted(path for kind in _PROGRAM for path in (ROOT / "mode_core").rglob(kind))


def _metric_files() -> list[Path]:
    found: list[Path] = []
    with suppress(WeightsUnavailable):  # its metric is not measured then, which `metrics` says
        found.append(alexnet_path())
    with suppress(WeightsUnavailable):
        found.extend(dists_paths())
    return found


def _digest(paths: Iterable[Path]) -> str:
    """The start of a SHA-256 over what files hold, wherever they lie."""
    total = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        total.update(f"{len(data)}\n".encode())
        total.update(data)
    return total.hexdigest()[:_SHOWN]
