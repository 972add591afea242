"""The LPIPS student: learns the values of LPIPS-Alex for spoilt photos and pictures of codecs."""

from __future__ import annotations

import torch
from torch import Tensor

from mode_core.codecs.networks import partner
from mode_core.metrics.student import LpipsStudent, StudentConfig
from mode_core.training.distortions import spoil
from mode_core.training.losses import load_lpips
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Rig, Setup, Stage

LAYERS = 0.2
"""Weight of the agreement in each layer's map, which teaches where a difference is seen."""
FLOOR = 0.01
CODED = 0.4
"""Share of the batches spoilt by the learned codecs that --start names."""
CODECS = ("elic", "vq", "ms-illm")
"""What it learns from, where --start names it: each draws a photo in one pass."""
CHECKED = 24


def assemble(setup: Setup) -> Rig:
    """A new student, its teacher, and the codecs whose pictures it learns from."""
    codecs = {codec: partner(setup, codec) for codec in CODECS if codec in setup.starts}
    return Rig(LpipsStudent(StudentConfig()), lpips=load_lpips(setup.lpips_backbone), **codecs)


@torch.no_grad()
def pair(rig: Rig, x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """The batch spoilt: by a codec where there is one, else in the common ways."""
    codecs = [name for name in rig.frozen if name != "lpips"]
    draw = torch.rand(2, generator=generator)
    if not codecs or draw[0] > CODED:
        return spoil(x_BCHW, generator)
    net = rig.partner(codecs[int(draw[1] * len(codecs))])
    if not hasattr(net, "training_step"):
        made = net(x_BCHW)[0]
    else:
        finest = net.qualities[-1] / net.steps_between
        place_B = torch.rand(len(x_BCHW), generator=generator) * finest
        made = net.training_step(x_BCHW, place_B.to(x_BCHW.device))[0]
    return (made.float().clamp(0, 1) * 255).round() / 255


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Disagreement with the teacher in the logarithm of the distance, and in every layer's map."""
    y_BCHW, teacher = pair(rig, x_BCHW, generator), rig.partner("lpips")
    with torch.autocast(x_BCHW.device.type, enabled=False), torch.no_grad():
        wanted = teacher.differences(y_BCHW, teacher.reference(x_BCHW))
    mine = [part.float() for part in rig.net.maps(y_BCHW * 2 - 1, x_BCHW * 2 - 1)]
    layers = torch.stack(
        [(a - b).abs().mean() / (b.mean() + 1e-3) for a, b in zip(mine, wanted, strict=True)]
    ).mean()
    said, true = (sum(part.mean((1, 2, 3)) for part in parts) for parts in (mine, wanted))
    gap = ((said + FLOOR).log() - (true + FLOOR).log()).abs().mean()
    error = (said - true).abs().mean()
    return gap + LAYERS * layers, {"gap": gap, "layers": layers, "error": error}


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Mean error and rank correlation over a fixed set of distortions of one photo."""
    generator = torch.Generator().manual_seed(0)
    x_BCHW = x_1CHW.expand(CHECKED, -1, -1, -1)
    y_BCHW, teacher = spoil(x_BCHW, generator), rig.partner("lpips")
    true = teacher(y_BCHW, teacher.reference(x_BCHW))
    said = rig.net(y_BCHW * 2 - 1, x_BCHW * 2 - 1).float()
    ranks = [values.argsort().argsort().float() for values in (said, true)]
    spearman = float(torch.corrcoef(torch.stack(ranks))[0, 1])
    error = float((said - true).abs().mean())
    return y_BCHW[:1], {"cost": error, "error": error, "spearman": spearman}


STUDENT = Stage(
    "lpips-student", "lpips-student", assemble, loss, validate,
    gpu_batch=48, rates=Rates(muon=4e-3, adam=2e-3), clip=1.0,
)  # fmt: skip
