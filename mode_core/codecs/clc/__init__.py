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
        stated=(
            "references from clustered photographs that both sides have, matched, aligned, and "
            "mixed into what a latent is coded by"
        ),
        ours=(
            "ELIC beneath it instead of TCM; pieces of latents instead of pictures, looked up "
            "region by region with what the decoder has already, or sent where that pays; a "
            "mixture without the latent itself, which no decoder has; a flag that tells where an "
            "entry was sent"
        ),
        streams=("sq",),
        experts=("elic",),
        stages=("clc",),
        looks={None: Look("#e61569", "#9ed4fa", "triangle-right")},
    ),
)
