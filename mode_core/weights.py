"""Where weights are found, and how a network is made from them.

A set of weights is a folder of safetensors shards (`00.safetensors`, `01.safetensors`, ...) whose
metadata names codec, width and configuration. Bundled sets lie in `assets/weights/<codec>-<width>`,
imported ones in the folder of MODE_WEIGHTS (by default the user's cache), each with a `card.json`.
Its tag, written into every file, is the start of the SHA-256 over all shards; of an imported set,
of the checkpoint that it was made from and how. Several imported sets of a codec and width are one
family of fixed rates.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mode_core.cache import cache_folder
from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.imports.published import usual_licence

if TYPE_CHECKING:
    from torch import nn

BUNDLED = Path(__file__).parents[1] / "assets" / "weights"
FOLDER_VARIABLE = "MODE_WEIGHTS"
TAG_BYTES = 4
PUBLIC = "public"
OWN_LICENCE = "Apache-2.0"
"""Of the weights that this project trained; imported ones bring their own."""
_LARGE = 1 << 16
CARD = "card.json"
_NETS = {
    "elic": ("mode_core.nets.elic", "Elic", "ElicConfig"),
    "vq": ("mode_core.nets.vq", "Vq", "VqConfig"),
    "elic-public": ("mode_core.nets.elic_public", "ElicPublic", "ElicPublicConfig"),
    "vq-public": ("mode_core.nets.vq_public", "VqPublic", "VqPublicConfig"),
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

    @property
    def is_public(self) -> bool:
        """Whether these are an author's weights."""
        return self.width.startswith(PUBLIC)

    @property
    def bpp(self) -> float:
        """The rate of an imported set, measured on the built-in picture; 0 if it was not."""
        return float(self.facts.get("bpp") or 0)

    @property
    def licence(self) -> str:
        """The terms of these weights; what is not ours is never called ours."""
        usual = usual_licence(self.codec) if self.is_public else OWN_LICENCE
        return self.facts.get("licence") or usual

    def digest(self) -> bytes:
        """SHA-256 over all shards; for MoDE over the experts' digests as well."""
        if "identity" in self.facts:
            return bytes.fromhex(self.facts["identity"])
        total = hashlib.sha256()
        if self.codec == "mode":
            for expert in EXPERTS:
                total.update(find_weights(expert).digest())
        for shard in self.shards:
            total.update(shard.read_bytes())
        return total.digest()


def profile_name(profile: str) -> str:
    """What people call weights of this kind: public, No-GAN."""
    return "No-GAN" if profile == f"{PUBLIC}-nogan" else profile


def tags_of(sets: Iterable[WeightsSet]) -> str:
    """Sets by what files name them by, and by their folders: for messages."""
    return ", ".join(f"{one.digest()[:TAG_BYTES].hex()} ({one.folder.name})" for one in sets)


