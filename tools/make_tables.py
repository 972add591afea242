"""Writes mode_core/stream/tables.npz: coder tables as integers. Files depend on every bit of it."""

from pathlib import Path

import numpy as np
from scipy.special import ndtr, ndtri

SCALES, LOW, HIGH, TOTAL, TAIL = 64, 0.11, 256.0, 1 << 16, 1e-9


def gaussian_cdf(scale: float) -> list[int]:
    """0 .. 65536 over -c..c and one escape bin; every bin has at least one count."""
    half = int(np.ceil(scale * -ndtri(TAIL / 2)))
    edges = (np.arange(-half, half + 2) - 0.5) / scale
    pmf = np.diff(ndtr(edges))
    # the lower half mirrored: ndtr is accurate only below zero
    pmf[half + 1 :] = pmf[:half][::-1]
    mass = np.append(pmf, 2 * ndtr(edges[0]))
    counts = 1 + np.floor(mass / mass.sum() * (TOTAL - len(mass))).astype(np.int64)
    counts[half] += TOTAL - counts.sum()
    return [0, *np.cumsum(counts).tolist()]


def main() -> None:
    """Compute and save."""
    scales = np.exp(np.linspace(np.log(LOW), np.log(HIGH), SCALES))
    cdfs = [gaussian_cdf(scale) for scale in scales]
    sizes = [len(cdf) for cdf in cdfs]
    np.savez_compressed(
        Path(__file__).parents[1] / "mode_core/stream/tables.npz",
        cdf=np.concatenate(cdfs).astype(np.int32),
        sizes=np.array(sizes, np.int32),
        offsets=np.array([-(size - 3) // 2 for size in sizes], np.int32),
        exp=np.round(2.0**30 * np.exp(-np.arange(64 * 21) / 64)).astype(np.int32),
    )


if __name__ == "__main__":
    main()
