"""Public DLF checkpoints."""

from __future__ import annotations

from torch import Tensor

from mode_core.codecs.dialect import Dialect, State
from mode_core.codecs.dlf.config import DlfConfig
from mode_core.codecs.dlf.net import Dlf
from mode_core.weights.sets import PUBLIC

_DLF_TRAINING_ONLY = (
    "img_loss.", "vqgan.encoder.", "vqgan.quant_conv.",
    "epoch_for_strategy", "lmbda_idx", "lmbda_list",
)  # fmt: skip


def _dlf_names(state: State) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(_DLF_TRAINING_ONLY)}


def _dlf_net(_state: State) -> tuple[type[Dlf], DlfConfig]:
    return Dlf, DlfConfig.public()


DIALECTS = (
    Dialect(
        "dlf", "dlf", PUBLIC, "hybrid_codec.latent_tokens", "Apache-2.0",
        "https://github.com/dlfcodec/Dual-generative-Latent-Fusion", _dlf_names, _dlf_net,
        half=True,
    ),
)  # fmt: skip
