"""The perception expert: tokenizer, prior of its tokens, and its decoder with a critic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.vq.net import SHARES, Vq, VqConfig, count_sent, turn_and_rank
from mode_core.layers.device import sent
from mode_core.training.critics import PatchCritic, listen, ramp
from mode_core.training.losses import decibels, load_lpips, off_grid, texture_distance
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Crops, Rig, Setup, Stage, width_of

WIDTHS = {
    "tiny": VqConfig(),
    "compact": VqConfig(stages=((4, 96, 2), (8, 192, 3), (16, 320, 4)), prior=160, prior_blocks=6),
}
CRITIC_WIDTHS = {"tiny": 32, "compact": 64, "public": 64}
COMMITMENT, TEXTURE, CRITIC_SHARE = 0.25, 0.15, 0.2
REVIVING = 0.6
"""Share of the run in which unused codes get new vectors, every fiftieth step or so."""
REVIVED = 1 / 50
CHECKED = (SHARES // 4 - 1, SHARES - 1)


def assemble(setup: Setup) -> Rig:
    """A new tokenizer with LPIPS beside it."""
    return Rig(Vq(width_of(WIDTHS, setup.width)), lpips=load_lpips(setup.lpips_backbone))


def assemble_prior(setup: Setup) -> Rig:
    """The tokenizer alone: its prior learns from tokens only."""
    return Rig(Vq(width_of(WIDTHS, setup.width)))


def with_critic(assemble: Callable[[Setup], Rig], setup: Setup) -> Rig:
    """What a stage assembles, and a critic."""
    rig = assemble(setup)
    rig.critic = PatchCritic(width_of(CRITIC_WIDTHS, setup.width))
    return rig


@torch.no_grad()
def prepare(rig: Rig, crops: Crops) -> None:
    """Start the codes as vectors that photographs give."""
    vectors = rig.net.codebook.vectors
    flat = rig.net.encode(crops()).permute(0, 2, 3, 1).flatten(0, 2)
    chosen = torch.randperm(len(flat))[: len(vectors)]
    vectors[: len(chosen)] = flat[chosen.to(flat.device)]


def tokenizer_parts(rig: Rig) -> list[nn.Parameter]:
    """Everything but the prior."""
    return [p for name, p in rig.net.named_parameters() if not name.startswith("prior.")]


def decoder_parts(rig: Rig) -> list[nn.Parameter]:
    """The parts that only decode; files stay valid when only these learn."""
    return list(rig.net.synthesis.parameters())


def reconstruction(rig: Rig, x_hat: Tensor, x_BCHW: Tensor, generator: torch.Generator) -> Cost:
    """L1, LPIPS and texture energy, in float32."""
    x_hat = x_hat.float()
    with torch.autocast(x_hat.device.type, enabled=False):
        lpips = rig.partner("lpips")
        mine, wanted = off_grid(generator, x_hat, x_BCHW)
        distance = lpips(mine, lpips.reference(wanted)).mean()
        energy = texture_distance(x_hat, x_BCHW)
    error = F.l1_loss(x_hat, x_BCHW)
    return error + distance + TEXTURE * energy, {"l1": error, "lpips": distance, "texture": energy}


def against_critic(
    rig: Rig, x_hat: Tensor, x_BCHW: Tensor, share: float, generator: torch.Generator
) -> Cost:
    """Reconstruction, and a critic that pulls with a share of its strength."""
    leaf = x_hat.detach().requires_grad_()
    main, stats = reconstruction(rig, leaf, x_BCHW, generator)
    total, judged = listen(rig.critic, x_hat, x_BCHW, leaf, main, share)
    return total, stats | judged


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Reconstruction and commitment; the codebook follows by itself."""
    net = rig.net
    if progress < REVIVING and torch.rand((), generator=generator) < REVIVED:
        with torch.no_grad():
            net.codebook.revive(net.encode(x_BCHW), generator)
    x_hat, commitment, tokens = net(x_BCHW)
    quality, stats = reconstruction(rig, x_hat, x_BCHW, generator)
    used = torch.zeros(net.config.codes, device=tokens.device)
    used = used.index_add(0, tokens.flatten(), torch.ones_like(tokens.flatten(), dtype=used.dtype))
    share = used / used.sum()
    perplexity = torch.exp(-(share * share.clamp_min(1e-9).log()).sum())
    stats |= {"commitment": commitment, "perplexity": perplexity}
    return quality + COMMITMENT * commitment, stats


