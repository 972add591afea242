"""MoDE: enhancement and cross-expert modulation on two frozen experts."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.codecs.elic import training as stages_elic
from mode_core.codecs.elic.net import TRAINED
from mode_core.codecs.identity import joined_tags
from mode_core.codecs.mode.net import FIDELITY, PERCEPTION, Mode, ModeConfig, shares_beside
from mode_core.codecs.networks import partner, partner_set
from mode_core.codecs.vq import training as stages_vq
from mode_core.codecs.vq.net import count_sent, turn_and_rank
from mode_core.layers.device import sent
from mode_core.training.critics import PatchCritic, listen, passed_on, ramp
from mode_core.training.losses import decibels, load_lpips, off_grid
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Rig, Setup, Stage, TrainingError, varied, width_of
from mode_core.weights.sets import PUBLIC

WIDTHS = {
    "tiny": ModeConfig(),
    "compact": ModeConfig(hidden=(128, 96, 64)),
    PUBLIC: ModeConfig.public(),
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "no-ese": {"ese": False},
    "no-cem": {"cem": False, "pictures": False},
    "no-gates": {"gated": False},
    "no-pictures": {"pictures": False},
}
"""What widths such as `tiny-no-ese` leave out; without gates, CEM adds its residual ungated."""
SQUARED_ERROR = 0.0055 * 255**2
"""The weight of a squared error at the fidelity anchor, at every rate."""
CRITIC_SHARES = 0.06, 0.12
"""How strongly the critic pulls MoDE-F and MoDE-P, in shares of the loss's own pull. Without it
MoDE-F drew a lattice of little hooks where it knew nothing."""
EXPERTS = (0.5, 0.1)
"""Weight of the enhanced experts' own pictures: at first, and at the end of the last third."""
FASTER = 8.0
"""Gates start at zero and are few: they learn this much faster."""
CHECKED = (1, 4)


def config_of(width: str) -> ModeConfig:
    """The configuration of a width, or of a width and what an ablation leaves out."""
    return varied(WIDTHS, ABLATIONS, width)


def assemble(setup: Setup) -> Rig:
    """New ESE and CEM over the experts, the bundled ones unless --start names others."""
    experts = [partner_set(setup, codec) for codec in ("elic", "vq")]
    public = setup.width == PUBLIC
    if any(expert.is_public != public for expert in experts):
        raise TrainingError(
            f"--width {PUBLIC}, and no other, goes with --start elic=FOLDER --start vq=FOLDER of "
            "imported weights"
        )
    elic, vq = (partner(setup, codec) for codec in ("elic", "vq"))
    try:
        net = Mode(elic, vq, config_of(setup.width))
    except ValueError as error:
        raise TrainingError(
            "elic and vq are of another width than this mode; train all three at the same --width"
        ) from error
    for gamma in (*net.gates(FIDELITY), *net.gates(PERCEPTION)):
        gamma.lr_scale = FASTER  # type: ignore[attr-defined]
    critic = PatchCritic(width_of(stages_vq.CRITIC_WIDTHS, setup.width.partition("-")[0]))
    rig = Rig(net, critic, elic=elic, vq=vq, lpips=load_lpips(setup.lpips_backbone))
    if public or not {"elic", "vq"} & set(setup.starts):
        rig.facts["experts"] = joined_tags(experts)
    return rig


