"""How MS-ILLM codes and draws, with our weights and with the authors'."""

from __future__ import annotations

from mode_core.codecs.ms_illm.hific import pad_by_reflection
from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm
from mode_core.codecs.system import Networks, SingleStream

OURS = Networks(MsIllm, IllmConfig, SingleStream)
PUBLIC = Networks(MsIllm, IllmConfig, SingleStream, lambda x_BCHW: pad_by_reflection(x_BCHW, 64))
