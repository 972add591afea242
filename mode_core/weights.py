"""Where weights are found, and how a network is made from them.

A set of weights is a folder of safetensors shards (`00.safetensors`, `01.safetensors`, ...), each
below 9.5 MB, whose metadata names codec, width and configuration. Bundled sets lie in
`assets/weights/<codec>-<width>`, imported ones in the folder of MODE_WEIGHTS (by default the user's
cache). Its tag, written into every file, is the start of the SHA-256 over all shards.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mode_core.cache import cache_folder
from mode_core.errors import WeightsMismatch, WeightsUnavailable

if TYPE_CHECKING:
    from torch import nn

BUNDLED = Path(__file__).parents[1] / "assets" / "weights"
FOLDER_VARIABLE = "MODE_WEIGHTS"
TAG_BYTES = 4
PUBLIC = "public"
_NETS = {
    "elic": ("mode_core.nets.elic", "Elic", "ElicConfig"),
    "vq": ("mode_core.nets.vq", "Vq", "VqConfig"),
    "mode": ("mode_core.nets.mode", "Mode", "ModeConfig"),
    "ms-illm": ("mode_core.nets.illm", "MsIllm", "IllmConfig"),
    "dlf": ("mode_core.nets.dlf", "Dlf", "DlfConfig"),
    "lpips-student": ("mode_core.nets.lpips_student", "LpipsStudent", "StudentConfig"),
}
EXPERTS = ("elic", "vq")


@dataclass(frozen=True, slots=True)
class WeightsSet:
    """One folder of weights: what it is, without its tensors."""

    codec: str
    width: str
    folder: Path
    facts: dict[str, str]

    @property
    def shards(self) -> list[Path]:
        """The files, in order."""
        return sorted(self.folder.glob("*.safetensors"))

    def digest(self) -> bytes:
        """SHA-256 over all shards; for MoDE over the experts' digests as well."""
        total = hashlib.sha256()
        if self.codec == "mode":
            for expert in EXPERTS:
                total.update(find_weights(expert).digest())
        for shard in self.shards:
            total.update(shard.read_bytes())
        return total.digest()


def weights_folders() -> list[Path]:
    """Where sets are looked for, imported ones last."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return [BUNDLED, Path(chosen) if chosen else cache_folder() / "weights"]


def all_weights() -> Iterator[WeightsSet]:
    """Every set that is present."""
    for home in weights_folders():
        for folder in sorted(home.iterdir()) if home.is_dir() else ():
            shards = sorted(folder.glob("*.safetensors"))
            if shards:
                facts = _facts(shards[0])
                if facts.get("codec") in _NETS:
                    yield WeightsSet(facts["codec"], facts.get("width", ""), folder, facts)


def find_weights(codec: str, profile: str = "") -> WeightsSet:
    """The set of a codec: the bundled one, or the one of a named width (such as public)."""
    for found in all_weights():
        wanted = found.width == profile if profile else found.width != PUBLIC
        if found.codec == codec and wanted:
            return found
    kind = f"{profile} weights" if profile else "weights"
    how = (
        "see `python -m mode_core weights list` for the authors' checkpoints"
        if profile == PUBLIC
        else f"train them with `python -m mode_core train {codec}` and pack the run"
    )
    raise WeightsUnavailable(f"{codec} has no {kind} in {weights_folders()[0]}; {how}")


def load_net(found: WeightsSet) -> nn.Module:
    """The network in float32 on the CPU, ready to evaluate."""
    module, net_name, config_name = _NETS[found.codec]
    home = import_module(module)
    config = getattr(home, config_name)(**_tuples(json.loads(found.facts["config"])))
    if found.codec == "mode":
        experts = [load_net(find_weights(expert)) for expert in EXPERTS]
        expected = found.facts.get("experts", "")
        if expected != experts_tag():
            raise WeightsMismatch(
                f"{found.folder} was trained on other experts ({expected or 'unknown'}) than the "
                f"bundled ones ({experts_tag()}); train mode again on them"
            )
        net = getattr(home, net_name)(*experts, config)
    else:
        net = getattr(home, net_name)(config)
    _fill(net, found)
    return net.eval().requires_grad_(False)  # type: ignore[no-any-return]


def experts_tag() -> str:
    """Which elic and vq are bundled: MoDE belongs to exactly these."""
    return "-".join(find_weights(expert).digest()[:TAG_BYTES].hex() for expert in EXPERTS)


def _fill(net: nn.Module, found: WeightsSet) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors: dict[str, Any] = {}
    try:
        for shard in found.shards:
            tensors |= load_file(shard)
    except (OSError, SafetensorError) as error:
        raise WeightsUnavailable(
            f"the weights in {found.folder} cannot be read ({error}); fetch the folder again"
        ) from error
    own = net.state_dict()
    wrong = [n for n in own if n not in tensors or tensors[n].shape != own[n].shape]
    if wrong or set(tensors) - set(own):
        raise WeightsUnavailable(
            f"the weights in {found.folder} do not fit this version of {found.codec} "
            f"(first difference: {(wrong or sorted(set(tensors) - set(own)))[0]}); train or fetch "
            "newer ones"
        )
    net.load_state_dict({name: tensors[name].to(own[name].dtype) for name in own})


def _facts(shard: Path) -> dict[str, str]:
    """A safetensors header's metadata, read without torch."""
    with shard.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length < 1 << 20:
            return {}
        try:
            header = json.loads(file.read(length))
        except ValueError:
            return {}
    return dict(header.get("__metadata__") or {})


def _tuples(value: Any) -> Any:
    """JSON lists as tuples, all the way down: configurations are hashable."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
