"""The perception expert: a VQGAN-like tokenizer at stride 16 and a prior that makes tokens cheap.

    x ── analysis ─► unit vector ─► nearest of 1024 codes ─► token ─► rANS under the prior
    x̂ ◄─ synthesis ◄─ code, or the prior's expected code where no token was sent

Tokenizer after Esser et al. (https://arxiv.org/abs/2012.09841) with normalised codes; the prior
and sending tokens in part are ours. Tokens go out in four quadtree steps, each seeing the steps
before; within a step in a fixed scattered order, so a file may stop anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.errors import BitstreamError
from mode_core.layers.blocks import Analysis, Stage, Synthesis, reach_of
from mode_core.layers.device import sent
from mode_core.layers.exact import ExactConv2d, ExactResidual, on_grid
from mode_core.layers.sizes import CODER_BYTES
from mode_core.stream.entropy import SymbolReader, SymbolWriter, token_bits, token_tables
from mode_core.training.together import go_on

SHARES = 32
"""Qualities: quality k sends (k + 1) / 32 of the tokens."""
_STEP_ORDER = (0, 3, 1, 2)
_TABLES_AT_ONCE = 2048
_ROWS_AT_ONCE = 16
_DECAY, _DEAD = 0.99, 0.1

Index = npt.NDArray[np.int32]
"""Which of several tables each place has."""


@dataclass(frozen=True, slots=True)
class VqConfig:
    """The size of one tokenizer and its prior."""

    stages: tuple[Stage, ...] = ((8, 160, 3), (16, 256, 4))
    codes: int = 1024
    depth: int = 16
    prior: int = 96
    prior_blocks: int = 4


class TokenPrior(nn.Module):
    """What each token is likely to be, given those already sent; exact."""

    def __init__(self, config: VqConfig) -> None:
        super().__init__()
        self.embedding = nn.Parameter(0.5 * torch.randn(config.codes + 1, config.prior))
        self.blocks = nn.Sequential(
            *(ExactResidual(config.prior, config.prior) for _ in range(config.prior_blocks))
        )
        self.out = ExactConv2d(config.prior, config.codes)

    def features(self, tokens_BHW: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """What `out` makes logits of; a token equal to the number of codes is not known yet."""
        table: Tensor = self.embedding
        if dtype == torch.float64:
            table = on_grid(table.double())
        return self.blocks(F.embedding(tokens_BHW, table).permute(0, 3, 1, 2))

    def forward(self, tokens_BHW: Tensor) -> Tensor:
        """Logits BCHW, in float32."""
        return self.out(self.features(tokens_BHW))

    def out_at(self, features_BCHW: Tensor, at: Tensor) -> Tensor:
        """Logits of some places alone, (places, codes)."""
        some = features_BCHW.permute(0, 2, 3, 1).flatten(0, 2)[at]
        return self.out(some.t()[None, :, :, None])[0, :, :, 0].t()


class Codebook(nn.Module):
    """Unit vectors that follow the encoder by exponential averages; unused ones start anew."""

    vectors: Tensor
    uses: Tensor

    def __init__(self, codes: int, depth: int) -> None:
        super().__init__()
        self.register_buffer("vectors", F.normalize(torch.randn(codes, depth), dim=1))
        self.register_buffer("uses", torch.ones(codes), persistent=False)

    def nearest(self, z_BCHW: Tensor) -> Tensor:
        """The token at every place."""
        return torch.einsum("bchw,kc->bhwk", z_BCHW, self.vectors.to(z_BCHW.dtype)).argmax(-1)

    def look_up(self, tokens_BHW: Tensor) -> Tensor:
        """The code at every place, BCHW."""
        return F.embedding(tokens_BHW, self.vectors).permute(0, 3, 1, 2)

    @torch.no_grad()
    def follow(self, z_BCHW: Tensor, tokens_BHW: Tensor) -> None:
        """Move each code towards the vectors that chose it."""
        flat = z_BCHW.permute(0, 2, 3, 1).reshape(-1, z_BCHW.shape[1]).float()
        codes = torch.arange(len(self.vectors), device=flat.device)
        chosen = (tokens_BHW.flatten()[:, None] == codes).to(flat)
        count, total = chosen.sum(0), chosen.t() @ flat
        if torch.distributed.is_initialized():
            go_on()
            torch.distributed.all_reduce(count)
            torch.distributed.all_reduce(total)
        self.uses.lerp_(count, 1 - _DECAY)
        mean = F.normalize(total / count.clamp_min(1)[:, None], dim=1)
        step = (1 - _DECAY) * (count / self.uses.clamp_min(1e-3)).clamp(max=20)[:, None]
        moved = F.normalize(torch.lerp(self.vectors, mean, step.clamp(max=1)), dim=1)
        self.vectors.copy_(torch.where(count[:, None] > 0, moved, self.vectors))

    @torch.no_grad()
    def revive(self, z_BCHW: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Replace codes that are hardly used by vectors of the batch; which were replaced."""
        usual = self.uses.mean()
        dead = self.uses < _DEAD * usual
        flat = z_BCHW.permute(0, 2, 3, 1).reshape(-1, z_BCHW.shape[1]).float()
        # a vector for each code, needed or not: how many are dead only the device knows
        pick = torch.randint(len(flat), (len(dead),), generator=generator, device="cpu")
        self.vectors.copy_(torch.where(dead[:, None], flat[sent(pick, flat.device)], self.vectors))
        self.uses.copy_(torch.where(dead, usual, self.uses))
        return dead


