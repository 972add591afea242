"""MS-ILLM (Muckley et al., ICML 2023, https://arxiv.org/abs/2301.11189): HiFiC's auto-encoder,
trained against a discriminator of image patches' labels.

    x ── encoder ─► y ──× gain──► round ─► rANS ─► ──× inverse──► ŷ ── generator ─► x̂
                    │               ▲
                    └─ hyper ─► z ──┴─ mean, scale of all channels at once (no context)

One class, two layouts: the authors' networks with one rate per checkpoint (`hific`, gains of one),
and a compact one with all rates in one model. Deviations of the compact layout, all ours:
 - transforms on unshuffled pixels beside a block DCT, as in `elic.net`;
 - learned gains, qualities between eight trained ones, hyper-latents with a Gaussian prior;
 - the probability path is trained for exact arithmetic (`layers.exact`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mode_core.codecs.elic.net import Elic
from mode_core.codecs.ms_illm import compact
from mode_core.codecs.ms_illm.compact import CompactEncoder, CompactGenerator, CompactLatents
from mode_core.codecs.ms_illm.hific import HificEncoder, HificGenerator, HificLatents
from mode_core.layers.blocks import Stage, fitted_dct_basis, reach_of
from mode_core.layers.sizes import LatentSizes
from mode_core.stream.entropy import SymbolReader, SymbolWriter

TRAINED = 8
RATE_WEIGHT_HIGH = 16.0
"""The published weight of bits per pixel for 0.0175 bpp; the next quality has half of it."""
MSE_WEIGHT = 150.0


@dataclass(frozen=True, slots=True)
class IllmConfig:
    """The size of one MS-ILLM; with `widths` it has the authors' layout, else the compact one.

    By default it is as wide as the tiny ELIC, whose transforms it can start from.
    """

    stages: tuple[Stage, ...] = ((8, 160, 3), (16, 256, 4))
    generator: tuple[Stage, ...] = ((8, 160, 3), (16, 256, 4))
    latent: int = 320
    hyper: int = 160
    hyper_latent: int = 64
    side: int = 160
    widths: tuple[int, ...] = ()
    residuals: int = 9

    @classmethod
    def public(cls) -> IllmConfig:
        """The authors' 181 million parameters."""
        return cls(latent=220, hyper=320, widths=(60, 120, 240, 480, 960))


