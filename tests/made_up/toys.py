"""Small untrained networks, saved and loaded like real weights; for tests only, never for show."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from mode_core.codecs import networks
from mode_core.codecs.clc.building import fill
from mode_core.codecs.clc.config import ClcConfig
from mode_core.codecs.clc.net import Clc
from mode_core.codecs.elic.net import Elic, ElicConfig
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.hdc.net import Hdc
from mode_core.codecs.identity import bundled_experts, joined_tags
from mode_core.codecs.mode.net import Mode, ModeConfig
from mode_core.codecs.vq.net import Vq, VqConfig
from mode_core.training.checkpoint import facts_of, save_weights, stored
from mode_core.weights import sets as weights

STAGES = ((8, 16, 1), (16, 24, 1))
TOY_ELIC = ElicConfig(
    STAGES, (4, 4, 8), hyper=16, hyper_latent=8, side=16, context=16, parameters=16
)
TOY_VQ = VqConfig(STAGES, codes=64, depth=8, prior=16, prior_blocks=1)
TOY_MODE = ModeConfig(hidden=(12, 8))
TOY_HDC = HdcConfig(
    width=16, heads=2, vectors=2, depth=8, eyes=STAGES, latent_blocks=1, map_blocks=1, rise=STAGES,
    encoder_blocks=1, decoder_blocks=1, branches=2, branch=4, correction_blocks=1, hidden=8,
)  # fmt: skip
TOY_CLC = ClcConfig(entries=12, channels=6, axes=8, match=8, wide=12, refines=True)


def toy_elic(seed: int = 0) -> Elic:
    """ELIC with some life in its last layers, so that every path matters."""
    torch.manual_seed(seed)
    net = Elic(TOY_ELIC)
    enliven(net)
    net.freeze()
    return net.eval()


def toy_vq(seed: int = 1) -> Vq:
    """A tokenizer with a prior that has opinions."""
    torch.manual_seed(seed)
    net = Vq(TOY_VQ)
    enliven(net)
    return net.eval()


def toy_mode(elic: Elic, vq: Vq, config: ModeConfig = TOY_MODE) -> Mode:
    """MoDE as it starts: exactly its experts."""
    torch.manual_seed(2)
    return Mode(elic, vq, config).eval()


def toy_hdc(elic: Elic, vq: Vq, config: HdcConfig = TOY_HDC) -> Hdc:
    """HDC as it starts: Vq's picture of the codes that it knows or expects."""
    torch.manual_seed(3)
    net = Hdc(elic, vq, config).eval()
    net.merger.start_from(vq)
    return net


def toy_clc(elic: Elic, config: ClcConfig = TOY_CLC, photographs: int = 2) -> Clc:
    """CLC as it starts: exactly its expert, with a dictionary of made-up pictures."""
    torch.manual_seed(3)
    net = Clc(elic, config)
    net.start_from_expert()
    fill(net, lambda: torch.rand(photographs, 3, 256, 256))
    return net.eval()


def lively_clc(elic: Elic, config: ClcConfig = TOY_CLC) -> Clc:
    """The same with references that are heeded: a toy's side features are faint."""
    net = toy_clc(elic, config)
    enliven(net)
    with torch.no_grad():
        for reference in net.references:
            reference.out.weight.mul_(40)  # type: ignore[union-attr,operator]
    return net


def enliven(net: nn.Module) -> None:
    """Give layers that start at zero small random weights."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 4 and not parameter.any():
                parameter.normal_(std=0.05)


def save_toy(net: nn.Module, codec: str, home: Path, **facts: str) -> None:
    """A weights set as the bundle holds them."""
    folder = home / f"{codec}-tiny"
    folder.mkdir(parents=True, exist_ok=True)
    known = {"codec": codec, "width": "tiny", **facts_of(net), **facts}
    save_weights(folder, stored(net), known)


def save_all(home: Path) -> Path:
    """A folder of toy weights for elic, vq, mode, clc and hdc."""
    save_toy(toy_elic(), "elic", home)
    save_toy(toy_vq(), "vq", home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "BUNDLED", home)
        save_mode(home)
        save_hdc(home)
        save_clc(home)
    return home


def save_mode(home: Path) -> None:
    """MoDE's own weights over the experts that are bundled."""
    experts = bundled_experts("mode")
    mode = toy_mode(*map(networks.load_net, experts))  # type: ignore[arg-type]
    enliven(mode)
    for gamma in (*mode.gates(0), *mode.gates(1)):
        nn.init.normal_(gamma, std=0.3)
    save_toy(mode, "mode", home, experts=joined_tags(experts))


def save_hdc(home: Path) -> None:
    """HDC's own weights over the experts that are bundled."""
    experts = bundled_experts("hdc")
    net = toy_hdc(*map(networks.load_net, experts))  # type: ignore[arg-type]
    enliven(net)
    with torch.no_grad():
        net.merger.exchange.gamma.normal_(std=0.3)
        for diffusion in net.diffusions.values():
            diffusion.end.weight.normal_(std=0.2)  # type: ignore[operator, union-attr]
    save_toy(net, "hdc", home, experts=joined_tags(experts))


def save_clc(home: Path) -> None:
    """CLC's own weights over the ELIC that is bundled."""
    experts = bundled_experts("clc")
    clc = lively_clc(*map(networks.load_net, experts))  # type: ignore[arg-type]
    save_toy(clc, "clc", home, experts=joined_tags(experts))
