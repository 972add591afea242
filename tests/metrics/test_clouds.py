"""FID and KID against closed forms and plain second implementations."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.linalg import sqrtm

from mode_core.metrics import clouds
from mode_core.metrics.clouds import Features, frechet_distance, kernel_distance, subset_size


def cloud(
    patches: int, mean: npt.ArrayLike, root: npt.ArrayLike, numbers: int = 0, seed: int = 0
) -> Features:
    """Points whose mean and covariance (the square of a root) are these to the last bit or so."""
    mean, root = np.asarray(mean, float), np.asarray(root, float)
    raw = np.random.default_rng(seed).normal(size=(patches, len(mean)))
    raw -= raw.mean(0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    found = np.pad(white @ root.T + mean, ((0, 0), (0, max(0, numbers - len(mean)))))
    return found.astype(np.float32)


@pytest.mark.parametrize("numbers", [3, 200])
def test_fid_of_gaussians_with_a_closed_form(numbers: int) -> None:
    """Covariances that commute: the means are apart, and the roots; patches are few or many."""
    x = cloud(60, [0, 1, 2], np.diag([1, 2, 3]), numbers)
    y = cloud(60, [1, 1, 0], np.diag([2, 2, 7]), numbers, seed=1)
    assert frechet_distance(x, y) == pytest.approx(1 + 0 + 4 + 1 + 0 + 16, rel=1e-5)
    assert frechet_distance(y, x) == pytest.approx(22, rel=1e-5)


@pytest.mark.parametrize("patches", [20, 500])
def test_fid_is_what_a_root_of_the_product_gives(patches: int) -> None:
    rng = np.random.default_rng(3)
    x, y = (rng.normal(size=(patches, 30)) @ rng.normal(size=(30, 30)) for _ in range(2))
    x, y = x.astype(np.float32), y.astype(np.float32)
    one, other = np.cov(x.T.astype(float)), np.cov(y.T.astype(float))
    # a little more on the diagonal, since sqrtm needs full rank; as others do it
    more = 1e-9 * np.eye(30)
    shared = np.trace(sqrtm((one + more) @ (other + more))).real
    means = ((x.mean(0, float) - y.mean(0, float)) ** 2).sum()
    expected = means + np.trace(one) + np.trace(other) - 2 * shared
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-4)


def test_fid_of_many_patches_is_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(50, [0, 0], np.eye(2)), cloud(50, [3, 0], np.eye(2), seed=1)
    monkeypatch.setattr(clouds, "_ROWS_AT_ONCE", 7)
    assert frechet_distance(x, y) == pytest.approx(9, rel=1e-5)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_equal_sets_are_no_distance_apart(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert kernel_distance(x, x) == pytest.approx((0, 0), abs=1e-12)


def test_kid_of_two_points_has_a_closed_form() -> None:
    """All patches of a set alike: 1 and 1 of the origin with itself and the other, then (a²+1)³."""
    x = np.zeros((10, 5), np.float32)
    found, deviation = kernel_distance(x, x + np.float32(2))
    assert found == pytest.approx((2**2 + 1) ** 3 - 1, rel=1e-6)
    assert deviation == pytest.approx(0, abs=1e-9)


def test_a_subset_is_measured_as_the_formula_has_it() -> None:
    """Of four patches each subset is a pair: all six of them by hand, and those that were drawn."""
    rng = np.random.default_rng(5)
    x, y = (rng.normal(size=(4, 3)).astype(np.float32) for _ in range(2))

    def kernel(one: Features, other: Features) -> float:
        return float(
            (sum(float(a) * float(b) for a, b in zip(one, other, strict=True)) / 3 + 1) ** 3
        )

    def by_hand(chosen: tuple[int, int]) -> float:
        ordered = list(permutations(chosen, 2))
        among = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in ordered) / len(ordered)
        return among - 2 * sum(kernel(x[i], y[j]) for i, j in ordered) / len(ordered)

    choose = np.random.default_rng(0).choice
    drawn = [by_hand(tuple(choose(4, 2, replace=False))) for _ in range(clouds.SUBSETS)]
    assert kernel_distance(x, y) == pytest.approx((np.mean(drawn), np.std(drawn)), rel=1e-5)


def test_kid_is_not_drawn_down_where_patches_are_few() -> None:
    """Each original has its decoded one in the other set: counted, such pairs would hide noise."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 20))
    y = x + rng.normal(scale=0.3, size=x.shape)
    many = rng.normal(size=(800, 20))
    truth, _ = kernel_distance(
        many.astype(np.float32), (many + rng.normal(scale=0.3, size=many.shape)).astype(np.float32)
    )
    found, deviation = kernel_distance(x.astype(np.float32), y.astype(np.float32))
    cross = (x @ y.T / 20 + 1) ** 3
    drawn_down = 2 * (cross.diagonal().mean() - cross.mean()) / len(x)
    assert abs(found - truth) < 2 * deviation
    assert found - drawn_down < truth - 2 * deviation


def test_subsets_are_those_of_the_papers_where_patches_are_enough() -> None:
    assert [subset_size(count) for count in (4, 192, 2000, 28_000)] == [2, 96, 1000, 1000]


def test_patches_that_are_not_pairs_are_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        kernel_distance(np.zeros((9, 2), np.float32), np.zeros((8, 2), np.float32))
