"""Which network a set of weights belongs to, and that network with the weights in it.

Partners are the frozen networks that a training stage builds on: bundled, or of other runs.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from mode_core.codecs.identity import experts_of
from mode_core.codecs.registry import find_codec, part_of
from mode_core.codecs.system import Networks
from mode_core.errors import WeightsUnavailable
from mode_core.training.stage import Setup, TrainingError
from mode_core.weights.sets import WeightsSet, find_weights, set_in
from mode_core.weights.tensors import filled


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
    experts = [load_net(expert) for expert in experts_of(found)]
    return filled(networks.net, networks.config, found, experts, without)


def partner(setup: Setup, codec: str) -> Any:
    """The network of a codec: from --start CODEC=FOLDER, else the bundled one."""
    try:
        return load_net(partner_set(setup, codec))
    except WeightsUnavailable as error:
        raise TrainingError(f"{error}") from error


def partner_set(setup: Setup, codec: str) -> WeightsSet:
    """The weights of a partner: a run's, or an imported set."""
    folder = setup.starts.get(codec)
    if folder is None:
        try:
            return find_weights(codec)
        except WeightsUnavailable as error:
            raise TrainingError(f"{error}; or give --start {codec}=runs/{codec}") from error
    found = set_in(folder)
    if found is None:
        raise TrainingError(f"{folder} is not a folder that training or an import has written")
    if found.codec != codec:
        raise TrainingError(
            f"{folder} holds weights of {found.codec}; --start {codec}= needs a run of {codec}"
        )
    return found
