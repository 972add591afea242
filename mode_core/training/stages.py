"""The table of stages, in the order in which they are trained."""

from __future__ import annotations

from mode_core.training.stage import Stage
from mode_core.training.stages_dlf import DLF, DLF_GAN
from mode_core.training.stages_elic import ELIC
from mode_core.training.stages_illm import ILLM, ILLM_GAN
from mode_core.training.stages_mode import MODE
from mode_core.training.stages_student import STUDENT
from mode_core.training.stages_vq import PRIOR, VQ, VQ_GAN

_TABLE = (ELIC, VQ, PRIOR, VQ_GAN, ILLM, ILLM_GAN, DLF, DLF_GAN, MODE, STUDENT)
STAGES: dict[str, Stage] = {stage.name: stage for stage in _TABLE}
