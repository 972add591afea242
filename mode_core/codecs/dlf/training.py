"""DLF: two branches learn the Vq expert's codes, then pictures; its decoder, against a critic."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.dlf.config import DlfConfig
from mode_core.codecs.dlf.net import Dlf, feature_loss
from mode_core.codecs.networks import partner
from mode_core.codecs.vq import training as stages_vq
from mode_core.layers.device import sent
from mode_core.training.critics import ramp
from mode_core.training.losses import decibels, load_lpips
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Rig, Setup, Stage, Stats, TrainingError, width_of

WIDTHS = {"tiny": DlfConfig(), "compact": DlfConfig.compact()}
COMMITMENT = 0.25
DETAIL_PRICE = (90.0, 12.0)
"""The price of detail bits per pixel, at the lowest and at the highest quality.

Published are 28 and 5.8, beside other losses; here they gave 0.05 bits per pixel at the lowest.
Late in a run, when closeness to codes counts less, so do bits (`nearness`).
"""
NO_DETAIL = 0.2
"""Share of the crops for which no detail is sent."""
UNQUANTISED = 0.15
"""Share of the run without quantisation: a codebook used from the start collapses to one code."""
CHEAP = 0.02, 0.5
"""The share of its price that detail costs at first, and when in the run it costs all of it."""
FEATURES_ALONE = 0.4
"""Share of the run in which only codes are learnt; then pictures as well."""
SCHOOLING = stages_vq.REVIVING
"""Share of a run after which all of the above is over, and codes are no longer replaced."""
NEARNESS = 0.25
"""The weight of closeness to codes at the end, 1 at first. At full weight its gradient was 2.5
times that of the pictures, which are what people see."""
CRITIC_SHARE = 0.1


def assemble(setup: Setup) -> Rig:
    """A new DLF with the Vq expert's decoder, that expert, and LPIPS."""
    net, vq = Dlf(width_of(WIDTHS, setup.width)), partner(setup, "vq")
    try:
        net.start_from(vq)
    except ValueError as error:
        raise TrainingError(f"{error}; train vq and dlf at the same --width") from error
    return Rig(net, vq=vq, lpips=load_lpips(setup.lpips_backbone))


def learnt_parts(rig: Rig) -> list[nn.Parameter]:
    """Everything but the two codebooks: one follows by itself, the other is the Vq expert's."""
    named = rig.net.named_parameters()
    return [parameter for name, parameter in named if "quantize." not in name]


def decoder_parts(rig: Rig) -> list[nn.Parameter]:
    """The parts that decode both streams; files stay valid when only these learn."""
    parts = (rig.net.hybrid_codec.decoder, rig.net.prior_fusion, rig.net.vqgan)
    found = [p for part in parts for p in part.named_parameters()]
    return [parameter for name, parameter in found if "quantize." not in name]


def places(batch: int, trained: int, generator: torch.Generator) -> Tensor:
    """Qualities as the network counts them: some without detail, the others anywhere."""
    draw = torch.rand(2, batch, generator=generator)
    return torch.where(draw[0] < NO_DETAIL, -1.0, draw[1] * (trained - 1))


def price(place_B: Tensor, trained: int) -> Tensor:
    """What a bit per pixel costs."""
    low, high = DETAIL_PRICE
    return low * (high / low) ** (place_B.clamp_min(0) / max(1, trained - 1))


def discount(progress: float) -> float:
    """The share of its price that detail costs: what is never tried is never learnt."""
    start, end = CHEAP
    return float(start ** max(0.0, 1 - progress / end))


def nearness(progress: float) -> float:
    """The weight of closeness to codes: it falls while pictures are first learnt."""
    fallen = (progress - FEATURES_ALONE) / (SCHOOLING - FEATURES_ALONE)
    return 1 - (1 - NEARNESS) * min(1.0, max(0.0, fallen))


