"""The ways in which public checkpoints name their tensors, and what network each describes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mode_core.imports.reading import CheckpointError
from mode_core.weights import PUBLIC

if TYPE_CHECKING:
    from torch import nn

State = Mapping[str, Tensor]
NOGAN = f"{PUBLIC}-nogan"
_CODER_TABLES = ("_offset", "_quantized_cdf", "_cdf_length")
_OLD_PRIOR = re.compile(r"(.*)\._(matrix|bias|factor)(\d)")
_NEW_PRIOR = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
_GROUP = r"latent_codec\.y\.latent_codec\.y(\d+)\."
_COMPRESSAI = (
    (re.compile(r"latent_codec\.hyper\."), ""),
    (re.compile(r"latent_codec\.y\.channel_context\.y(\d+)\."), "cc_transforms.{}."),
    (re.compile(_GROUP + r"context_prediction\."), "context_prediction.{}."),
    (re.compile(_GROUP + r"entropy_parameters\."), "ParamAggregation.{}."),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One layout of public checkpoints."""

    codec: str
    name: str
    width: str
    signature: str
    """A tensor that only this layout has."""
    licence: str
    source: str
    rename: Callable[[State], dict[str, Tensor]]
    net: Callable[[State], tuple[str, str, Any]]
    """Module, class and configuration of the network that the tensors describe."""
    half: bool = False
    """Whether what only draws is stored in half precision."""
    prior: str = ""
    """The factorised prior of a network whose coder tables are made on import."""
    in_file_name: str = ""
    """What the names of its files hold, where another dialect has the same tensors."""

    def skeleton(self, state: State) -> tuple[nn.Module, str]:
        """The network without memory for its parameters, and its configuration as text."""
        try:
            return self._built(state)
        except (ValueError, RuntimeError, IndexError):
            # no network has such sides; against the usual one the misfits can be named
            return self._built({})

    def _built(self, state: State) -> tuple[nn.Module, str]:
        module, name, config = self.net(state)
        with torch.device("meta"):
            net = getattr(import_module(module), name)(config)
        return net, json.dumps(dataclasses.asdict(config))


def find_dialect(codec: str, name: str, file_name: str = "") -> Dialect:
    """The dialect of a codec; without a name, the one that a file's name tells, or the first."""
    own = [dialect for dialect in DIALECTS if dialect.codec == codec]
    if not own:
        known = ", ".join(dict.fromkeys(dialect.codec for dialect in DIALECTS))
        raise CheckpointError(f"no public checkpoints of {codec!r} are known, only of {known}")
    if not name:
        told = (d for d in own if d.in_file_name and d.in_file_name in file_name.lower())
        return next(told, own[0])
    for dialect in own:
        if dialect.name == name:
            return dialect
    names = ", ".join(dialect.name for dialect in own)
    raise CheckpointError(f"{codec} has no dialect {name!r}; choose one of {names}")


def likely_dialect(state: State, asked: Dialect) -> Dialect | None:
    """The dialect that a file seems to be in: the one that knows most of its names."""

    def fitness(dialect: Dialect) -> tuple[int, bool, bool]:
        known = dialect.skeleton({})[0].state_dict().keys()
        # two dialects may share their names: then what only one has decides, or what was asked for
        return len(known & _renamed(dialect, state)), dialect.signature in state, dialect == asked

    best = max(DIALECTS, key=fitness)
    return best if 2 * fitness(best)[0] > len(_renamed(best, state)) else None


def _renamed(dialect: Dialect, state: State) -> set[str]:
    try:
        return set(dialect.rename(state))
    except CheckpointError:
        return set()


# ── ELIC ───────────────────────────────────────────────────────────────────────────────────────


def _elic_names(state: State) -> dict[str, Tensor]:
    """Chandelier's names are ours; derived buffers and stored coder tables are left out."""
    out = {}
    for name, value in state.items():
        last = name.rsplit(".", 1)[-1]
        if name.startswith("gaussian_conditional.") or last in _CODER_TABLES:
            continue
        if name.startswith("context_prediction.") and last == "mask":
            _check_mask(name, value)
            continue
        out[_new_prior(name)] = value
    return out


def _compressai_names(state: State) -> dict[str, Tensor]:
    out: dict[str, Tensor] = {}
    for name, value in state.items():
        for pattern, ours in _COMPRESSAI:
            found = pattern.match(name)
            if found:
                index = int(found[1]) - ("cc_" in ours) if found.groups() else 0
                out[ours.format(index) + name[found.end() :]] = value
                break
        else:
            if ".gaussian_conditional." not in name:
                out[name] = value
    return _elic_names(out)


def _check_mask(name: str, mask: Tensor) -> None:
    rows, columns = (torch.arange(side) for side in mask.shape[-2:])
    if bool((mask != (rows[:, None] + columns) % 2).any()):
        raise CheckpointError(f"{name} is no checkerboard: this ELIC has another spatial context")


def _new_prior(name: str) -> str:
    """CompressAI renamed the prior's parameters in 1.2.5."""
    old = _OLD_PRIOR.fullmatch(name)
    return f"{old[1]}.{_NEW_PRIOR[old[2]]}.{old[3]}" if old else name


_OF_WIDTH = ("g_a.0.weight", "h_a.0.weight", "h_a.2.weight", "h_a.4.weight")


