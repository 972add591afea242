"""CLC, coding beside references from a dictionary: its row, how it codes, its network and training.

It stands on the folder `elic`, whose network it holds frozen.

May use: codecs, codecs.elic, errors, layers, stream, training, types.
"""

from mode_core.types import CodecInfo, Look

CODECS = (
    CodecInfo(
        id="clc",
        wire_id=7,
        outputs={None: "CLC"},
        summary="ELIC's latent coded beside references from a dictionary that both sides have",
        paper="https://arxiv.org/abs/2502.09971",
        streams=("sq",),
        experts=("elic",),
        stages=("clc",),
        looks={None: Look("#e61569", "#9ed4fa", "triangle-right")},
    ),
)
