"""DLF: its row, how it codes and draws, its network (ours and as published), the dialect of public
files, and its training stages. Its pictures end in the codes of the folder `vq`.

May use: codecs, codecs.vq, layers, stream, training, types, weights.
"""

from mode_core.types import ByHand, CodecInfo, Look

CODECS = (
    CodecInfo(
        id="dlf",
        wire_id=4,
        outputs={None: "DLF"},
        summary="Dual generative latent fusion: semantic tokens and coded detail",
        paper="https://arxiv.org/abs/2503.01428",
        stated=(
            "tokens of windows and coded detail, which lead each other and end in a VQGAN's codes"
        ),
        ours=(
            "one set of weights for all rates, no detail at all at the lowest, VQ's analysis "
            "and synthesis in place of a VQGAN's, a smaller codebook, exact arithmetic in the "
            "prior"
        ),
        streams=("tokens", "detail"),
        stages=("dlf", "dlf-gan"),
        looks={None: Look("#473a10", "#f3d48c", "pentagon")},
        published_as="DLF",
        published_in=("lpips",),
        checkpoints=(
            ByHand(
                "dlf",
                "four rates, about 5 GB each (dialect dlf)",
                "Apache-2.0",
                "https://github.com/dlfcodec/Dual-generative-Latent-Fusion, "
                "OneDrive link in its README",
            ),
        ),
    ),
)
