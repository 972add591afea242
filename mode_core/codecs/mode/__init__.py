"""MoDE, the mixture of decoder experts: its row, how it codes and draws, its network and training.

It stands on the folders `elic` and `vq`, whose networks it holds frozen.

May use: codecs, codecs.elic, codecs.vq, errors, layers, stream, training, types, weights.
"""

from mode_core.types import Anchor, CodecInfo, Look

CODECS = (
    CodecInfo(
        id="mode",
        wire_id=1,
        outputs={Anchor.FIDELITY: "MoDE-F", Anchor.PERCEPTION: "MoDE-P"},
        summary=(
            "Mixture of decoder experts: one dual-stream file, decoded for fidelity or perception"
        ),
        paper="https://arxiv.org/abs/2605.14391",
        stated=(
            "two frozen experts behind one file of two streams, ESE for what each knows of its "
            "own, gated residual modulation from the other (CEM)"
        ),
        ours=(
            "the formulas of both modules, their levels and the losses, inferred from the "
            "abstract and the captions, which were all we had; the exchange of bands between "
            "the pictures; one set of weights for all rates"
        ),
        name="MoDE",
        streams=("vq", "sq"),
        experts=("elic", "vq"),
        stages=("mode",),
        looks={
            Anchor.FIDELITY: Look("#1f5190", "#3d9be0", "circle"),
            Anchor.PERCEPTION: Look("#b24a2c", "#c8682c", "diamond"),
            None: Look("#7a35c0", "#9457f0", "hexagon"),
        },
        published_as="MoDE",
        published_in=("lpips",),
    ),
)