def weights_folders() -> list[Path]:
    """Where sets are looked for, imported ones last."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return [BUNDLED, Path(chosen) if chosen else cache_folder() / "weights"]


def all_weights() -> Iterator[WeightsSet]:
    """Every set that is present."""
    for home in weights_folders():
        for folder in _folders_in(home):
            found = set_in(folder)
            if found is not None:
                yield found


def _folders_in(home: Path) -> list[Path]:
    try:
        here = sorted(home.iterdir()) if home.is_dir() else []
    except PermissionError as error:
        raise WeightsUnavailable(
            f"{home}, where imported weights lie, may not be read; let {FOLDER_VARIABLE} name "
            "another folder"
        ) from error
    return [folder for folder in here if not folder.name.startswith(".")]


def broken_folders() -> list[Path]:
    """Folders of imported weights whose shards no longer say what they are."""
    return [
        folder
        for folder in _folders_in(weights_folders()[-1])
        if any(folder.glob("*.safetensors")) and set_in(folder) is None
    ]


def set_in(folder: Path) -> WeightsSet | None:
    """The set that a folder holds; None if it holds none."""
    shards = sorted(folder.glob("*.safetensors"))
    facts = _facts(shards[0]) | _card(folder) if shards else {}
    if facts.get("codec") not in _NETS:
        return None
    return WeightsSet(facts["codec"], facts.get("width", ""), folder, facts)


def find_weights(codec: str, profile: str = "") -> WeightsSet:
    """The set of a codec: the bundled one, or the one of a named width (such as public)."""
    for found in all_weights():
        wanted = found.width == profile if profile else not found.is_public
        if found.codec == codec and wanted:
            return found
    public = profile.startswith(PUBLIC)
    known = dict.fromkeys(one.width for one in all_weights() if one.codec == codec)
    if profile and not public and known:
        raise WeightsUnavailable(
            f"{codec} has no profile {profile!r}; choose one of {', '.join(known)}"
        )
    kind = f"{profile} weights" if profile else "weights"
    how = f"train them with `python -m mode_core train {codec}` and pack the run"
    if public and codec == "mode":
        how = "train them on imported experts, as docs/public-weights.md shows"
    elif public:
        how = "see `python -m mode_core weights list` for the authors' checkpoints"
    home = weights_folders()[1 if public else 0]
    raise WeightsUnavailable(f"{codec} has no {kind} in {home}; {how}")


def family(codec: str, profile: str = PUBLIC) -> list[WeightsSet]:
    """All imported sets of a codec and width, by rising rate; the same weights count once."""
    found = [one for one in all_weights() if (one.codec, one.width) == (codec, profile)]
    different = {one.digest(): one for one in found}.values()
    return sorted(different, key=lambda one: one.bpp) or [find_weights(codec, profile)]


def weights_of_tag(codec: str, tag: bytes) -> WeightsSet | None:
    """The imported set that a file was made with, if it is here."""
    for found in all_weights():
        if found.codec == codec and found.is_public and found.digest()[:TAG_BYTES] == tag:
            return found
    return None


def load_net(found: WeightsSet, without: tuple[str, ...] = ()) -> nn.Module:
    """The network in float32 on the CPU, ready to evaluate; `without` names parts to leave out."""
    own_class = f"{found.codec}-{PUBLIC}" if found.is_public else ""
    module, net_name, config_name = _NETS.get(own_class, _NETS[found.codec])
    home = import_module(module)
    config = getattr(home, config_name)(**_tuples(json.loads(found.facts["config"])))
    experts = _experts_of(found)
    with _no_memory_for_parameters():
        net = getattr(home, net_name)(*experts, config)
    for part in without:
        parent, _, name = part.rpartition(".")
        delattr(net.get_submodule(parent), name)
    _fill(net, found, without)
    return net.eval().requires_grad_(False)  # type: ignore[no-any-return]


def _experts_of(found: WeightsSet) -> list[nn.Module]:
    """The networks that a MoDE stands on; none for others."""
    if found.codec != "mode":
        return []
    expected = found.facts.get("experts", "")
    if found.is_public:
        return [load_net(expert) for expert in public_experts(expected)]
    if expected != experts_tag():
        raise WeightsMismatch(
            f"{found.folder} was trained on other experts ({expected or 'unknown'}) than the "
            f"bundled ones ({experts_tag()}); train mode again on them"
        )
    return [load_net(find_weights(expert)) for expert in EXPERTS]


def public_experts(tags: str) -> list[WeightsSet]:
    """The imported sets that a public MoDE was trained on, by their tags."""
    found = []
    for codec, tag in zip(EXPERTS, tags.split("-"), strict=False):
        expert = weights_of_tag(codec, bytes.fromhex(tag))
        if expert is None:
            raise WeightsMismatch(
                f"this mode needs the imported {codec} weights with the tag {tag}; import the "
                "checkpoint that it was trained on"
            )
        found.append(expert)
    return found


@contextmanager
def _no_memory_for_parameters() -> Iterator[None]:
    """Networks made inside have large parameters of the right shape that are not there yet."""
    from torch import nn
    from torch.nn.modules import module

    def emptied(_: nn.Module, __: str, parameter: nn.Parameter) -> nn.Parameter:
        if parameter.numel() < _LARGE:
            return parameter  # CompressAI replaces its own while it makes them
        return nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)

    handle = module.register_module_parameter_registration_hook(emptied)  # type: ignore[arg-type]
    try:
        yield
    finally:
        handle.remove()


def experts_tag() -> str:
    """Which elic and vq are bundled: MoDE belongs to exactly these."""
    return "-".join(find_weights(expert).digest()[:TAG_BYTES].hex() for expert in EXPERTS)


def _fill(net: nn.Module, found: WeightsSet, without: tuple[str, ...]) -> None:
    """Take over shard by shard, so that large sets are never in memory twice."""
    from safetensors import SafetensorError, safe_open

    own = net.state_dict()
    left_out = tuple(f"{part}." for part in without)
    try:
        shapes: dict[str, tuple[int, ...]] = {}
        for shard in found.shards:
            with safe_open(shard, "pt") as file:
                shapes |= {n: tuple(file.get_slice(n).get_shape()) for n in file.keys()}  # noqa: SIM118
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(left_out)}
        _refuse_other_tensors({n: tuple(v.shape) for n, v in own.items()}, shapes, found)
        for shard in found.shards:
            with safe_open(shard, "pt") as file:
                names = shapes.keys() & file.keys()
                given = {n: file.get_tensor(n).to(own[n].dtype, copy=True) for n in names}
            net.load_state_dict(given, strict=False, assign=True)
    except (OSError, SafetensorError) as error:
        how = "delete the folder and import the checkpoint again"
        raise WeightsUnavailable(
            f"the weights in {found.folder} cannot be read ({error}); "
            f"{how if found.is_public else 'fetch the folder again'}"
        ) from error


def _refuse_other_tensors(
    own: dict[str, tuple[int, ...]], given: dict[str, tuple[int, ...]], found: WeightsSet
) -> None:
    wrong = [n for n in own if given.get(n) != own[n]] + sorted(set(given) - set(own))
    if wrong:
        raise WeightsUnavailable(
            f"the weights in {found.folder} do not fit this version of {found.codec} "
            f"(first difference: {wrong[0]}); train or fetch newer ones"
        )


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


def _card(folder: Path) -> dict[str, str]:
    """What was noted when a set was imported."""
    try:
        noted = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in noted.items()} if isinstance(noted, dict) else {}


def _tuples(value: Any) -> Any:
    """JSON lists as tuples, all the way down: configurations are hashable."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
