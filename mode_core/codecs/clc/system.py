"""How CLC codes and draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from mode_core.codecs.clc.config import ClcConfig
from mode_core.codecs.clc.net import Clc
from mode_core.codecs.elic.net import STEPS_BETWEEN
from mode_core.codecs.system import Networks, SingleStream, Sizes
from mode_core.stream.container import Stream


@dataclass(frozen=True, slots=True)
class Analysed:
    """A latent, and which entries are worth sending near each trained quality."""

    latent: Tensor
    worth: dict[int, Tensor | None] = field(default_factory=dict)


class ClcSystem(SingleStream):
    """One stream, whose writer weighs once for each trained quality what it sends."""

    net: Clc

    def analyse(self, x: Tensor) -> Analysed:  # type: ignore[override]
        """The latent, on the CPU."""
        return Analysed(super().analyse(x))

    def write(self, analysed: Analysed, quality: int) -> tuple[Stream, ...]:  # type: ignore[override]
        """One stream."""
        sent = self._worth(analysed, quality)
        return (Stream(*self.net.write_with(analysed.latent, quality, sent)),)

    def sizes(self, analysed: Analysed) -> Sizes:  # type: ignore[override]
        """What the stream would take."""
        return self.net.sizes(analysed.latent, partial(self._worth, analysed))

    def _worth(self, analysed: Analysed, quality: int) -> Tensor | None:
        near = (quality + STEPS_BETWEEN // 2) // STEPS_BETWEEN
        if near not in analysed.worth:
            with torch.inference_mode():
                found = self.net.worth_sending(analysed.latent, near * STEPS_BETWEEN)
            analysed.worth[near] = found
        return analysed.worth[near]


OURS = Networks(Clc, ClcConfig, ClcSystem)
