"""The networks of HiFiC (https://arxiv.org/abs/2006.09965) as MS-ILLM publishes weights for them.

Parameter names are the authors'. They store coder tables beside the parameters; ours are made on
import, as integers, since the width of theirs depends on the training run. Public weights have one
rate each.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.blocks import ChannelNorm
from mode_core.layers.exact import version_of
from mode_core.layers.factorised import PriorTables, bare_prior, nearest_scale
from mode_core.layers.gaussian import gaussian_likelihood, round_through, with_noise
from mode_core.layers.split import SplitNetwork
from mode_core.layers.winograd import WideConv
from mode_core.stream.entropy import Coder


class NormInSteps(ChannelNorm):
    """The same norm in the authors' order of operations: its sums are rounded to integers."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The normalised map."""
        centred = x_BCHW - x_BCHW.mean(1, keepdim=True)
        scaled = centred * torch.rsqrt(x_BCHW.var(1, keepdim=True) + 1e-3)
        return self.gamma * scaled + self.beta


class HificEncoder(nn.Module):
    """Picture to latent: a 7x7 convolution, four that halve the size, one that narrows.

    With channels last, oneDNN adds up a convolution in another order, with three times the error,
    and a few integers of a photograph round another way than the authors'.
    """

    def __init__(self, widths: tuple[int, ...], latent: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            _normed(nn.Conv2d(3, widths[0], 7, padding=3), NormInSteps(widths[0])),
            *(
                _normed(nn.Conv2d(i, o, 3, stride=2, padding=1), NormInSteps(o))
                for i, o in pairwise(widths)
            ),
            nn.Conv2d(widths[-1], latent, 3, padding=1),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The latent."""
        return self.blocks(x_BCHW.contiguous())


class HificResidual(nn.Module):
    """h + the sequence of h; nothing after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.sequence = nn.Sequential(
            WideConv(channels),
            ChannelNorm(channels),
            nn.ReLU(inplace=True),
            WideConv(channels),
            ChannelNorm(channels),
        )

    def forward(self, h_BCHW: Tensor) -> Tensor:
        """The refined map."""
        return h_BCHW + self.sequence(h_BCHW)


class HificGenerator(nn.Module):
    """Latent to picture, not clamped."""

    def __init__(self, widths: tuple[int, ...], latent: int, residuals: int) -> None:
        super().__init__()
        wide = widths[-1]
        self.block_0 = nn.Sequential(
            ChannelNorm(latent), nn.Conv2d(latent, wide, 3, padding=1), ChannelNorm(wide)
        )
        self.resid_blocks = nn.Sequential(*(HificResidual(wide) for _ in range(residuals)))
        self.blocks = nn.Sequential(
            *(_normed(_doubling(i, o), ChannelNorm(o)) for i, o in pairwise(widths[::-1])),
            nn.Conv2d(widths[0], 3, 7, padding=3),
        )

    def forward(self, y_BCHW: Tensor, _quality_B: Tensor) -> Tensor:
        """The picture."""
        start = self.block_0(y_BCHW)
        # the residual blocks carry `start` through already: HiFiC adds it twice
        return self.blocks(start + self.resid_blocks(start))


class HificLatents(nn.Module):
    """The mean-scale hyperprior: what is likely, and the integers themselves."""

    qualities = range(1)

    def __init__(self, latent: int, hyper: int) -> None:
        super().__init__()
        self.channels = latent, hyper
        self.hyper_analysis = nn.Sequential(
            nn.Conv2d(latent, hyper, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hyper, hyper, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(hyper, hyper, 5, stride=2, padding=2),
        )
        self.hyper_synthesis_mean = _hyper_synthesis(hyper, latent)
        self.hyper_synthesis_scale = _hyper_synthesis(hyper, latent)
        self.hyper_bottleneck = bare_prior(hyper)
        self.prior_tables = PriorTables(hyper)
        self._exact: tuple[object, _ExactPrior] | None = None

    def quantise(
        self, y_BCHW: Tensor, _quality_B: Tensor, _settled: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The decoded latent and its estimated bits; in training mode with noise for the rate."""
        training = self.hyper_bottleneck.training
        with torch.autocast(y_BCHW.device.type, enabled=False):
            z_hat, likelihood = self.hyper_bottleneck(self.hyper_analysis(y_BCHW))
            mean, scale = self.hyper_synthesis_mean(z_hat), self.hyper_synthesis_scale(z_hat)
            residual = y_BCHW - mean
            seen = with_noise(residual) if training else residual.round()
            rounded = round_through(residual) if training else seen
            bits_B = _bits(likelihood) + _bits(gaussian_likelihood(seen, scale))
        return rounded + mean, bits_B

    def walk(self, coder: Coder, _quality: int, grid: tuple[int, int], y: Tensor | None) -> Tensor:
        """Write y, or read a latent; either way what was decoded, float64 and exact."""
        prior = self._exact_prior()
        shape = (1, prior.medians.shape[1], grid[0] // 4, grid[1] // 4)
        index = torch.arange(shape[1])[None, :, None, None].expand(shape)
        medians = prior.medians.expand(shape)
        whole = None if y is None else self.integers(y)
        wanted = None if whole is None else whole[0] + medians
        z_hat = coder.code(index, medians, wanted, prior.tables) + medians
        mean, scale = prior.mean(z_hat), prior.scale(z_hat)
        wanted = None if whole is None else whole[1] + mean
        return coder.code(nearest_scale(scale), mean, wanted) + mean

    @torch.no_grad()
    def integers(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """What the authors' float32 sums round a latent to, hyper-latent first.

        Exact means differ from theirs by a millionth, enough to round a few values another way.
        """
        medians = self.hyper_bottleneck.quantiles[:, 0, 1][None, :, None, None]
        y = y.to(medians).contiguous()
        z = (self.hyper_analysis(y) - medians).round()
        return z, (y - self.hyper_synthesis_mean(z + medians)).round()

    def symbols(self, grid: tuple[int, int]) -> int:
        """How many integers stand for a latent of this size."""
        latent, hyper = self.channels
        return grid[0] * grid[1] * latent + (grid[0] // 4) * (grid[1] // 4) * hyper

    def freeze(self) -> None:
        """Make the hyper-latent's coder tables; the rest is rounded when it is used."""
        self.prior_tables.make_from(self.hyper_bottleneck)

    def _exact_prior(self) -> _ExactPrior:
        """The prior of the present parameters; made anew when they have changed."""
        version = version_of(self)
        if self._exact is None or self._exact[0] != version:
            self._exact = (version, _ExactPrior(self))
        return self._exact[1]


class _ExactPrior:
    """The probability model as integers and exact sums, on the CPU."""

    def __init__(self, latents: HificLatents) -> None:
        bottleneck = latents.hyper_bottleneck
        self.medians = bottleneck.quantiles.detach().double().cpu()[:, 0, 1][None, :, None, None]
        self.tables = latents.prior_tables.for_coder()
        self.mean = SplitNetwork(latents.hyper_synthesis_mean)
        self.scale = SplitNetwork(latents.hyper_synthesis_scale)


def _normed(convolution: nn.Module, norm: ChannelNorm) -> nn.Sequential:
    return nn.Sequential(convolution, norm, nn.ReLU(inplace=True))


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)


def _hyper_synthesis(hyper: int, latent: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(hyper, hyper, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(hyper, hyper, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.Conv2d(hyper, latent, 3, padding=1),
    )


def _bits(likelihood: Tensor) -> Tensor:
    return -likelihood.log2().sum((1, 2, 3))


def pad_by_reflection(x_BCHW: Tensor, stride: int) -> Tensor:
    """Sides grown to multiples of the stride as the authors do; tiny pictures repeat the border."""
    down, right = -x_BCHW.shape[2] % stride, -x_BCHW.shape[3] % stride
    fits = down < x_BCHW.shape[2] and right < x_BCHW.shape[3]
    return F.pad(x_BCHW, (0, right, 0, down), mode="reflect" if fits else "replicate")
