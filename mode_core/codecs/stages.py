"""The table of training stages: those of the codecs, each after what it stands on."""

from __future__ import annotations

from mode_core.codecs.registry import CODECS, part_of
from mode_core.training.stage import Stage

STAGES: dict[str, Stage] = {
    stage.name: stage
    for info in sorted(CODECS.values(), key=lambda info: len(info.experts))
    for stage in getattr(part_of(info, "training"), "STAGES", ())
}
