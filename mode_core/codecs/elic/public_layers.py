"""The sizes of the public ELIC networks, and the layers that they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic.transforms import Attention, Chain, doubling, residuals
from mode_core.layers.blocks import Stage

CHANDELIER, OFFICIAL = "chandelier", "official"


@dataclass(frozen=True, slots=True)
class ElicPublicConfig:
    """The size of one public ELIC and which re-implementation it follows."""

    dialect: str = CHANDELIER
    width: int = 192
    groups: tuple[int, ...] = (16, 16, 32, 64, 192)
    context: tuple[int, int] = (224, 128)

    def __post_init__(self) -> None:
        if self.dialect not in (CHANDELIER, OFFICIAL):
            raise ValueError(f"the dialect is {self.dialect!r}, not {CHANDELIER} or {OFFICIAL}")

    @property
    def latent(self) -> int:
        """Channels of the latent."""
        return sum(self.groups)

    @property
    def side(self) -> int:
        """Channels of the hyper features."""
        return 2 * (self.latent if self.dialect == CHANDELIER else self.width)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stride, channels and 3x3 windows of the levels that MoDE changes, finest first."""
        n = self.width
        return (2, n, 3), (4, n, 6), (8, n, 3), (16, self.latent, 3)

    def seen_by(self, k: int) -> list[int]:
        """The groups whose channels group k sees."""
        return list(range(k)) if self.dialect == OFFICIAL or k < 2 else [0, k - 1]

    def parameter_widths(self, k: int) -> list[int]:
        """Channels between the layers that give means and scales."""
        group = self.groups[k]
        first, last = 2 * group * (2 if k else 1) + self.side, 2 * group
        if self.dialect == CHANDELIER:
            return [first, self.side, 512, last]
        ramp = torch.linspace(first, last, 4, device="cpu").floor().int().tolist()
        return [first, *(max(n, self.side) for n in ramp[1:3]), last]


class CheckerboardConv(nn.Conv2d):
    """A 5x5 convolution that sees only the other colour of the checkerboard."""

    seen: Tensor

    def __init__(self, group: int) -> None:
        super().__init__(group, 2 * group, 5, padding=2)
        taps = torch.arange(5)
        self.register_buffer("seen", (taps[:, None] + taps) % 2 == 1, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The convolved map."""
        return F.conv2d(x, self.weight * self.seen, self.bias, padding=2)


class Synthesis(Chain):
    """Latent to picture, in levels whose features MoDE changes."""

    _ENDS = (0, 1, 5, 10, 14)

    def __init__(self, latent: int, width: int) -> None:
        super().__init__(
            Attention(latent), doubling(latent, width), *residuals(width), doubling(width, width),
            Attention(width), *residuals(width), doubling(width, width), *residuals(width),
            doubling(width, 3),
        )  # fmt: skip
        self.widths = [latent, width, width, width]

    def level(self, index: int, features: Tensor) -> Tensor:
        """One level, at stride 16, 8, 4 or 2."""
        return self._part(self._ENDS[index], self._ENDS[index + 1], features)

    def head(self, features: Tensor) -> Tensor:
        """The picture from the last level's features."""
        return self._part(self._ENDS[-1], len(self), features)

    def _part(self, first: int, end: int, x: Tensor) -> Tensor:
        return Chain(*list(self)[first:end])(x)


def channel_context(inputs: int, group: int, widths: tuple[int, int]) -> nn.Sequential:
    """What a group sees of the channels of others."""
    first, second = widths
    return nn.Sequential(
        nn.Conv2d(inputs, first, 5, padding=2), nn.ReLU(),
        nn.Conv2d(first, second, 5, padding=2), nn.ReLU(),
        nn.Conv2d(second, 2 * group, 5, padding=2),
    )  # fmt: skip


def pointwise(widths: list[int]) -> nn.Sequential:
    """Layers that see one place each: from all that is known to means and scales."""
    first, second, third, last = widths
    return nn.Sequential(
        nn.Conv2d(first, second, 1), nn.ReLU(), nn.Conv2d(second, third, 1), nn.ReLU(),
        nn.Conv2d(third, last, 1),
    )  # fmt: skip
