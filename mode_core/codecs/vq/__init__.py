"""VQ, the perception expert: its row, how it codes and draws, its networks (ours and VQGAN's), the
dialect of public files, and its training stages.

May use: codecs, errors, layers, stream, training, types, weights.
"""

from mode_core.types import ByHand, CodecInfo, Look

CODECS = (
    CodecInfo(
        id="vq",
        wire_id=5,
        outputs={None: "VQ"},
        summary="Vector-quantised tokens with a learned prior: the perception expert",
        paper="https://arxiv.org/abs/2012.09841",
        streams=("vq",),
        stages=("vq", "prior", "vq-gan"),
        looks={None: Look("#6b9400", "#a9dc20", "triangle-down")},
        checkpoints=(
            ByHand(
                "vq",
                "VQGAN f16 of ImageNet, 1024 or 16384 codes (dialect taming)",
                "MIT, as its repository",
                "https://github.com/CompVis/taming-transformers, links in its README",
            ),
        ),
    ),
)
