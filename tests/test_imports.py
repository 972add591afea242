"""The arrows between the layers, read from the source: nobody imports what lies above.

app        ui and its neighbours (gradio), plots (plotly), service (neither)
top        cli, bench, compare, training
middle     roundtrip, codecs, nets, metrics, tensors, entropy, weights
floor      types, errors, bitstream, headers, colours, images, files, rates, registry, results
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEARNING = {"torch", "torchvision", "compressai", "lpips", "safetensors", "mode_core.nets"}
PAGE = {"app", "gradio", "plotly"}
TOP = {f"mode_core.{name}" for name in ("cli", "arguments", "bench", "compare", "training")}
MIDDLE = {
    f"mode_core.{name}"
    for name in ("roundtrip", "codecs", "metrics", "tensors", "entropy", "weights")
}
FLOOR = LEARNING | TOP | MIDDLE

FORBIDDEN = {
    "mode_core": PAGE,
    "mode_core/types.py": FLOOR,
    "mode_core/errors.py": FLOOR | {"mode_core.types"},
    "mode_core/bitstream.py": FLOOR | {"numpy", "PIL"},
    "mode_core/headers.py": FLOOR | {"numpy", "PIL"},
    "mode_core/colours.py": FLOOR,
    "mode_core/images.py": FLOOR,
    "mode_core/files.py": FLOOR | {"numpy"},
    "mode_core/rates.py": FLOOR | {"numpy"},
    "mode_core/registry.py": FLOOR,
    "mode_core/results.py": FLOOR,
    "mode_core/codecs": TOP | {"mode_core.roundtrip", "mode_core.metrics", "mode_core.registry"},
    "mode_core/codecs/classical.py": LEARNING,
    "mode_core/nets": TOP | {"mode_core.roundtrip", "mode_core.codecs", "mode_core.registry"},
    "mode_core/metrics": TOP | {"mode_core.roundtrip", "mode_core.codecs", "mode_core.registry"},
    "mode_core/roundtrip.py": TOP | LEARNING | {"mode_core.metrics"},
    "mode_core/training": {"mode_core.cli", "mode_core.bench", "mode_core.compare"},
    "app/plots.py": {"gradio", "torch"},
    "app/service.py": {"gradio", "plotly", "torch"},
}
LIGHT = ("mode_core", "mode_core.registry", "mode_core.results", "mode_core.images")


def imports(path: Path) -> Iterator[str]:
    """Every name that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(path: Path, banned: set[str]) -> list[str]:
    return [
        f"{path.name} imports {name}"
        for name in imports(path)
        for above in banned
        if f"{name}.".startswith(f"{above}.")
    ]


@pytest.mark.parametrize("place", FORBIDDEN)
def test_nobody_imports_what_lies_above(place: str) -> None:
    path = ROOT / place
    files = [path] if path.suffix else sorted(path.rglob("*.py"))
    assert files, f"{place} is gone; its row in this table is stale"
    assert [found for file in files for found in violations(file, FORBIDDEN[place])] == []


def test_a_violation_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("def f():\n    from mode_core import bench\n    import torch.nn as nn\n")
    assert violations(path, TOP | LEARNING) == [
        "bad.py imports mode_core.bench",
        "bad.py imports torch.nn",
    ]
    assert violations(path, {"tor", "mode_core.benchmarks"}) == []


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_loads_no_torch(module: str) -> None:
    """A fresh process, because here something else may have loaded it."""
    heavy = "{'torch', 'compressai', 'gradio', 'plotly', 'pandas', 'scipy'}"
    code = f"import sys, {module}; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_the_public_names_are_all_there() -> None:
    import mode_core

    assert sorted(mode_core.__all__) == sorted(set(mode_core.__all__))
    for name in mode_core.__all__:
        assert getattr(mode_core, name) is not None
    promised = {"load_codec", "roundtrip", "Target", "Anchor", "Bitstream", "read_image", "bd_rate"}
    assert promised <= set(mode_core.__all__)
