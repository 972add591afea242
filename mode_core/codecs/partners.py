"""Frozen networks that a stage builds on: bundled ones, or those of other runs."""

from __future__ import annotations

from typing import Any

from mode_core.codecs.networks import load_net
from mode_core.errors import WeightsUnavailable
from mode_core.training.stage import Setup, TrainingError
from mode_core.weights.sets import WeightsSet, find_weights, set_in


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
