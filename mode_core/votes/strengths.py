"""Bradley-Terry: strengths of candidates from the votes that each won of each, many draws at once.

A candidate of strength a is preferred to one of strength b with the chance 1 / (1 + exp(b - a)).
Arrays carry the letters of their shape: B draws, K candidates. Winners are rows, losers columns; an
unsure vote is half a vote for either side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

PRIOR = 0.5
"""Votes that each candidate has won, and lost, beforehand against a rival of strength 0.

Without them whoever always wins would be infinitely strong. This many leave the least bias where
two candidates are compared."""
_LONGEST_STEP, _MOST_STEPS, _SETTLED = 2.0, 100, 1e-8


def fit(wins_BKK: Numbers) -> Numbers:
    """The likeliest strengths of each draw with that prior, by Newton's method; their mean is 0."""
    strength_BK = np.zeros(wins_BKK.shape[:2])
    for _ in range(_MOST_STEPS):
        chance_BKK = preference(strength_BK)
        beside_BK = _logistic(strength_BK)
        surplus_BK = (wins_BKK - _both(wins_BKK) * chance_BKK).sum(2) + PRIOR * (1 - 2 * beside_BK)
        information = _information(wins_BKK, chance_BKK, beside_BK)
        step_BK = np.linalg.solve(information, surplus_BK[..., None])[..., 0]
        # far from the solution a whole step may lead away from it
        strength_BK += np.clip(step_BK, -_LONGEST_STEP, _LONGEST_STEP)
        if np.abs(step_BK).max(initial=0) < _SETTLED:
            break
    return centred(strength_BK)


def centred(strength_BK: Numbers) -> Numbers:
    """Strengths whose mean is 0: only differences mean anything."""
    moved: Numbers = strength_BK - strength_BK.mean(1, keepdims=True)
    return moved


def preference(strength_BK: Numbers) -> Numbers:
    """The chance that each candidate (row) is preferred to each other one (column)."""
    return _logistic(strength_BK[:, :, None] - strength_BK[:, None, :])


def odds(strength_BK: Numbers) -> Numbers:
    """The logarithm of each candidate's odds against a rival of the field drawn by lot."""
    rivals = strength_BK.shape[1] - 1
    wins_BK = (preference(strength_BK).sum(2) - 0.5) / rivals
    found: Numbers = np.log(wins_BK) - np.log1p(-wins_BK)
    return found


def odds_slope(strength_K: Numbers) -> Numbers:
    """How these odds (rows) move with each strength (columns)."""
    chance_KK, rivals = preference(strength_K[None])[0], len(strength_K) - 1
    slope_KK = -chance_KK * (1 - chance_KK) / rivals
    np.fill_diagonal(slope_KK, 0)
    np.fill_diagonal(slope_KK, -slope_KK.sum(1))
    wins_K = (chance_KK.sum(1) - 0.5) / rivals
    slope: Numbers = slope_KK / (wins_K * (1 - wins_K))[:, None]
    return slope


def covariance(wins_KK: Numbers, strength_K: Numbers, unsure: float) -> Numbers:
    """How strengths would scatter if all votes were independent of each other.

    An unsure vote scatters less than a won or a lost one: by a quarter of a vote squared.
    """
    chance_KK = preference(strength_K[None])[0]
    information = _information(wins_KK[None], chance_KK[None], _logistic(strength_K)[None])[0]
    scatter = (np.triu(_both(wins_KK[None])[0], 1) * chance_KK * (1 - chance_KK)).sum()
    calm = max(1 - unsure / 4 / scatter, 0.1) if scatter else 1.0
    candidates = len(strength_K)
    centre = np.eye(candidates) - 1 / candidates
    found: Numbers = calm * centre @ np.linalg.inv(information) @ centre
    return found


def _information(wins_BKK: Numbers, chance_BKK: Numbers, beside_BK: Numbers) -> Numbers:
    """The negative second derivatives of the logarithm of the likelihood, prior included."""
    weight_BKK = _both(wins_BKK) * chance_BKK * (1 - chance_BKK)
    own_BK = weight_BKK.sum(2) + 2 * PRIOR * beside_BK * (1 - beside_BK)
    found: Numbers = np.eye(wins_BKK.shape[1]) * own_BK[..., None] - weight_BKK
    return found


def _both(wins_BKK: Numbers) -> Numbers:
    votes: Numbers = wins_BKK + wins_BKK.swapaxes(1, 2)
    return votes


def _logistic(x: Numbers) -> Numbers:
    # of the two ways to write it, this one never overflows
    found: Numbers = 0.5 * (1 + np.tanh(x / 2))
    return found