class MsIllm(nn.Module):
    """The network with its coder; training counts trained qualities, a file counts 1/36 of one."""

    stride, cell = 64, compact.CELL
    codec = "ms-illm"
    trained, steps_between = TRAINED, compact.STEPS_BETWEEN

    def __init__(self, config: IllmConfig) -> None:
        super().__init__()
        self.config = config
        latents: HificLatents | CompactLatents
        if config.widths:
            self.encoder: nn.Module = HificEncoder(config.widths, config.latent)
            self.decoder: nn.Module = HificGenerator(config.widths, config.latent, config.residuals)
            latents = HificLatents(config.latent, config.hyper)
            for name, part in latents.named_children():
                self.add_module(name, part)
            self.reach = compact.CELL * (2 * config.residuals + 4)
        else:
            self.encoder = CompactEncoder(config.stages, config.latent)
            self.decoder = CompactGenerator(config.generator, config.latent, TRAINED)
            latents = self.latents = CompactLatents(
                config.latent, config.hyper, config.hyper_latent, config.side, _log_lambda()
            )
            self.reach = max(reach_of(config.stages), reach_of(config.generator))
        # in a tuple: it is registered already, in the public layout part by part under the
        # names of the public files
        self._latents = (latents,)

    @property
    def qualities(self) -> range:
        """The numbers that a file may name."""
        return self._latents[0].qualities

    def fit_start(self, x_BCHW: Tensor) -> None:
        """Order and scale the block DCT by the strengths found in photographs, before training."""
        encoder, decoder = self.encoder, self.decoder
        if not (isinstance(encoder, CompactEncoder) and isinstance(decoder, CompactGenerator)):
            raise ValueError("the public layout has no block DCT to fit")
        basis, strength = fitted_dct_basis(x_BCHW, self.config.latent, compact.CELL)
        for part in (encoder, decoder):
            part.dct.start_from(basis, strength)
        self.latents.gains.start_from(strength, _log_lambda())

    @torch.no_grad()
    def start_from(self, elic: Elic) -> None:
        """Take over the transforms, hyperprior and gains of an ELIC of the same widths.

        Its lambdas are those of 150 MSE at the published weight of rate of each trained quality.
        """
        latents, encoder, decoder = self._latents[0], self.encoder, self.decoder
        if not (
            isinstance(encoder, CompactEncoder)
            and isinstance(decoder, CompactGenerator)
            and isinstance(latents, CompactLatents)
        ):
            raise ValueError("only the compact layout shares its transforms with elic")
        taken: list[tuple[Tensor, Tensor]] = [
            (encoder.dct.kernel, elic.forward_dct),
            (decoder.dct.kernel, elic.inverse_dct),
            (encoder.dct.std, elic.std),
            (decoder.dct.std, elic.std),
        ]
        parts: list[tuple[nn.Module, nn.Module]] = [
            (encoder.analysis, elic.analysis),
            (decoder.synthesis, elic.synthesis),
            (decoder.quality_scales, elic.quality_scales),
            (latents.hyper, elic.hyper),
            (latents.gains, elic.gains),
        ]
        for own, other in parts:
            theirs = dict(other.named_parameters())
            # blocks that a deeper generator has beyond elic's start as they are, near identity
            more = own is decoder.synthesis
            taken += [
                (mine, theirs.get(name, mine[:0]))
                for name, mine in own.named_parameters()
                if not (more and name not in theirs)
            ]
        for mine, his in taken:
            # elic has two trained qualities more, at its high rates
            his = his[:TRAINED] if his.ndim == 2 else his
            if his.shape != mine.shape:
                raise ValueError("ms-illm and elic of different widths share no transforms")
            mine.copy_(his)

    # ── transforms: float, any device ──────────────────────────────────────────────────────────

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """The latent; the same for all qualities."""
        return self.encoder(x_BCHW)

    def synthesise(self, y_BCHW: Tensor, quality_B: Tensor) -> Tensor:
        """The picture, not clamped."""
        return self.decoder(y_BCHW, quality_B)

    @property
    def transforms(self) -> tuple[nn.Module, ...]:
        """The parts that may use another memory layout; in the others it would change integers."""
        return (self.decoder,) if self.config.widths else (self.encoder, self.decoder)

    # ── training: float32, differentiable ──────────────────────────────────────────────────────

    def training_step(
        self, x_BCHW: Tensor, quality_B: Tensor, settled: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The decoded batch and the bits of each picture."""
        y_hat, bits_B = self.quantise(self.analyse(x_BCHW).float(), quality_B, settled)
        return self.synthesise(y_hat, quality_B), bits_B

    def quantise(
        self, y_BCHW: Tensor, quality_B: Tensor, settled: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The decoded latent (straight-through) and the estimated bits of each picture."""
        return self._latents[0].quantise(y_BCHW, quality_B, settled)

    # ── coding: float64, exact ─────────────────────────────────────────────────────────────────

    def freeze(self) -> None:
        """Round the gains into the integers that files depend on; done before every evaluation."""
        self._latents[0].freeze()

    def write(self, y_1CHW: Tensor, quality: int) -> tuple[bytes, int]:
        """The stream of a latent (on the CPU) and its symbol check."""
        writer = SymbolWriter()
        grid = (y_1CHW.shape[2], y_1CHW.shape[3])
        self._latents[0].walk(writer, quality, grid, y_1CHW.double())
        return writer.payload(), writer.check

    def sizes(self, y_1CHW: Tensor) -> LatentSizes | None:
        """How many bytes `write` would give, without coding; there is one size in one layout."""
        latents = self._latents[0]
        return latents.sizes(y_1CHW) if isinstance(latents, CompactLatents) else None

    def read(self, payload: bytes, quality: int, grid: tuple[int, int]) -> tuple[Tensor, int]:
        """The decoded latent in float64 and the check of its symbols."""
        reader = SymbolReader(payload, self._latents[0].symbols(grid))
        return self._latents[0].walk(reader, quality, grid, None), reader.check


def rate_weight(quality_B: Tensor) -> Tensor:
    """The weight of bits per pixel beside 150 MSE + LPIPS at a quality counted in trained ones."""
    return RATE_WEIGHT_HIGH * torch.exp2(-quality_B)


def _log_lambda() -> Tensor:
    """What a squared error in 8-bit steps is worth in bits per pixel, at the trained qualities."""
    return (MSE_WEIGHT / 255**2 / rate_weight(torch.arange(TRAINED))).log()
