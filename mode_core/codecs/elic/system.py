"""How ELIC codes and draws, with our weights and with others'."""

from __future__ import annotations

from mode_core.codecs.elic.net import Elic, ElicConfig
from mode_core.codecs.elic.public import ElicPublic
from mode_core.codecs.elic.public_layers import ElicPublicConfig
from mode_core.codecs.system import Networks, SingleStream

OURS = Networks(Elic, ElicConfig, SingleStream)
PUBLIC = Networks(ElicPublic, ElicPublicConfig, SingleStream, ElicPublic.pad)