class Vq(nn.Module):
    """Tokenizer, prior and coder."""

    stride = 16
    codec = "vq"
    qualities = range(SHARES)

    def __init__(self, config: VqConfig) -> None:
        super().__init__()
        self.config = config
        self.cell, self.reach = config.stages[-1][0], reach_of(config.stages)
        self.analysis = Analysis(config.stages, config.depth)
        self.codebook = Codebook(config.codes, config.depth)
        self.synthesis = Synthesis(config.stages, config.depth)
        self.prior = TokenPrior(config)

    # ── transforms ─────────────────────────────────────────────────────────────────────────────

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Unit vectors before quantisation."""
        return F.normalize(self.analysis(x_BCHW - 0.5).float(), dim=1)

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """The tokens of a picture."""
        return self.codebook.nearest(self.encode(x_BCHW))

    def start(self, codes_BCHW: Tensor) -> Tensor:
        """What the synthesis takes: codes of unit variance."""
        return codes_BCHW * self.config.depth**0.5

    def level(self, index: int, features: Tensor) -> Tensor:
        """One level of the synthesis; MoDE changes its features before the next."""
        return self.synthesis.levels[index](features)

    def head(self, features: Tensor) -> Tensor:
        """The picture from the last level's features."""
        return self.synthesis.head(features) + 0.5

    def synthesise(self, codes_BCHW: Tensor) -> Tensor:
        """The picture of a map of codes."""
        features = self.start(codes_BCHW)
        for level in self.synthesis.levels:
            features = level(features)
        return self.head(features)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Picture, commitment loss and tokens; in training mode the codebook follows along."""
        z = self.encode(x_BCHW)
        tokens = self.codebook.nearest(z)
        codes = self.codebook.look_up(tokens)
        if self.training:
            self.codebook.follow(z, tokens)
        commitment = F.mse_loss(z, codes) * self.config.depth
        return self.synthesise(z + (codes - z).detach()), commitment, tokens

    # ── coding: exact ──────────────────────────────────────────────────────────────────────────

    def freeze(self) -> None:
        """Nothing to round: all that decides a probability is rounded when it is used."""

    def write(self, tokens_1HW: Tensor, quality: int) -> tuple[bytes, int]:
        """The stream of the tokens that this quality sends, and its check."""
        writer, known = SymbolWriter(), torch.full(tokens_1HW.shape, self.config.codes)
        for places in sending_order(tokens_1HW.shape[1], tokens_1HW.shape[2], quality):
            for part, index, logits in self._logits_at(known, places):
                writer.put_tokens(tokens_1HW.flatten()[part], torch.from_numpy(index), logits)
            known.view(-1)[places] = tokens_1HW.flatten()[places]
        return writer.payload(), writer.check

    def read(self, payload: bytes, quality: int, grid: tuple[int, int]) -> tuple[Tensor, int]:
        """Tokens, with the number of codes where none was sent, and the check."""
        steps = sending_order(*grid, quality)
        reader = SymbolReader(payload, sum(map(len, steps)))
        known = torch.full((1, *grid), self.config.codes)
        for places in steps:
            read = []
            for _, index, logits in self._logits_at(known, places):
                read.append(reader.take(index, token_tables(logits)))
            if not read:
                continue
            tokens = torch.from_numpy(np.concatenate(read)).long()
            if tokens.max() >= self.config.codes or tokens.min() < 0:
                raise BitstreamError("the token stream is damaged: it decodes to impossible tokens")
            known.view(-1)[places] = tokens
        return known, reader.check

    def expected_codes(self, known_1HW: Tensor) -> Tensor:
        """The code of each known token, elsewhere the mean code that the prior expects."""
        if (known_1HW == self.config.codes).any():
            return self.guessed_codes(known_1HW)
        return self.codebook.look_up(known_1HW)

    def guessed_codes(self, known_1HW: Tensor) -> Tensor:
        """The same without a look at what is known, for which a GPU's host would have to wait."""
        unknown = known_1HW == self.config.codes
        codes = self.codebook.look_up(known_1HW.clamp(max=self.config.codes - 1))
        # band by band: the logits of a large picture would fill the memory
        bands = self.prior.features(known_1HW).split(_ROWS_AT_ONCE, 2)
        shares = (self.prior.out(band).float().softmax(1) for band in bands)
        expected = torch.cat(
            [torch.einsum("bkhw,kc->bchw", share, self.codebook.vectors) for share in shares], 2
        )
        return torch.where(unknown[:, None], expected, codes)

    def sizes(self, tokens_1HW: Tensor) -> Callable[[int, int | None], float]:
        """How many bytes `write` would give, without coding; tokens are counted when asked for."""
        height, width = tokens_1HW.shape[1:]
        known, bits = torch.full(tokens_1HW.shape, self.config.codes), torch.zeros(height * width)
        steps = iter(sending_order(height, width, SHARES - 1))

        def size(quality: int, near: int | None) -> float:
            sent = torch.cat(sending_order(height, width, quality))
            while (known.view(-1)[sent] == self.config.codes).any():
                places = next(steps)
                for part, index, logits in self._logits_at(known, places, torch.float32):
                    chosen = tokens_1HW.flatten()[part]
                    bits[part] = token_bits(logits, torch.from_numpy(index).long(), chosen)
                known.view(-1)[places] = tokens_1HW.flatten()[places]
            return CODER_BYTES + float(bits[sent].sum()) / 8

        return size

    def _logits_at(
        self, known: Tensor, places: Tensor, dtype: torch.dtype = torch.float64
    ) -> Iterator[tuple[Tensor, Index, Tensor]]:
        """Places in portions, each with rows of logits and which of them each place has.

        Those for all at once would fill memory.
        """
        if not len(places):
            return
        if (known == self.config.codes).all():
            index, logits = self._first_logits(known.shape[1], known.shape[2], dtype)
            for part in places.split(_TABLES_AT_ONCE):
                yield part, index[part.numpy()], logits
            return
        features = self.prior.features(known, dtype).flatten(2)
        for part in places.split(_TABLES_AT_ONCE):
            logits = self.prior.out(features[:, :, part, None])[0, :, :, 0].t()
            yield part, np.arange(len(part), dtype=np.int32), logits

    def _first_logits(self, height: int, width: int, dtype: torch.dtype) -> tuple[Index, Tensor]:
        """The logits while no token is known, and which of them each place has.

        Places then differ by their distance from the border alone, so a small map has them all, and
        a stream too short for a large picture is refused before the prior has looked at all of it.
        """
        reach = self.config.prior_blocks  # each has one 3x3 window
        rows, columns = _like_places(height, reach), _like_places(width, reach)
        small = torch.full((1, int(rows[-1]) + 1, int(columns[-1]) + 1), self.config.codes)
        logits = self.prior.out(self.prior.features(small, dtype))[0].flatten(1).t()
        index = (rows[:, None] * small.shape[2] + columns).flatten()
        return index.numpy().astype(np.int32), logits


