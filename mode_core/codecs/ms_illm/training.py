"""MS-ILLM: an auto-encoder for LPIPS, then its generator against a critic of visual words."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic.training import DCT_RATE, SETTLED, decoded, spread_qualities
from mode_core.codecs.ms_illm.net import MSE_WEIGHT, TRAINED, IllmConfig, MsIllm, rate_weight
from mode_core.codecs.networks import partner
from mode_core.layers.device import sent
from mode_core.training.critics import LabelCritic, passed_on, ramp
from mode_core.training.losses import decibels, load_lpips, off_grid
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Crops, Rig, Setup, Stage, TrainingError, width_of

WIDTHS = {
    "tiny": IllmConfig(),
    "compact": IllmConfig(
        stages=((4, 96, 2), (8, 192, 3), (16, 320, 4)),
        generator=((4, 96, 2), (8, 192, 4), (16, 320, 6)),
    ),
}
CRITICS: dict[str, dict[str, Any]] = {
    "tiny": {},
    "compact": {"fold": 2, "down": (64, 128, 128, 256, 256), "up": (256, 128)},
}
SQUARED_ERROR = MSE_WEIGHT / 2
"""Half of what the authors take: at theirs, our small network needed 8 % fewer bits than theirs for
the same PSNR, and four times as many for the same LPIPS."""
CRITIC_WEIGHT = 0.008
CHECKED = (1, 3, 5)


def assemble(setup: Setup) -> Rig:
    """A new network, LPIPS, and the elic whose transforms it starts from if --start names one."""
    net = MsIllm(width_of(WIDTHS, setup.width))
    for name, parameter in net.named_parameters():
        if name.endswith("dct.kernel"):
            parameter.lr_scale = DCT_RATE  # type: ignore[attr-defined]
    frozen = {"elic": partner(setup, "elic")} if "elic" in setup.starts else {}
    rig = Rig(net, lpips=load_lpips(setup.lpips_backbone), **frozen)
    if frozen:
        rig.facts["started_from"] = "transforms of elic"
    return rig


def assemble_gan(setup: Setup) -> Rig:
    """The network, LPIPS, the Vq expert whose tokens are the words, and the critic."""
    net, vq = MsIllm(width_of(WIDTHS, setup.width)), partner(setup, "vq")
    critic = LabelCritic(vq.config.codes, net.config.latent, **width_of(CRITICS, setup.width))
    return Rig(net, critic, vq=vq, lpips=load_lpips(setup.lpips_backbone))


def prepare(rig: Rig, crops: Crops) -> None:
    """Start from elic's transforms, else from a block DCT fitted to photographs."""
    if "elic" not in rig.frozen:
        rig.net.fit_start(crops())
        return
    try:
        rig.net.start_from(rig.partner("elic"))
    except ValueError as error:
        raise TrainingError(f"{error}; train elic and ms-illm at the same --width") from error


def generator_parts(rig: Rig) -> list[nn.Parameter]:
    """The parts that only decode; files stay valid when only these learn."""
    return list(rig.net.decoder.parameters())


def distortion(rig: Rig, x_hat: Tensor, x_BCHW: Tensor, generator: torch.Generator) -> Cost:
    """Squared error and LPIPS, per crop."""
    lpips = rig.partner("lpips")
    with torch.autocast(x_BCHW.device.type, enabled=False):
        x_hat = x_hat.float()
        error_B = (x_hat - x_BCHW).square().mean((1, 2, 3))
        mine, wanted = off_grid(generator, x_hat, x_BCHW)
        distance_B = lpips(mine, lpips.reference(wanted))
    psnr = decibels(error_B.detach()).mean()
    return SQUARED_ERROR * error_B + distance_B, {"lpips": distance_B.mean(), "psnr": psnr}


def balance(quality_B: Tensor) -> Tensor:
    """Keeps high rates, whose losses are small, from drowning."""
    return (2 / rate_weight(quality_B)) ** 0.25


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Distortion plus the published price of bits, each crop at its own quality."""
    quality_B = sent(spread_qualities(len(x_BCHW), generator, TRAINED), x_BCHW.device)
    x_hat, bits_B = rig.net.training_step(x_BCHW, quality_B, progress > SETTLED)
    bpp_B = bits_B / x_BCHW[0, 0].numel()
    far_B, stats = distortion(rig, x_hat, x_BCHW, generator)
    cost_B = balance(quality_B) * (far_B + rate_weight(quality_B) * bpp_B)
    return cost_B.mean(), stats | {"bpp": bpp_B.mean()}


def gan_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Distortion, and a critic that must be told the right word of every block."""
    quality_B = sent(spread_qualities(len(x_BCHW), generator, TRAINED), x_BCHW.device)
    with torch.no_grad():
        y_hat, _ = rig.net.quantise(rig.net.analyse(x_BCHW).float(), quality_B)
        word_BHW = rig.partner("vq").analyse(x_BCHW) + 1
    x_hat = rig.net.synthesise(y_hat, quality_B).float()
    leaf = x_hat.detach().requires_grad_()
    far_B, stats = distortion(rig, leaf, x_BCHW, generator)
    fooled = F.cross_entropy(rig.critic(leaf, y_hat).float(), word_BHW)
    main = (balance(quality_B) * far_B).mean() + CRITIC_WEIGHT * ramp(progress) * fooled
    judged_real = F.cross_entropy(rig.critic(x_BCHW, y_hat).float(), word_BHW)
    fake = rig.critic(x_hat.detach(), y_hat).float()
    judged_fake = F.cross_entropy(fake, torch.zeros_like(word_BHW))
    stats |= {"fooled": fooled, "real": judged_real, "fake": judged_fake}
    return passed_on(x_hat, leaf, main) + (judged_real + judged_fake) / 2, stats


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Real streams at a few qualities: rate, PSNR, LPIPS."""
    net, lpips = rig.net, rig.partner("lpips")
    y, wanted = net.analyse(x_1CHW).float().cpu(), lpips.reference(x_1CHW)
    figures: dict[str, float] = {}
    pictures = []
    for trained in CHECKED:
        x_hat, figures[f"bpp_q{trained}"], _ = decoded(net, y, trained, x_1CHW)
        figures[f"psnr_q{trained}"] = float(decibels(F.mse_loss(x_hat, x_1CHW)))
        figures[f"lpips_q{trained}"] = float(lpips(x_hat, wanted))
        pictures.append(x_hat)
    return pictures[0], figures


ILLM = Stage("ms-illm", "ms-illm", assemble, loss, validate, prepare=prepare, gpu_batch=96)
ILLM_GAN = Stage(
    "ms-illm-gan", "ms-illm", assemble_gan, gan_loss, validate, generator_parts,
    continues=("ms-illm",), gpu_batch=64, rates=Rates(muon=2e-3, adam=5e-4),
)  # fmt: skip

STAGES = (ILLM, ILLM_GAN)
