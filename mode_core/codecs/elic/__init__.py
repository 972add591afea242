"""ELIC, the fidelity expert: its row, how it codes and draws, its networks (ours and the public
one), the dialects of public files, and its training stage.

May use: codecs, errors, layers, stream, training, types, weights.
"""

from mode_core.types import ByHand, CodecInfo, Look

CODECS = (
    CodecInfo(
        id="elic",
        wire_id=2,
        outputs={None: "ELIC"},
        summary="Uneven groups, space-channel context: the fidelity expert",
        paper="https://arxiv.org/abs/2203.10886",
        streams=("sq",),
        stages=("elic",),
        looks={None: Look("#109a8c", "#35e3cd", "triangle-up")},
        published_as="ELIC",
        published_in=("psnr",),
        published_by="a re-implementation's",
        checkpoints=(
            ByHand(
                "elic",
                "six rates, trained by V. Chandelier (dialect chandelier)",
                "none stated",
                "https://github.com/VincentChandelier/ELiC-ReImplemetation, links in its README",
            ),
        ),
    ),
)
