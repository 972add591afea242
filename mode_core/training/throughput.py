"""How fast the device could go, to compare a run's speed with."""

from __future__ import annotations

import time

import torch

MEASURED_S = 0.5
_SIDE = {"cuda": 8192, "cpu": 1024}


def best_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second that a large matrix product reaches here: what could be had."""
    side = _SIDE.get(device.type, 1024)
    a = torch.randn(side, side, device=device, dtype=dtype)
    end, fastest = time.perf_counter() + MEASURED_S, float("inf")
    while time.perf_counter() < end or fastest == float("inf"):
        start = time.perf_counter()
        a @ a
        _wait(device)
        fastest = min(fastest, time.perf_counter() - start)
    return 2.0 * side**3 / fastest


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
