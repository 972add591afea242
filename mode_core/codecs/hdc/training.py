"""HDC: its parts in turn, each on those before it; then what makes their vectors at the decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic.net import STEPS_BETWEEN
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.hdc.enhancer import Enhanced, halved
from mode_core.codecs.hdc.measured import validate
from mode_core.codecs.hdc.net import Hdc, path
from mode_core.codecs.hdc.predictor import look
from mode_core.codecs.hdc.vectors import centred
from mode_core.codecs.identity import joined_tags
from mode_core.codecs.networks import partner, partner_set
from mode_core.codecs.vq.net import SHARES, count_sent, turn_and_rank
from mode_core.layers.device import sent
from mode_core.training.critics import PixelCritic, hinge, pulled, ramp
from mode_core.training.losses import load_lpips, off_grid
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Rig, Setup, Stage, Stats, TrainingError, varied, width_of

WIDTHS = {"tiny": HdcConfig(), "compact": HdcConfig.compact()}
CRITIC_WIDTHS = {"tiny": 24, "compact": 64}
ABLATIONS: dict[str, dict[str, Any]] = {
    "no-enhancer-vectors": {"enhancer_vectors": False},
    "no-predictor-vectors": {"predictor_vectors": False},
    "no-correction": {"correction": False},
}
"""What widths such as `tiny-no-correction` leave out."""
L1, LPIPS, CRITIC = 1.2, 0.8, 0.12
"""The weights of the loss of pictures, as published; the critic's is its share of the pull, as for
all codecs here. It has a stage of its own, the last of the merger's: from the start of merging on
it made LPIPS worse (LOG, 2026-11-28)."""
SILENT = 0.5
"""Share of the crops whose vectors are zero: those that a decoder makes lie between these and the
extracted ones."""
NEW, LEARNT = Rates(muon=3e-3, adam=1e-3), Rates(muon=1e-3, adam=4e-4)
"""How fast parts learn at first, and against a critic when they know their work."""
FASTER = 8.0
"""The gate of the exchanged pictures and the shares of what a prediction is made of are few, and
the gate starts at zero: they learn this much faster."""

PREDICTOR_RATE = 0.3
"""How much slower than the merger the predictor learns beside it, what a mean of codes should be
where the picture counts."""

MERGED = "merger.", "predictor."


def config_of(width: str) -> HdcConfig:
    """The configuration of a width, or of a width and what an ablation leaves out."""
    return varied(WIDTHS, ABLATIONS, width)


def assemble(setup: Setup) -> Rig:
    """A new HDC over the experts, the bundled ones unless --start names others, and LPIPS."""
    elic, vq = (partner(setup, codec) for codec in ("elic", "vq"))
    try:
        net = Hdc(elic, vq, config_of(setup.width))
    except ValueError as error:
        raise TrainingError(
            f"elic and vq do not fit this hdc ({error}); train all three at the same --width"
        ) from error
    net.merger.start_from(vq)
    predictor = net.predictor
    for few in (net.merger.exchange.gamma, predictor.prior_share, predictor.sight_share):
        few.lr_scale = FASTER  # type: ignore[attr-defined]
    rig = Rig(net, elic=elic, vq=vq, lpips=load_lpips(setup.lpips_backbone))
    if not {"elic", "vq"} & set(setup.starts):
        rig.facts["experts"] = joined_tags(partner_set(setup, codec) for codec in ("elic", "vq"))
    return rig


def for_merging(setup: Setup) -> Rig:
    """The same, with a predictor that changes slowly: it knows its work already."""
    rig = assemble(setup)
    for parameter in rig.net.predictor.parameters():
        slower = PREDICTOR_RATE * getattr(parameter, "lr_scale", 1.0)
        parameter.lr_scale = slower
    return rig


def with_critic(setup: Setup) -> Rig:
    """The same with a critic of pixels."""
    rig = for_merging(setup)
    rig.critic = PixelCritic(width_of(CRITIC_WIDTHS, setup.width.partition("-")[0]))
    return rig


def only(*names: str) -> Callable[[Rig], list[nn.Parameter]]:
    """The parameters of these parts."""

    def trainable(rig: Rig) -> list[nn.Parameter]:
        named = rig.net.named_parameters()
        return [parameter for name, parameter in named if name.startswith(names)]

    return trainable


def drawn_qualities(batch: int, generator: torch.Generator) -> list[tuple[int, int]]:
    """Shares and latent qualities along the path of files, evenly over each batch."""
    jitter = torch.rand(batch, generator=generator)
    places = (torch.randperm(batch, generator=generator) + jitter) / batch
    return [path(int(place * len(Hdc.qualities))) for place in places.tolist()]


@torch.no_grad()
def latent(rig: Rig, x_BCHW: Tensor, fineness: list[int]) -> tuple[Tensor, Tensor]:
    """The latent as a decoder has it, and its quality."""
    elic = rig.partner("elic")
    quality_B = sent(torch.tensor([one / STEPS_BETWEEN for one in fineness]), x_BCHW.device)
    y_hat, _ = elic.quantise(elic.analyse(halved(x_BCHW)).float(), quality_B)
    return y_hat, quality_B


def told(
    rig: Rig, which: str, x_BCHW: Tensor, decoded: Tensor, generator: torch.Generator
) -> Tensor:
    """Extracted vectors, of some crops zero."""
    heard = (torch.rand(len(x_BCHW), generator=generator) >= SILENT).float()
    return rig.net.extracted(which, x_BCHW, decoded) * sent(heard, x_BCHW.device)[:, None, None]


def enhanced(
    rig: Rig, x_BCHW: Tensor, fineness: list[int], generator: torch.Generator
) -> tuple[Enhanced, Tensor]:
    """The enhanced picture and the latent's quality, with vectors of the original."""
    y_hat, quality_B = latent(rig, x_BCHW, fineness)
    with torch.no_grad():
        plain = rig.net.plain(y_hat, quality_B)
    v = told(rig, "enhancer", x_BCHW, plain, generator)
    return rig.net.enhance(y_hat, v, quality_B), quality_B


