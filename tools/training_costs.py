"""What a step of every training stage costs, counted without a GPU, as the table of its page.

    python tools/training_costs.py

Writes the table in docs/training.md. The last columns are an estimate, and say of what.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "training.md"
START, END = "<!-- costs -->\n", "<!-- end -->"
WIDTH, MINUTES, LANES = "compact", 10.0, 3
LAUNCH_S, OPERATIONS, BYTES = 10e-6, 200e12, 2.5e12
"""Assumed: a host's time for one launch, operations and bytes a second of one large GPU."""
HEAD = (
    "stage", "crops", "kMAC/pixel", "TFLOP", "launches", "GB moved", "GB kept",
    "host ms", "GPU ms", "steps in ten minutes",
)  # fmt: skip


def main() -> None:
    """Count, and write the table."""
    from mode_core.cli.family.plan import FAMILY, closing_time, schedule
    from mode_core.codecs.stages import STAGES
    from mode_core.evaluation.tables import markdown_table
    from mode_core.training.audit import cost_of_step
    from mode_core.training.checkpoint import facts_of, save_weights, stored
    from mode_core.training.stage import Setup

    seconds = MINUTES * 60 - closing_time(MINUTES * 60)
    slots = schedule(FAMILY, [0.0] * LANES, {}, seconds, 25.0)
    length = {slot.part.name: slot.end - slot.start - 25.0 for slot in slots}
    rows = []
    with TemporaryDirectory() as home:
        starts = {}
        for codec in ("elic", "vq"):
            net = STAGES[codec].assemble(Setup(WIDTH)).net
            (folder := Path(home, codec)).mkdir()
            facts = {"codec": codec, "width": WIDTH, "stage": codec, **facts_of(net)}
            save_weights(folder, stored(net), facts)
            starts[codec] = folder
        for part in FAMILY:
            stage = STAGES[part.name]
            cost = cost_of_step(stage, Setup(WIDTH, None, starts), stage.gpu_batch)
            pixels = stage.gpu_batch * stage.crop**2
            host = cost.launches * LAUNCH_S
            # about half of the bytes are activations, which bfloat16 halves
            device = cost.operations / OPERATIONS + 0.75 * cost.moved / BYTES
            steps = length[part.name] / max(host, LANES * device)
            rows.append(
                (
                    part.name, str(stage.gpu_batch), f"{cost.operations / 2 / pixels / 1e3:.0f}",
                    f"{cost.operations / 1e12:.2f}", f"{cost.launches:,}",
                    f"{cost.moved / 1e9:.0f}", f"{cost.saved / 1e9:.1f}", f"{host * 1e3:.0f}",
                    f"{device * 1e3:.0f}", f"{steps:,.0f}",
                )
            )  # fmt: skip
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
    PAGE.write_text(f"{before}{markdown_table(HEAD, rows)}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
