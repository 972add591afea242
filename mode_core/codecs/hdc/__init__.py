"""HDCompression: its row, how it codes and draws, its networks (vectors, enhancer, predictor of
tokens, merger) and its training stages. No trained weights are bundled yet.

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
        name="HDC",
        streams=("vq", "sq"),
        experts=("elic", "vq"),
        stages=("hdc", "hdc-tokens", "hdc-merge", "hdc-gan", "hdc-vectors"),
        looks={None: Look("#000060", "#d89078", "bowtie")},
    ),
)
