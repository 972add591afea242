"""Which network a set of weights belongs to, and that network with the weights in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mode_core.codecs.registry import find_codec, part_of
from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.weights.sets import WeightsSet, experts_tag, find_weights, public_experts
from mode_core.weights.tensors import filled

if TYPE_CHECKING:
    from torch import nn

    from mode_core.codecs.system import Networks


def networks_of(found: WeightsSet) -> Networks:
    """The network of a set's codec for such weights (ours or public), and how it is used."""
    home, kind = part_of(find_codec(found.codec), "system"), "PUBLIC" if found.is_public else "OURS"
    networks: Networks | None = getattr(home, kind, None)
    if networks is None:
        whose = "its authors'" if found.is_public else "bundled"
        raise WeightsUnavailable(f"{found.codec} cannot run {whose} weights in this version")
    return networks


def load_net(found: WeightsSet, without: tuple[str, ...] = ()) -> nn.Module:
    """The network of a set, ready to evaluate; `without` names parts to leave out."""
    networks = networks_of(found)
    return filled(networks.net, networks.config, found, _experts_of(found), without)


def _experts_of(found: WeightsSet) -> list[nn.Module]:
    """The networks that a MoDE stands on; none for others."""
    experts = find_codec(found.codec).experts
    if not experts:
        return []
    expected = found.facts.get("experts", "")
    if found.is_public:
        return [load_net(expert) for expert in public_experts(expected)]
    if expected != experts_tag():
        raise WeightsMismatch(
            f"{found.folder} was trained on other experts ({expected or 'unknown'}) than the "
            f"bundled ones ({experts_tag()}); train mode again on them"
        )
    return [load_net(find_weights(expert)) for expert in experts]
