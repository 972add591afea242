"""How many attacks of each kind are made, and with which seed; the head of a run shows both."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture
def count(pytestconfig: pytest.Config) -> int:
    """Attacks of each kind."""
    given: int = pytestconfig.getoption("--attacks")
    return given


@pytest.fixture
def rng(pytestconfig: pytest.Config) -> np.random.Generator:
    """Another seed in each run, unless one is given."""
    return np.random.default_rng(pytestconfig.getoption("--seed"))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Figures for the log, which pytest would keep to itself."""

    def write(words: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{words}\n")

    return write
