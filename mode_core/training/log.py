"""CSV logs of a run, and the picture that shows how it looks."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from mode_core.training.checkpoint import save_atomic

SIDE = 192


def add_row(path: Path, row: Mapping[str, float]) -> None:
    """Append a row to a CSV file; a file with other columns is continued with its own."""
    new = not path.exists() or path.stat().st_size == 0
    with path.open("a+", newline="", encoding="utf-8") as file:
        file.seek(0)
        columns = list(row) if new else next(csv.reader(file))
        writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


class Means:
    """Running means of logged numbers, kept on the device until read."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, stats: Mapping[str, Tensor]) -> None:
        """Count one step's numbers in."""
        for name, value in stats.items():
            before = self._sums.get(name)
            value = value.detach().float()
            self._sums[name] = value if before is None else before + value
        self._count += 1

    def take(self) -> dict[str, float]:
        """The means so far; counting starts afresh."""
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


def _tile(picture: Tensor) -> Tensor:
    high, wide = picture.shape[-2:]
    y, x = max(0, (high - SIDE) // 2), max(0, (wide - SIDE) // 2)
    tile = torch.full((3, SIDE, SIDE), 0.5)
    part = picture[0, :, y : y + SIDE, x : x + SIDE].float().clamp(0, 1).cpu()
    tile[:, : part.shape[1], : part.shape[2]] = part
    return tile


def save_sheet(path: Path, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
    """A PNG with photos above and what the network made of them below."""
    rows = [torch.cat([_tile(pair[row]) for pair in pairs], 2) for row in (0, 1)]
    pixels = (torch.cat(rows, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    picture = PillowImage.fromarray(pixels)
    save_atomic(path, lambda part: picture.save(part, "PNG"))