def known_places(
    shape: torch.Size | tuple[int, int, int], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Which tokens are known and which are asked for, per sample (B, H, W).

    Three of four samples stand at the start of a quadtree step and are asked for that step, as in
    coding; the others know a random part and are asked for the rest, as in filling in.
    """
    batch, height, width = shape
    turn, rank = turn_and_rank(height, width)
    kind, place = torch.rand(batch, 2, generator=generator).unbind(1)
    step = (place * 4).int()[:, None]
    counts = [
        count_sent(height * width, quality) for quality in (place * (SHARES - 1)).int().tolist()
    ]
    before, some = turn < step, rank < torch.tensor(counts)[:, None]
    in_steps = (kind < 0.75)[:, None]
    known = torch.where(in_steps, before, some)
    asked = torch.where(in_steps, turn == step, ~some)
    return known.view(batch, height, width), asked.view(batch, height, width)


def prior_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Bits per token under the prior."""
    net = rig.net
    with torch.no_grad():
        tokens = net.analyse(x_BCHW)
    known, asked = known_places(tokens.shape, generator)
    # which places are asked for is found out here: a mask on the device would have to be read
    at = sent(asked.flatten().nonzero().flatten(), tokens.device)
    hidden = torch.where(sent(known, tokens.device), tokens, net.config.codes)
    with torch.autocast(x_BCHW.device.type, enabled=False):
        logits_NK = net.prior.out_at(net.prior.features(hidden), at)
        nats = F.cross_entropy(logits_NK.float(), tokens.flatten()[at])
    return nats, {"bits_per_token": nats / 0.6931471805599453}


def gan_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Reconstruction, and a critic for what it leaves open; codes and prior stay as they are."""
    net = rig.net
    with torch.no_grad():
        tokens = net.analyse(x_BCHW)
        # as a decoder gets them: half of the samples in full, half filled in by the prior
        known, _ = known_places(tokens.shape, generator)
        known[:: 2 if len(net.qualities) > 1 else 1] = True
        hidden = torch.where(sent(known, tokens.device), tokens, net.config.codes)
        codes = net.guessed_codes(hidden)
    x_hat = net.synthesise(codes).float()
    return against_critic(rig, x_hat, x_BCHW, CRITIC_SHARE * ramp(progress), generator)


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Real streams with a quarter and with all of the tokens."""
    net = rig.net
    tokens = net.analyse(x_1CHW).cpu()
    figures: dict[str, float] = {}
    x_hat = x_1CHW
    for quality in CHECKED:
        payload, _ = net.write(tokens, quality)
        known, _ = net.read(payload, quality, tuple(tokens.shape[1:]))
        x_hat = net.synthesise(net.expected_codes(known.to(x_1CHW.device)))
        x_hat = x_hat.float().clamp(0, 1)
        name = f"{quality + 1}of{SHARES}"
        figures[f"bpp_{name}"] = 8 * len(payload) / (x_1CHW.shape[2] * x_1CHW.shape[3])
        figures[f"psnr_{name}"] = float(decibels(F.mse_loss(x_hat, x_1CHW)))
        if "lpips" in rig.frozen:
            lpips = rig.partner("lpips")
            figures[f"lpips_{name}"] = float(lpips(x_hat, lpips.reference(x_1CHW)))
    return x_hat, figures


VQ = Stage("vq", "vq", assemble, loss, validate, tokenizer_parts, prepare, gpu_batch=96)
PRIOR = Stage(
    "prior", "vq", assemble_prior, prior_loss, validate, lambda rig: [*rig.net.prior.parameters()],
    continues=("vq", "vq-gan"), gpu_batch=256, crop_mb=60, batch=16, late_crop=256, clip=1.0,
)  # fmt: skip
VQ_GAN = Stage(
    "vq-gan", "vq", partial(with_critic, assemble), gan_loss, validate, decoder_parts,
    continues=("vq", "prior"), gpu_batch=64, rates=Rates(muon=2e-3, adam=5e-4),
)  # fmt: skip

STAGES = (VQ, PRIOR, VQ_GAN)
