"""The sample CSV: WebP on Kodak, from the committed rows, with every column that the page reads.

python -m app.explorer.sample writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from app.explorer.curves import our_curves
from mode_core.evaluation.rows import read_rows
from mode_core.settings import RESULTS
from mode_core.stream.cells import csv_line

SAMPLE = Path(__file__).with_name("sample.csv")
_COLUMNS = ("dataset", "codec", "bpp", "psnr", "ms_ssim", "lpips", "lpips_net", "quality")
_ROWS = RESULTS / "kodak" / "webp.csv"


def sample_text() -> str:
    """A line for each rate of one codec: the means over the data set."""
    (curve,) = our_curves(read_rows(_ROWS))
    lines = [csv_line(_COLUMNS)]
    for step, point in enumerate(curve.points, 1):
        metrics = [f"{point.values[key]:.4f}" for key in ("psnr", "ms_ssim", "lpips")]
        rate = f"{point.bpp:.4f}"
        lines.append(csv_line([curve.dataset, "My codec", rate, *metrics, "alex", f"q{step}"]))
    return "".join(lines)


if __name__ == "__main__":
    SAMPLE.write_text(sample_text(), encoding="utf-8")