def _like_places(side: int, reach: int) -> Tensor:
    """For every place of a side, the one of a short side from which a window sees the same ends."""
    places = torch.arange(side)
    return places.clamp(max=reach) + (places - max(reach, side - 1 - reach)).clamp(min=0)


@lru_cache(maxsize=8)
def turn_and_rank(height: int, width: int) -> tuple[Tensor, Tensor]:
    """For every place its quadtree step, and how many tokens are sent before its own."""
    rows = torch.arange(height)[:, None].expand(height, width)
    columns = torch.arange(width)[None].expand(height, width)
    position = (rows % 2 * 2 + columns % 2).flatten()
    # a multiplicative hash scatters any prefix of a step evenly enough over the picture
    scatter = ((rows // 2 * 40503 + columns // 2 * 30011) * 2654435761 % (1 << 32)).flatten()
    turn, rank = torch.empty_like(position), torch.empty_like(position)
    start = 0
    for number, kind in enumerate(_STEP_ORDER):
        places = (position == kind).nonzero().flatten()
        places = places[scatter[places].argsort(stable=True)]
        turn[places], rank[places] = number, start + torch.arange(len(places))
        start += len(places)
    return turn, rank


def count_sent(places: int, quality: int) -> int:
    """How many of so many tokens a quality sends."""
    return -(-places * (quality + 1) // SHARES)


def sending_order(height: int, width: int, quality: int) -> list[Tensor]:
    """The places sent in each of the four quadtree steps, as flat indices."""
    turn, rank = turn_and_rank(height, width)
    here = rank < count_sent(height * width, quality)
    return [((turn == k) & here).nonzero().flatten() for k in range(len(_STEP_ORDER))]