def hidden_tokens(
    tokens_BHW: Tensor, shares: list[int], codes: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Tokens of which so many shares were sent, and (on the host) which were."""
    height, width = tokens_BHW.shape[1:]
    _, rank = turn_and_rank(height, width)
    counts = [count_sent(height * width, share - 1) for share in shares]
    known = (rank < torch.tensor(counts)[:, None]).view(tokens_BHW.shape)
    return torch.where(sent(known, device), tokens_BHW, codes), known


def picture_loss(
    rig: Rig, x_hat: Tensor, x_BCHW: Tensor, progress: float, generator: torch.Generator
) -> Cost:
    """L1, LPIPS, and where there is a critic, one that pulls with a share of their strength."""
    x_hat = x_hat.float()
    leaf = x_hat if rig.critic is None else x_hat.detach().requires_grad_()
    lpips = rig.partner("lpips")
    with torch.autocast(x_hat.device.type, enabled=False):
        mine, wanted = off_grid(generator, leaf, x_BCHW)
        distance = lpips(mine, lpips.reference(wanted)).mean()
        error = F.l1_loss(leaf, x_BCHW)
        main = L1 * error + LPIPS * distance
    seen = {"main": main.detach(), "l1": error.detach(), "lpips": distance.detach()}
    if rig.critic is None:
        return main, seen
    extra = -rig.critic(leaf).float().mean()
    pull = pulled(x_hat, leaf, main, extra, CRITIC * ramp(progress))
    judged, stats = hinge(rig.critic(x_BCHW).float(), rig.critic(x_hat.detach()).float())
    return pull + judged, seen | stats


def enhancer_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """The enhanced picture."""
    _, fineness = zip(*drawn_qualities(len(x_BCHW), generator), strict=True)
    made, _ = enhanced(rig, x_BCHW, [*fineness], generator)
    return picture_loss(rig, made.picture, x_BCHW, progress, generator)


def token_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Cross-entropy of the tokens that were not sent, with any share of them sent."""
    net, vq = rig.net, rig.partner("vq")
    _, fineness = zip(*drawn_qualities(len(x_BCHW), generator), strict=True)
    with torch.no_grad():
        decoded, _ = enhanced(rig, x_BCHW, [*fineness], generator)
        seen, tokens = look(vq, decoded.picture), vq.analyse(x_BCHW)
    shares = torch.randint(SHARES, (len(x_BCHW),), generator=generator).tolist()
    hidden, known = hidden_tokens(tokens, shares, vq.config.codes, x_BCHW.device)
    v = told(rig, "predictor", x_BCHW, decoded.picture, generator)
    # which places are asked for is found out here: a mask on the device would have to be read
    at = sent((~known).flatten().nonzero().flatten(), x_BCHW.device)
    maps = net.predictor.inner(vq, hidden, seen, v), vq.prior.features(hidden), seen.z
    some = (part.permute(0, 2, 3, 1).flatten(0, 2)[at].t()[None, :, :, None] for part in maps)
    logits_NK = net.predictor.logits(vq, *some)[0, :, :, 0].t()
    wanted = tokens.flatten()[at]
    nats = F.cross_entropy(logits_NK, wanted)
    right = (logits_NK.detach().argmax(1) == wanted).float().mean()
    return nats, {"nats": nats, "accuracy": right}


def merge_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """The merged picture, from streams as files hold them."""
    net, vq = rig.net, rig.partner("vq")
    shares, fineness = zip(*drawn_qualities(len(x_BCHW), generator), strict=True)
    with torch.no_grad():
        decoded, quality_B = enhanced(rig, x_BCHW, [*fineness], generator)
        seen, tokens = look(vq, decoded.picture), vq.analyse(x_BCHW)
        hidden, _ = hidden_tokens(tokens, [*shares], vq.config.codes, x_BCHW.device)
        v = told(rig, "predictor", x_BCHW, decoded.picture, generator)
    codes = net.predictor(vq, hidden, seen, v)
    x_hat = net.merger(vq, codes, decoded, seen, quality_B)
    return picture_loss(rig, x_hat, x_BCHW, progress, generator)


def vector_loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """How far the vectors at the end of the chain are from the extracted ones."""
    net = rig.net
    _, fineness = zip(*drawn_qualities(len(x_BCHW), generator), strict=True)
    y_hat, quality_B = latent(rig, x_BCHW, [*fineness])
    with torch.no_grad():
        plain = net.plain(y_hat, quality_B)
        picture = net.enhance(y_hat, net.made("enhancer", plain), quality_B).picture
    total, stats = x_BCHW.new_zeros(()), Stats()
    for which, decoded in (("enhancer", plain), ("predictor", picture)):
        if which not in net.diffusions:
            continue
        diffusion = net.diffusions[which]
        with torch.no_grad():
            v = net.extracted(which, x_BCHW, decoded)
        start = diffusion.noisy(v, generator)
        off = F.mse_loss(diffusion.chain(start, diffusion.lead(centred(decoded))), v)
        total, stats[which] = total + off, off
    return total, stats


def _stage(
    name: str, assemble: Callable[[Setup], Rig], loss: Any, parts: tuple[str, ...],
    *continues: str, rates: Rates = NEW,
) -> Stage:  # fmt: skip
    """A stage of these parts after those before it; crops hold whole windows of the token grid."""
    return Stage(
        name, "hdc", assemble, loss, validate, only(*parts), continues=continues,
        batch=4, crop=256, gpu_batch=32, crop_mb=600, rates=rates, clip=1.0,
    )  # fmt: skip


STAGES = (
    _stage("hdc", assemble, enhancer_loss, ("enhancer.", "extractors.enhancer.")),
    _stage("hdc-tokens", assemble, token_loss, ("predictor.", "extractors.predictor."), "hdc"),
    _stage("hdc-merge", for_merging, merge_loss, MERGED, "hdc-tokens"),
    _stage("hdc-gan", with_critic, merge_loss, MERGED, "hdc-merge", rates=LEARNT),
    _stage("hdc-vectors", assemble, vector_loss, ("diffusions.",), "hdc-merge", "hdc-gan"),
)  # fmt: skip
