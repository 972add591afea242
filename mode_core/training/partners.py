"""Frozen networks that a stage builds on: bundled ones, or those of other runs."""

from __future__ import annotations

from typing import Any

from mode_core.errors import WeightsUnavailable
from mode_core.training.checkpoint import WEIGHTS, read_weights
from mode_core.training.stage import Setup, TrainingError
from mode_core.weights import WeightsSet, find_weights, load_net


def partner(setup: Setup, codec: str) -> Any:
    """The network of a codec: from --start CODEC=FOLDER, else the bundled one."""
    folder = setup.starts.get(codec)
    try:
        if folder is None:
            return load_net(find_weights(codec))
        facts = read_weights(folder)[1]
        if facts.get("codec") != codec:
            raise TrainingError(
                f"{folder / WEIGHTS} holds weights of {facts.get('codec', 'another codec')}; "
                f"--start {codec}= needs a run of {codec}"
            )
        return load_net(WeightsSet(codec, facts.get("width", ""), folder, facts))
    except WeightsUnavailable as error:
        raise TrainingError(f"{error}; or give --start {codec}=runs/{codec}") from error
