"""How CLC codes and draws."""

from __future__ import annotations

from mode_core.codecs.clc.net import Clc, ClcConfig
from mode_core.codecs.system import Networks, SingleStream

OURS = Networks(Clc, ClcConfig, SingleStream)