@torch.no_grad()
def decoded_streams(
    rig: Rig, x_BCHW: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Latent, codes and quality as a decoder has them, at random rates of both streams."""
    elic, vq = rig.partner("elic"), rig.partner("vq")
    trained = stages_elic.qualities_of(elic)
    drawn_B = stages_elic.spread_qualities(len(x_BCHW), generator, trained)
    quality_B = sent(drawn_B, x_BCHW.device)
    y_hat, _ = elic.quantise(elic.analyse(x_BCHW).float(), quality_B)
    return y_hat, sent_beside(vq, vq.analyse(x_BCHW), drawn_B, generator), quality_B


def sent_beside(
    vq: Any, tokens_BHW: Tensor, quality_B: Tensor, generator: torch.Generator
) -> Tensor:
    """Codes of the tokens that a file holds beside a latent of some quality, known to the host."""
    if len(vq.qualities) == 1:
        return vq.codebook.look_up(tokens_BHW)
    height, width = tokens_BHW.shape[1:]
    counts = []
    for quality in quality_B.tolist():
        shares = shares_beside(quality / (TRAINED - 1))
        if quality == 0:  # smaller files hold the same latent and fewer tokens
            shares = int(torch.randint(1, shares + 1, (), generator=generator))
        counts.append(count_sent(height * width, shares - 1))
    _, rank = turn_and_rank(height, width)
    known = (rank < torch.tensor(counts)[:, None]).view(tokens_BHW.shape)
    hidden = torch.where(sent(known, tokens_BHW.device), tokens_BHW, vq.config.codes)
    return vq.guessed_codes(hidden)


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Distortion and LPIPS at both anchors, balanced differently, and the experts' pictures."""
    net, (y_hat, codes, quality_B) = rig.net, decoded_streams(rig, x_BCHW, generator)
    seen = net.references(y_hat, codes, quality_B)
    fidelity = net.fidelity(y_hat, seen, quality_B)
    perception = net.perception(codes, seen, quality_B)
    lpips = rig.partner("lpips")
    with torch.autocast(x_BCHW.device.type, enabled=False):
        pictures = fidelity, perception, seen.fidelity, seen.perception
        f, p, ef, ep = (picture.float() for picture in pictures)
        leaves = [picture.detach().requires_grad_() for picture in (f, p)]
        x, *shifted = off_grid(generator, x_BCHW, *leaves, ep)
        wanted = lpips.reference(x)
        like_f, like_p, like_ep = (lpips(picture, wanted).mean() for picture in shifted)
        near_f, near_p = F.mse_loss(leaves[0], x_BCHW), F.l1_loss(leaves[1], x_BCHW)
        alone = SQUARED_ERROR * F.mse_loss(ef, x_BCHW) + F.l1_loss(ep, x_BCHW) + like_ep
    mains = SQUARED_ERROR * near_f + like_f, near_p + like_p
    judged = int(torch.randint(2, (), generator=generator))  # both at once would cost a fifth more
    left = passed_on((p, f)[judged], leaves[1 - judged], mains[1 - judged])
    share = CRITIC_SHARES[judged] * ramp(progress)
    pull, seen_by_critic = listen(
        rig.critic, (f, p)[judged], x_BCHW, leaves[judged], mains[judged], share
    )
    late = max(0.0, 3 * progress - 2)
    beta = EXPERTS[0] + (EXPERTS[1] - EXPERTS[0]) * late
    stats = {"mse_f": near_f, "lpips_f": like_f, "l1_p": near_p, "lpips_p": like_p}
    return left + pull + beta * alone, stats | seen_by_critic


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Both anchors from real streams, beside the lone fidelity expert."""
    elic, vq, lpips = (rig.partner(name) for name in ("elic", "vq", "lpips"))
    wanted, figures = lpips.reference(x_1CHW), {}
    y, tokens = elic.analyse(x_1CHW).float().cpu(), vq.analyse(x_1CHW).cpu()
    shown = []
    for trained in CHECKED if stages_elic.qualities_of(elic) > 1 else (0,):
        alone, bpp, y_hat = stages_elic.decoded(elic, y, trained, x_1CHW)
        share = min(shares_beside(trained / (TRAINED - 1)), len(vq.qualities)) - 1
        extra, _ = vq.write(tokens, share)
        known, _ = vq.read(extra, share, tuple(tokens.shape[1:]))
        codes = vq.expected_codes(known.to(x_1CHW.device))
        at = torch.tensor([float(trained)], device=x_1CHW.device)
        fidelity, perception = rig.net(y_hat.to(x_1CHW), codes, at)
        figures[f"bpp_{trained}"] = bpp + 8 * len(extra) / x_1CHW[0, 0].numel()
        for name, picture in (("f", fidelity), ("p", perception), ("elic", alone)):
            picture = picture.float().clamp(0, 1)
            figures[f"psnr_{name}_{trained}"] = float(decibels(F.mse_loss(picture, x_1CHW)))
            figures[f"lpips_{name}_{trained}"] = float(lpips(picture, wanted))
        shown.append(perception)
    return shown[0], figures


MODE = Stage(
    "mode",
    "mode",
    assemble,
    loss,
    validate,
    rates=Rates(muon=3e-3, adam=1e-3),
    gpu_batch=48,
    crop_mb=600,
)

STAGES = (MODE,)
