"""FID and KID: how far apart two clouds of features are, one row of numbers for each patch.

Nothing here knows where the features are from; FID and KID are the papers' only with theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Features: TypeAlias = npt.NDArray[np.float32]

FEWEST = 4
"""Patches below which there is no half of them that has two."""
SUBSETS, MOST_IN_SUBSET = 100, 1000
"""As torch-fidelity, and so the papers, take them where there are patches enough."""
_SEED = 0
_ROWS_AT_ONCE = 4096


def frechet_distance(x: Features, y: Features) -> float:
    """FID, https://arxiv.org/abs/1706.08500: between Gaussians of these means and covariances.

    With roots A and B of the covariances (A'A is the first), the trace of the root of their product
    is the sum of the singular values of AB'. So nothing has a root taken that may be below zero.
    """
    import torch

    (mean, root), (other_mean, other_root) = _moments(x), _moments(y)
    shared = torch.linalg.svdvals(root @ other_root.T).sum()
    spread = (root**2).sum() + (other_root**2).sum() - 2 * shared
    return max(0.0, float(((mean - other_mean) ** 2).sum() + spread))


def kernel_distance(x: Features, y: Features) -> tuple[float, float]:
    """KID, https://arxiv.org/abs/1801.01401: mean and deviation over subsets, always the same ones.

    Row by row both are of one patch, original and decoded. A patch held against itself would draw
    the mean down, the more the fewer there are, so those pairs are left out: equal sets have 0.
    """
    import torch

    if x.shape != y.shape:
        raise ValueError(f"shapes differ: {x.shape} and {y.shape}")
    choose, size = np.random.default_rng(_SEED).choice, subset_size(len(x))
    found = []
    for _ in range(SUBSETS):
        chosen = choose(len(x), size, replace=False)
        found.append(_discrepancy(torch.from_numpy(x[chosen]), torch.from_numpy(y[chosen])))
    return float(np.mean(found)), float(np.std(found))


def subset_size(patches: int) -> int:
    """How many patches of a set go into each subset: half of few, lest all subsets be alike."""
    return min(MOST_IN_SUBSET, patches // 2)


def _moments(cloud: Features) -> tuple[Tensor, Tensor]:
    """The mean, and a root of the covariance: a matrix whose square, transposed first, is it."""
    import torch

    patches, numbers = cloud.shape
    mean = torch.from_numpy(cloud.mean(0, dtype=np.float64))
    if patches <= numbers:
        return mean, (torch.from_numpy(cloud).double() - mean) / (patches - 1) ** 0.5
    covariance = torch.zeros(numbers, numbers, dtype=torch.float64)
    for start in range(0, patches, _ROWS_AT_ONCE):
        part = torch.from_numpy(cloud[start : start + _ROWS_AT_ONCE]).double() - mean
        covariance += part.T @ part
    values, vectors = torch.linalg.eigh(covariance / (patches - 1))
    return mean, values.clamp(min=0).sqrt()[:, None] * vectors.T


def _discrepancy(x: Tensor, y: Tensor) -> float:
    """The square of the maximum mean discrepancy, without bias, by the cubic kernel."""
    x, y = x.double(), y.double()

    def between(one: Tensor, other: Tensor) -> Tensor:
        values = (one @ other.T / one.shape[1] + 1) ** 3
        return (values.sum() - values.diagonal().sum()) / (len(one) * (len(one) - 1))

    return float(between(x, x) + between(y, y) - 2 * between(x, y))
