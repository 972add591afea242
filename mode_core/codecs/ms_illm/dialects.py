"""Public MS-ILLM checkpoints, with and without their critic's stage."""

from __future__ import annotations

import dataclasses
import re

from torch import Tensor

from mode_core.codecs.dialect import NOGAN, Dialect, State, new_prior, side
from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm
from mode_core.layers.factorised import STORED_TABLES
from mode_core.weights.sets import PUBLIC

_SOURCE = "https://github.com/facebookresearch/NeuralCompression"


def from_public(state: State) -> dict[str, Tensor]:
    """An author's state dict under this project's names: stored coder tables left out."""
    return {
        new_prior(name): value
        for name, value in state.items()
        if not name.startswith("latent_bottleneck.") and name.split(".")[-1] not in STORED_TABLES
    }


def _illm_net(state: State) -> tuple[type[MsIllm], IllmConfig]:
    config = IllmConfig.public()
    names = (f"encoder.blocks.{i}.0.weight" for i in range(len(config.widths)))
    sizes = [side(state, n, 0, w) for n, w in zip(names, config.widths, strict=True)]
    blocks = [int(n.split(".")[2]) for n in state if re.match(r"decoder\.resid_blocks\.\d+\.", n)]
    usual = not blocks or tuple(sizes) == config.widths
    config = dataclasses.replace(
        config,
        widths=tuple(sizes),
        latent=side(state, "hyper_analysis.0.weight", 1, config.latent),
        hyper=side(state, "hyper_analysis.0.weight", 0, config.hyper),
        residuals=config.residuals if usual else max(blocks) + 1,
    )
    return MsIllm, config


DIALECTS = (
    Dialect(
        "ms-illm", "msillm", PUBLIC, "decoder.resid_blocks.0.sequence.0.weight", "CC-BY-NC 4.0",
        _SOURCE, from_public, _illm_net, prior="hyper_bottleneck",
    ),
    Dialect(
        "ms-illm", "nogan", NOGAN, "decoder.resid_blocks.0.sequence.0.weight", "CC-BY-NC 4.0",
        _SOURCE, from_public, _illm_net, prior="hyper_bottleneck", in_file_name="nogan",
    ),
)  # fmt: skip
