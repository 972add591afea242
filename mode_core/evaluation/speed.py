"""`make bench-speed`: the same work by this project and by the plain public classes, in one run.

    compact ELIC   our codec from picture to streams and back, against CompressAI's public ELIC
    public ELIC    the same weights in our class and in theirs, decoded pictures compared
    MS-ILLM        drawing a picture, against a plain float32 forward of the same layers

The sides take turns, and the best of each counts. Next to seconds on the clock stands the ratio of
processor time, which a busy machine disturbs less. Weights are made up (time does not depend on
them) so that latents spread over several integers, as trained ones do.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import torch
from compressai.models.sensetime import Elic2022Chandelier
from PIL import Image as Pillow
from torch import Tensor, nn

from mode_core.checkpoints.dialects import find_dialect
from mode_core.codecs.elic.public import ElicPublic
from mode_core.codecs.ms_illm.hific import NormInSteps
from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm
from mode_core.codecs.registry import load_codec
from mode_core.codecs.system import SingleStream
from mode_core.codecs.tiles import to_tensor
from mode_core.errors import WeightsUnavailable
from mode_core.evaluation.tables import text_table
from mode_core.layers.blocks import ChannelNorm
from mode_core.layers.winograd import WideConv
from mode_core.pictures.synthetic import built_in_picture
from mode_core.settings import RESULTS
from mode_core.stream.atomic import make_folder, write_atomic
from mode_core.stream.cells import csv_line
from mode_core.types import Image, Target
from mode_core.weights.provenance import device

RESULT = RESULTS / "speed.csv"
SIZE, ROUNDS, SPREAD = (768, 512), 3, 3.0
RATE = Target(bpp=0.4)
Side = Callable[[], object]


class SpeedRow(NamedTuple):
    """One comparison."""

    what: str
    ours_s: float
    theirs_s: float
    ratio: float
    cpu_ratio: float
    wanted_ratio: float
    threads: int
    device: str


def _compact(theirs: Any, image: Image) -> list[SpeedRow]:
    try:
        codec = load_codec("elic")
    except WeightsUnavailable as error:
        print(f"compact ELIC is left out: {error}", file=sys.stderr)  # noqa: T201
        return []
    x = to_tensor(image, 1).contiguous()
    made, file = theirs.compress(x), codec.encode(image, RATE)
    quality = Target(quality=file.quality)
    return [
        _compared("compact ELIC, encode", lambda: codec.encode(image, quality),
                  lambda: theirs.compress(x), 5.0),
        _compared("compact ELIC, decode", lambda: codec.decode(file),
                  lambda: theirs.decompress(made["strings"], made["shape"]), 5.0),
    ]  # fmt: skip


def _public(theirs: Any, image: Image) -> list[SpeedRow]:
    system = SingleStream(same_weights(theirs))
    wide, size = to_tensor(image, 1), image.shape[:2]
    x = wide.contiguous()
    made, streams = theirs.compress(x), system.write(system.analyse(wide), 0)

    def decode() -> Tensor:
        return system.draw(system.read(streams, 0, (size[0], size[1])), 0, None)

    _refuse_other_picture(decode(), theirs.decompress(made["strings"], made["shape"])["x_hat"])
    return [
        _compared("public ELIC, encode", lambda: system.write(system.analyse(wide), 0),
                  lambda: theirs.compress(x), 2.0),
        _compared("public ELIC, decode", decode,
                  lambda: theirs.decompress(made["strings"], made["shape"]), 2.0),
    ]  # fmt: skip


def _illm() -> SpeedRow:
    torch.manual_seed(0)
    net = MsIllm(IllmConfig.public()).eval().requires_grad_(False)
    y = torch.randn(1, net.config.latent, SIZE[1] // 16, SIZE[0] // 16)
    plain = plain_layers(copy.deepcopy(net))
    system = SingleStream(net)
    _refuse_other_picture(system.draw(y, 0, None), plain.synthesise(y, torch.zeros(1)))
    return _compared(
        "public MS-ILLM, draw", lambda: system.draw(y, 0, None),
        lambda: plain.synthesise(y, torch.zeros(1)), 1.3,
    )  # fmt: skip


def plain_layers(net: MsIllm) -> MsIllm:
    """The same layers as the authors write them: torch's convolutions, channel norms in steps."""
    for module in net.modules():
        if isinstance(module, WideConv):
            module.forward = partial(nn.Conv2d.forward, module)  # type: ignore[method-assign]
        if isinstance(module, ChannelNorm):
            formula: Any = NormInSteps.forward
            module.forward = partial(formula, module)  # type: ignore[method-assign]
    return net


def _compared(what: str, ours: Side, theirs: Side, wanted: float) -> SpeedRow:
    best = [[float("inf")] * 2, [float("inf")] * 2]
    for _ in range(ROUNDS):
        for side, run in enumerate((ours, theirs)):
            clock, cpu = perf_counter(), process_time()
            run()
            spent = perf_counter() - clock, process_time() - cpu
            best[side] = [min(old, new) for old, new in zip(best[side], spent, strict=True)]
    (clock, cpu), (their_clock, their_cpu) = best
    return SpeedRow(
        what, round(clock, 3), round(their_clock, 3), round(their_clock / clock, 2),
        round(their_cpu / cpu, 2), wanted, torch.get_num_threads(), device(),
    )  # fmt: skip


def plain_elic() -> Any:
    """CompressAI's class at its public size, with latents as spread and as well predicted."""
    torch.manual_seed(0)
    net = Elic2022Chandelier().eval().requires_grad_(False)
    y = net.g_a(to_tensor(built_in_picture(), 1).contiguous())
    net.g_a[13].weight.mul_(SPREAD / y.std())
    for codec in net.latent_codec.y.latent_codec.values():
        _, scales = codec.entropy_parameters[-1].bias.chunk(2)
        scales.uniform_(SPREAD / 2, 2 * SPREAD)
    net.update(force=True)
    return net


def same_weights(theirs: Any) -> ElicPublic:
    """CompressAI's weights in our class."""
    dialect, state = find_dialect("elic", "compressai"), theirs.state_dict()
    net = ElicPublic(dialect.net(state)[1])
    net.load_state_dict(dialect.rename(state), strict=False)
    net.freeze()
    return net.eval().requires_grad_(False)


def _refuse_other_picture(ours: Tensor, theirs: Tensor) -> None:
    levels = [(picture.clamp(0, 1) * 255).round() for picture in (ours, theirs)]
    if (levels[0] - levels[1]).abs().max() > 1:
        raise RuntimeError("the two networks draw different pictures")


@torch.inference_mode()
def main() -> int:
    """Measure, print and write the table; the compact ELIC is in it only where it has weights."""
    # the built-in picture at the size of a Kodak photo
    picture = Pillow.fromarray(built_in_picture()).resize(SIZE, Pillow.Resampling.BICUBIC)
    theirs, image = plain_elic(), np.asarray(picture)
    rows = [*_compact(theirs, image), *_public(theirs, image), _illm()]
    make_folder(RESULT.parent)
    write_atomic(RESULT, "".join(map(csv_line, [SpeedRow._fields, *rows])).encode())
    table = text_table(SpeedRow._fields, [[str(cell) for cell in row] for row in rows])
    print(table)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