@torch.no_grad()
def keep_codes(book: Any, z_BCHW: Tensor, progress: float, generator: torch.Generator) -> None:
    """Fill the codebook with vectors of photographs until it is used, then replace dead codes."""
    if progress < UNQUANTISED:
        some = torch.randint(len(book.vectors), (z_BCHW[:, 0].numel(),), generator=generator)
        book.vectors[sent(some, z_BCHW.device)] = z_BCHW.permute(0, 2, 3, 1).flatten(0, 2)
    elif progress < stages_vq.REVIVING and torch.rand((), generator=generator) < stages_vq.REVIVED:
        book.revive(z_BCHW, generator)


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Closeness to the expert's codes and the price of detail; later closeness of pictures too."""
    net, trained = rig.net, rig.net.config.anchors
    place_B = sent(places(len(x_BCHW), trained, generator), x_BCHW.device)
    made = net.predict(x_BCHW, place_B, progress < UNQUANTISED)
    keep_codes(net.codebook, made.z.detach(), progress, generator)
    bpp_B = made.bits / x_BCHW[0, 0].numel()
    near = feature_loss(made, rig.partner("vq"), x_BCHW)
    paid = (price(place_B, trained) * bpp_B).mean() * discount(progress)
    weight = nearness(progress)
    # bits buy both, so that they are worth less where closeness is
    total = weight * near + COMMITMENT * made.commitment + paid * (1 + weight) / 2
    stats: Stats = {"features": near, "bpp": bpp_B.mean(), "commitment": made.commitment}
    if progress < FEATURES_ALONE:
        return total, stats
    quality, seen = stages_vq.reconstruction(rig, net.vqgan(made.latent), x_BCHW, generator)
    return total + quality, stats | seen


def gan_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Pictures against a critic, from streams that stay as they are."""
    place_B = sent(places(len(x_BCHW), rig.net.config.anchors, generator), x_BCHW.device)
    rig.net.eval()  # the tokens' codebook must not follow along
    x_hat, _ = rig.net.training_step(x_BCHW, place_B)
    share = CRITIC_SHARE * ramp(progress)
    return stages_vq.against_critic(rig, x_hat.float(), x_BCHW, share, generator)


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Real files without detail, with little, and with the most."""
    net, lpips = rig.net, rig.partner("lpips")
    features, wanted, size = net.analyse(x_1CHW), lpips.reference(x_1CHW), x_1CHW.shape[2:]
    padded = tuple(-(-side // net.stride) * net.stride for side in size)
    figures: dict[str, float] = {}
    pictures = []
    for quality in (0, len(net.qualities) // 2, len(net.qualities) - 1):
        payloads = [payload for payload, _ in net.write(features, quality)]
        latents, _ = net.read(payloads, quality, padded)
        at = torch.tensor([net.place(quality)], device=x_1CHW.device)
        x_hat = net.synthesise(latents, at)[..., : size[0], : size[1]].float().clamp(0, 1)
        figures[f"bpp_{quality}"] = 8 * sum(map(len, payloads)) / x_1CHW[0, 0].numel()
        figures[f"psnr_{quality}"] = float(decibels(F.mse_loss(x_hat, x_1CHW)))
        figures[f"lpips_{quality}"] = float(lpips(x_hat, wanted))
        pictures.append(x_hat)
    return pictures[1], figures


DLF = Stage(
    "dlf", "dlf", assemble, loss, validate, learnt_parts,
    batch=6, crop=256, gpu_batch=48, crop_mb=700, rates=Rates(muon=3e-3, adam=1e-3), clip=1.0,
    schooling=SCHOOLING, going_on=1 / 3,
)  # fmt: skip
DLF_GAN = Stage(
    "dlf-gan", "dlf", partial(stages_vq.with_critic, assemble), gan_loss, validate, decoder_parts,
    batch=6, crop=256, gpu_batch=48, crop_mb=700, continues=("dlf",),
    rates=Rates(muon=1e-3, adam=4e-4), clip=1.0,
)  # fmt: skip

STAGES = (DLF, DLF_GAN)
