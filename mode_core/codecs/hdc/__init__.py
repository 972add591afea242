"""HDCompression: its row, how it codes and draws, its networks (vectors, enhancer, predictor of
tokens, merger) and its training stages.

It stands on the folders `elic` and `vq`, whose networks it holds frozen, and shares with `mode` how
two streams are written and how pictures are exchanged.

May use: codecs, codecs.elic, codecs.mode, codecs.vq, errors, layers, stream, training, types.
"""

from mode_core.types import CodecInfo, Look

CODECS = (
    CodecInfo(
        id="hdc",
        wire_id=6,
        outputs={None: "HDC"},
        summary="Dual stream with vector diffusion: small latent, some tokens, others predicted",
        paper="https://arxiv.org/abs/2502.07160",
        stated=(
            "a latent of the picture at half its size, tokens sent in part, vectors that four "
            "steps of diffusion make anew, enhancement, prediction, correction and an assisting"
            " decoder"
        ),
        ours=(
            "ELIC instead of MLIC, a prior for the tokens that are sent, attention in windows, "
            "missing tokens drawn as a mean of codes, VQ's decoder left frozen, and an exchange"
            " of bands at the end; no code of the authors is known to us, and sizes and depths "
            "are ours"
        ),
        name="HDC",
        streams=("vq", "sq"),
        experts=("elic", "vq"),
        stages=("hdc", "hdc-tokens", "hdc-merge", "hdc-gan", "hdc-vectors"),
        looks={None: Look("#000060", "#d89078", "bowtie")},
    ),
)
