"""What HDC's stages are judged by: real streams at a few qualities, and each part by itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.codecs.elic.net import STEPS_BETWEEN
from mode_core.codecs.hdc.net import Hdc, path
from mode_core.codecs.hdc.predictor import Seen, look
from mode_core.codecs.system import by_repeating
from mode_core.codecs.vq.net import SHARES, Vq, count_sent, turn_and_rank
from mode_core.training.losses import decibels
from mode_core.training.stage import Rig

CHECKED = (6, 21, 60)
"""About 0.02, 0.03 and 0.05 bits per pixel."""
QUARTER = SHARES // 4
"""The shares beside which accuracy is told: 75 % of the tokens are masked, as published."""


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Merged and enhanced pictures of real streams, and how many masked tokens are guessed."""
    net, size = rig.net, x_1CHW.shape[2:]
    y, tokens = net.analyse(by_repeating(net.stride)(x_1CHW))
    figures: dict[str, float] = {}
    pictures = []
    for quality in CHECKED:
        shares, fineness = path(quality)
        payloads = _written(net, y, tokens, shares, fineness)
        figures[f"bpp_{quality}"] = 8 * sum(map(len, payloads)) / x_1CHW[0, 0].numel()
        y_hat, known = _read(net, payloads, (y, tokens), shares, fineness)
        at = torch.tensor([fineness / STEPS_BETWEEN], device=x_1CHW.device)
        x_hat = net(y_hat.to(x_1CHW), known.to(x_1CHW.device), at)
        pictures.append(_figures(rig, f"{quality}", x_hat, x_1CHW, figures))
        if quality == CHECKED[1]:
            figures |= parts(rig, by_repeating(net.stride)(x_1CHW), y_hat.to(x_1CHW), tokens, at)
    return pictures[1][..., : size[0], : size[1]], figures


def _written(net: Hdc, y: Tensor, tokens: Tensor, shares: int, fineness: int) -> list[bytes]:
    tokens_made, _ = net.vq.write(tokens.cpu(), shares - 1)
    latent_made, _ = net.elic.write(y.float().cpu(), fineness)
    return [tokens_made, latent_made]


def _read(
    net: Hdc, payloads: list[bytes], like: tuple[Tensor, Tensor], shares: int, fineness: int
) -> tuple[Tensor, Tensor]:
    y, tokens = like
    known, _ = net.vq.read(payloads[0], shares - 1, (tokens.shape[1], tokens.shape[2]))
    y_hat, _ = net.elic.read(payloads[1], fineness, (y.shape[2], y.shape[3]))
    return y_hat, known


def _figures(rig: Rig, name: str, x_hat: Tensor, x_1CHW: Tensor, into: dict[str, float]) -> Tensor:
    """PSNR and LPIPS of a padded picture, added to figures; the picture in its size."""
    lpips, (high, wide) = rig.partner("lpips"), x_1CHW.shape[2:]
    x_hat = x_hat[..., :high, :wide].float().clamp(0, 1)
    into[f"psnr_{name}"] = float(decibels(F.mse_loss(x_hat, x_1CHW)))
    into[f"lpips_{name}"] = float(lpips(x_hat, lpips.reference(x_1CHW)))
    return x_hat


def parts(rig: Rig, x: Tensor, y: Tensor, tokens: Tensor, at: Tensor) -> dict[str, float]:
    """What vectors are worth: with those of the original, as the decoder makes them, and without.

    The predictor sees the decoder's own enhanced picture each time. All names begin with the part,
    so that only whole pictures count where sets are compared.
    """
    net, told = rig.net, dict[str, float]()
    plain = net.plain(y, at)
    ways: dict[str, Callable[[str, Tensor], Tensor]] = {
        "true": lambda which, seen: net.extracted(which, x, seen),
        "made": net.made,
        "none": lambda which, seen: net.no_vectors(seen),
    }
    pictures = {name: net.enhance(y, vectors("enhancer", plain), at).picture
                for name, vectors in ways.items()}  # fmt: skip
    for name, picture in {"plain": plain, **pictures}.items():
        _figures(rig, name, picture, x, told)
    seen = look(net.vq, pictures["made"])
    found = {name: vectors("predictor", pictures["made"]) for name, vectors in ways.items()}
    guessed = {f"accuracy_{name}": accuracy(net, tokens, seen, v) for name, v in found.items()}
    return {f"enhanced_{name}": value for name, value in told.items()} | guessed


def accuracy(net: Hdc, tokens_1HW: Tensor, seen: Seen, v: Tensor) -> float:
    """The share of masked tokens that the predictor holds for the likeliest, 75 % being masked."""
    vq: Vq = net.vq
    height, width = tokens_1HW.shape[1:]
    _, rank = turn_and_rank(height, width)
    masked = (rank >= count_sent(height * width, QUARTER - 1)).view(1, height, width)
    masked = masked.to(tokens_1HW.device)
    hidden = torch.where(masked, vq.config.codes, tokens_1HW)
    inner = net.predictor.inner(vq, hidden, seen, v)
    logits = net.predictor.logits(vq, inner, vq.prior.features(hidden), seen.z)
    return float((logits.argmax(1) == tokens_1HW)[masked].float().mean())
