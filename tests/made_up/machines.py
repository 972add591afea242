"""The same reading as other threads, libraries and instruction sets do it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tests.conftest import PYTHON, ROOT, process

OTHERS = (
    {"ATEN_CPU_CAPABILITY": "default"},
    {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
)


def found_everywhere(probe: Callable[[bytes], tuple[bytes, str]], payload: bytes) -> set[str]:
    """What a test module's `probe` finds in a payload on each kind of machine."""
    torch.set_num_threads(2)
    found = {probe(payload)[1]}
    torch.set_num_threads(1)
    with torch.backends.mkldnn.flags(enabled=False):
        found.add(probe(payload)[1])
    home = probe.__module__
    code = f"from {home} import probe; print(probe(bytes.fromhex({payload.hex()!r}))[1])"
    for kind in OTHERS:
        found.add(process(PYTHON, "-c", code, cwd=ROOT, env=kind, check=True).stdout.strip())
    return found
