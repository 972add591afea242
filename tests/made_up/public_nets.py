"""CompressAI's ELIC classes with deterministic weights, and checkpoints in the authors' names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.checkpoints.dialects import find_dialect
from mode_core.codecs.elic.public import ElicPublic
from tests.conftest import make_photo
from tests.made_up.plain_metrics import to_unit

CLASSES = {"chandelier": "Elic2022Chandelier", "official": "Elic2022Official"}
SMALL = {"N": 16, "M": 48, "groups": [4, 4, 8, 8, 24]}
_SPREAD = 3.0


def reference(dialect: str, seed: int = 0, **size: Any) -> Any:
    """CompressAI's own class whose latents spread over several integers and are predicted so."""
    from compressai.models import sensetime  # takes seconds, so only where it is used

    torch.manual_seed(seed)
    net = getattr(sensetime, CLASSES[dialect])(**(size or SMALL)).eval()
    with torch.no_grad():
        for index in (0, 4, 9, 13):
            net.g_a[index].weight.mul_(1.7)
        y = net.g_a(to_unit(make_photo(64, 64, seed)))
        net.g_a[13].weight.mul_(_SPREAD / y.std())
        net.latent_codec.hyper.h_a[4].weight.mul_(12)
        for codec in net.latent_codec.y.latent_codec.values():
            last = codec.entropy_parameters[-1]
            means, scales = last.bias.chunk(2)
            if dialect == "official":
                means, scales = scales, means
            means.normal_()
            scales.uniform_(_SPREAD / 2, 2 * _SPREAD)
        prior = net.latent_codec.hyper.entropy_bottleneck
        prior.quantiles[:, 0, 1].uniform_(-0.4, 0.4)
    net.update(force=True)
    return net


def decoded(net: Any, x: Tensor) -> Tensor:
    """What CompressAI's class makes of a picture, through its own strings."""
    height, width = x.shape[2:]
    made = net.compress(F.pad(x, (0, -width % 64, 0, -height % 64)))
    found: Tensor = net.decompress(made["strings"], made["shape"])["x_hat"]
    return found[:, :, :height, :width].clamp(0, 1)


def chandelier_names(net: Any, old: bool = True) -> dict[str, Tensor]:
    """The state dict of CompressAI's class under the first author's names."""
    out = {}
    for name, value in net.state_dict().items():
        name = name.replace("latent_codec.hyper.", "")
        name = re.sub(r"latent_codec\.y\.channel_context\.y(\d)", _transform, name)
        name = re.sub(_group("context_prediction"), r"context_prediction.\1", name)
        name = re.sub(_group("entropy_parameters"), r"ParamAggregation.\1", name)
        name = re.sub(r"latent_codec\.y\.latent_codec\.y0\.y\.", "", name)
        if "latent_codec" in name:
            continue
        if old:
            for new, short in (("matrices", "matrix"), ("biases", "bias"), ("factors", "factor")):
                name = re.sub(rf"bottleneck\.{new}\.(\d)", rf"bottleneck._{short}\1", name)
        out[name] = value.clone()
    return out


def ours(net: Any) -> ElicPublic:
    """The same weights in this project's class, loaded without files."""
    state = net.state_dict()
    dialect = find_dialect("elic", "compressai")
    _, config = dialect.net(state)
    made = ElicPublic(config)
    missing, unexpected = made.load_state_dict(dialect.rename(state), strict=False)
    tables = {f"prior_tables.{name}" for name in ("cdf", "size", "offset")}
    assert (set(missing), unexpected) == (tables, [])
    made.freeze()
    return made.eval().requires_grad_(False)


def save(state: object, path: Path) -> Path:
    """A checkpoint as authors save it."""
    torch.save(state, path)
    return path


def _transform(found: re.Match[str]) -> str:
    return f"cc_transforms.{int(found[1]) - 1}"


def _group(part: str) -> str:
    return rf"latent_codec\.y\.latent_codec\.y(\d)\.{part}"
