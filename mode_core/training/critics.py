"""Discriminators of the GAN stages and their losses; they train with the net but never ship.

PatchGAN: Isola et al., https://arxiv.org/abs/1611.07004, in the hinge form. The U-Net that judges
pixels: Schonfeld et al., https://arxiv.org/abs/2002.12655, without its global score and its mixed
pictures. The U-Net with labels follows Muckley et al., ICML 2023, https://arxiv.org/abs/2301.11189:
class 0 is "made up", class k + 1 is "real, and of visual word k". Deviations: fewer channels,
unshuffled pixels, words on the stride-16 grid.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2


class PatchCritic(nn.Module):
    """Judges overlapping patches; unshuffled pixels keep it cheap."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        w = width
        self.layers = nn.ModuleList(
            [
                nn.utils.parametrizations.spectral_norm(layer)
                for layer in (
                    nn.Conv2d(12, w, 3, padding=1),
                    nn.Conv2d(w, 2 * w, 4, stride=2, padding=1),
                    nn.Conv2d(2 * w, 4 * w, 4, stride=2, padding=1),
                    nn.Conv2d(4 * w, 4 * w, 3, padding=1),
                    nn.Conv2d(4 * w, 1, 3, padding=1),
                )
            ]
        )

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, list[Tensor]]:
        """A score per patch (high: real) and the features behind it."""
        x_BCHW = F.pixel_unshuffle(x_BCHW * 2 - 1, 2)
        features = []
        for layer in self.layers[:-1]:
            x_BCHW = F.leaky_relu(layer(x_BCHW), SLOPE)
            features.append(x_BCHW)
        return self.layers[-1](x_BCHW), features


class PixelCritic(nn.Module):
    """A U-Net that judges every pixel; unshuffled pixels keep it cheap."""

    def __init__(self, width: int = 32, fold: int = 2) -> None:
        super().__init__()
        self.fold = fold
        widths = (width, 2 * width, 4 * width, 4 * width)

        def layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Module:
            made = nn.Conv2d(inputs, outputs, kernel, stride, padding=1)
            return nn.utils.parametrizations.spectral_norm(made)

        self.first = layer(3 * fold**2, width)
        self.down = nn.ModuleList(layer(i, o, 4, 2) for i, o in pairwise(widths))
        self.up = nn.ModuleList(layer(i + o, o) for i, o in pairwise(reversed(widths)))
        self.out = nn.Conv2d(width, fold**2, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """A score per pixel; high: real."""
        features = F.leaky_relu(self.first(F.pixel_unshuffle(x_BCHW * 2 - 1, self.fold)), SLOPE)
        finer = []
        for layer in self.down:
            finer.append(features)
            features = F.leaky_relu(layer(features), SLOPE)
        for layer in self.up:
            seen = finer.pop()
            features = F.interpolate(features, size=seen.shape[2:])
            features = F.leaky_relu(layer(torch.cat([features, seen], 1)), SLOPE)
        return F.pixel_shuffle(self.out(features), self.fold)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.second(F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE))
        return inner + self.skip(x)


class _Down(_Block):
    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(super().forward(x), 2)


class _Up(_Block):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2))


class LabelCritic(nn.Module):
    """Names the visual word of every 16x16 block of a picture, or calls it made up."""

    def __init__(
        self,
        words: int,
        context: int,
        fold: int = 4,
        down: tuple[int, ...] = (64, 96, 128, 128),
        up: tuple[int, ...] = (128, 128),
    ) -> None:
        super().__init__()
        self.fold = fold
        self.context = nn.Conv2d(context, 16, 3, padding=1)
        widths = (3 * fold**2 + 16, *down)
        self.down = nn.Sequential(*(_Down(i, o) for i, o in zip(widths, down, strict=False)))
        widths = (down[-1], *up)
        self.up = nn.Sequential(*(_Up(i, o) for i, o in zip(widths, up, strict=False)))
        self.out = nn.Conv2d(up[-1], words + 1, 1)

    def forward(self, x_BCHW: Tensor, latent_BCHW: Tensor) -> Tensor:
        """Logits of (made up, word 0, word 1, …) on the stride-16 grid."""
        context = F.leaky_relu(self.context(latent_BCHW), SLOPE)
        seen = F.pixel_unshuffle(x_BCHW * 2 - 1, self.fold)
        context = F.interpolate(context, size=seen.shape[2:])
        return self.out(self.up(self.down(torch.cat([seen, context], 1))))


def pulled(x_hat: Tensor, leaf: Tensor, main: Tensor, extra: Tensor, share: float) -> Tensor:
    """A loss that pulls the picture along main's gradient and `share` of its norm along extra's.

    `main` and `extra` are functions of `leaf`, a detached copy of the picture. This is VQGAN's
    adaptive weight taken at the picture itself: one pass back through the generator serves both,
    and nothing that `extra` goes through collects a gradient.
    """
    (g,) = torch.autograd.grad(main, leaf, retain_graph=True)
    (h,) = torch.autograd.grad(extra, leaf)
    pull = g + h * (share * g.norm() / (h.norm() + 1e-8))
    return _with_gradient(main, x_hat, pull)


def passed_on(x_hat: Tensor, leaf: Tensor, main: Tensor) -> Tensor:
    """The same for one loss: of all that `main` goes through, only the picture gets a gradient."""
    (g,) = torch.autograd.grad(main, leaf)
    return _with_gradient(main, x_hat, g)


def _with_gradient(value: Tensor, x_hat: Tensor, gradient: Tensor) -> Tensor:
    surrogate = (x_hat * gradient.detach()).sum()
    return value.detach() + surrogate - surrogate.detach()


def ramp(progress: float, start: float = 0.1, end: float = 0.3) -> float:
    """0 until `start`, 1 from `end` on: a critic learns first, then it is listened to."""
    return min(1.0, max(0.0, (progress - start) / (end - start)))


def listen(
    critic: PatchCritic, x_hat: Tensor, x: Tensor, leaf: Tensor, main: Tensor, share: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Generator and critic losses of a hinge PatchGAN with feature matching, as one sum."""
    with torch.no_grad():
        _, wanted = critic(x)
    score, features = critic(leaf)
    # matching the critic's features keeps the generator near the photo
    gaps = [F.l1_loss(mine, real) for mine, real in zip(features, wanted, strict=True)]
    extra = -score.mean() + 10 * torch.stack(gaps).mean()
    generator = pulled(x_hat, leaf, main, extra, share)
    judged, stats = hinge(critic(x)[0], critic(x_hat.detach())[0])
    return generator + judged, stats


def hinge(real: Tensor, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """What a critic is to make smaller, of its scores of photographs and of made pictures."""
    judged = 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())
    return judged, {"critic": judged, "real": real.mean(), "fake": fake.mean()}