def _elic_net(state: State) -> tuple[str, str, Any]:
    from mode_core.nets.elic_public import CHANDELIER, OFFICIAL, ElicPublicConfig

    ours = _compressai_names(state)
    sizes = {}
    for name, value in ours.items():
        found = re.fullmatch(r"context_prediction\.(\d+)\.weight", name)
        if found and value.ndim == 4:
            sizes[int(found[1])] = value.shape[1]
    config = ElicPublicConfig()
    groups = tuple(sizes[k] for k in sorted(sizes)) if sizes else config.groups
    width = _usual_side(ours, _OF_WIDTH, config.width)
    places = range(len(groups) - 1)
    first, second = (
        _usual_side(ours, [f"cc_transforms.{k}.{layer}.weight" for k in places], default)
        for layer, default in zip((0, 2), config.context, strict=True)
    )
    # the last layer of h_s: outputs first in a convolution, inputs first in a transposed one
    plain = _side(ours, "h_s.4.weight", 0, 2 * sum(groups)) == 2 * sum(groups)
    dialect = CHANDELIER if plain else OFFICIAL
    config = ElicPublicConfig(dialect, width, groups, (first, second))
    return "mode_core.nets.elic_public", "ElicPublic", config


def _usual_side(state: State, names: Iterable[str], default: int) -> int:
    """Outputs that most layers agree on, so that one odd layer is the one that is blamed."""
    sides = Counter(state[name].shape[0] for name in names if name in state and state[name].ndim)
    return sides.most_common(1)[0][0] if sides else default


def _side(state: State, name: str, axis: int, default: int) -> int:
    value = state.get(name)
    return default if value is None or value.ndim <= axis else value.shape[axis]


# ── MS-ILLM ────────────────────────────────────────────────────────────────────────────────────


def _illm_names(state: State) -> dict[str, Tensor]:
    from mode_core.nets.hific import from_public

    return from_public(state)


def _illm_net(state: State) -> tuple[str, str, Any]:
    from mode_core.nets.illm import IllmConfig

    config = IllmConfig.public()
    names = (f"encoder.blocks.{i}.0.weight" for i in range(len(config.widths)))
    sizes = [_side(state, n, 0, w) for n, w in zip(names, config.widths, strict=True)]
    blocks = [int(n.split(".")[2]) for n in state if re.match(r"decoder\.resid_blocks\.\d+\.", n)]
    usual = not blocks or tuple(sizes) == config.widths
    config = dataclasses.replace(
        config,
        widths=tuple(sizes),
        latent=_side(state, "hyper_analysis.0.weight", 1, config.latent),
        hyper=_side(state, "hyper_analysis.0.weight", 0, config.hyper),
        residuals=config.residuals if usual else max(blocks) + 1,
    )
    return "mode_core.nets.illm", "MsIllm", config


# ── DLF ────────────────────────────────────────────────────────────────────────────────────────

_DLF_TRAINING_ONLY = (
    "img_loss.", "vqgan.encoder.", "vqgan.quant_conv.",
    "epoch_for_strategy", "lmbda_idx", "lmbda_list",
)  # fmt: skip


def _dlf_names(state: State) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(_DLF_TRAINING_ONLY)}


def _dlf_net(_state: State) -> tuple[str, str, Any]:
    from mode_core.nets.dlf import DlfConfig

    return "mode_core.nets.dlf", "Dlf", DlfConfig.public()


_ILLM = "https://github.com/facebookresearch/NeuralCompression"
# ── VQGAN ──────────────────────────────────────────────────────────────────────────────────────


def _vq_names(state: State) -> dict[str, Tensor]:
    """Without the discriminator and the perceptual loss of its training."""
    return {name: value for name, value in state.items() if not name.startswith("loss.")}


def _vq_net(state: State) -> tuple[str, str, Any]:
    from mode_core.nets.vq_public import VqPublicConfig

    default = VqPublicConfig()
    widths = (
        _side(state, f"decoder.up.{level}.block.2.conv2.weight", 0, width)
        for level, width in enumerate(default.widths)
    )
    codes = _side(state, "quantize.embedding.weight", 0, default.codes)
    depth = _side(state, "quantize.embedding.weight", 1, default.depth)
    return "mode_core.nets.vq_public", "VqPublic", VqPublicConfig(codes, depth, tuple(widths))


DIALECTS = (
    Dialect(
        "elic", "chandelier", PUBLIC, "cc_transforms.0.0.weight", "none stated by its author",
        "https://github.com/VincentChandelier/ELiC-ReImplemetation", _elic_names, _elic_net,
        prior="entropy_bottleneck",
    ),
    Dialect(
        "elic", "compressai", PUBLIC, "latent_codec.hyper.h_s.0.weight", "as its trainer states",
        "https://github.com/InterDigitalInc/CompressAI", _compressai_names, _elic_net,
        prior="entropy_bottleneck",
    ),
    Dialect(
        "ms-illm", "msillm", PUBLIC, "decoder.resid_blocks.0.sequence.0.weight", "CC-BY-NC 4.0",
        _ILLM, _illm_names, _illm_net, prior="hyper_bottleneck",
    ),
    Dialect(
        "ms-illm", "nogan", NOGAN, "decoder.resid_blocks.0.sequence.0.weight", "CC-BY-NC 4.0",
        _ILLM, _illm_names, _illm_net, prior="hyper_bottleneck", in_file_name="nogan",
    ),
    Dialect(
        "dlf", "dlf", PUBLIC, "hybrid_codec.latent_tokens", "Apache-2.0",
        "https://github.com/dlfcodec/Dual-generative-Latent-Fusion", _dlf_names, _dlf_net,
        half=True,
    ),
    Dialect(
        "vq", "taming", PUBLIC, "encoder.down.0.downsample.conv.weight",
        "MIT, as its repository",
        "https://github.com/CompVis/taming-transformers", _vq_names, _vq_net,
    ),
)  # fmt: skip
