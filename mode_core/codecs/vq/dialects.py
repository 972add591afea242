"""Public VQGAN checkpoints of taming-transformers."""

from __future__ import annotations

from torch import Tensor

from mode_core.codecs.dialect import Dialect, State, side
from mode_core.codecs.vq.public import VqPublic, VqPublicConfig
from mode_core.weights.sets import PUBLIC


def _vq_names(state: State) -> dict[str, Tensor]:
    """The state without the discriminator and the perceptual loss of its training."""
    return {name: value for name, value in state.items() if not name.startswith("loss.")}


def _vq_net(state: State) -> tuple[type[VqPublic], VqPublicConfig]:
    default = VqPublicConfig()
    widths = (
        side(state, f"decoder.up.{level}.block.2.conv2.weight", 0, width)
        for level, width in enumerate(default.widths)
    )
    codes = side(state, "quantize.embedding.weight", 0, default.codes)
    depth = side(state, "quantize.embedding.weight", 1, default.depth)
    return VqPublic, VqPublicConfig(codes, depth, tuple(widths))


DIALECTS = (
    Dialect(
        "vq", "taming", PUBLIC, "encoder.down.0.downsample.conv.weight", "MIT, as its repository",
        "https://github.com/CompVis/taming-transformers", _vq_names, _vq_net,
    ),
)  # fmt: skip
