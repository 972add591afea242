"""What this project stands on: licences that fit its own, and one list of exact versions."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT

FITTING = ("MIT", "BSD", "Apache", "PSF", "Python Software Foundation", "ISC", "MPL", "Mozilla")
"""Whose terms a program under Apache-2.0 can keep when it is passed on together with them."""
NOT_FITTING = ("GPL", "GNU")
COME_WITH_TORCH = ("nvidia-", "cuda-toolkit")
"""NVIDIA's own libraries: torch's builds for GPUs ask for them, nothing here does."""
SAID_ELSEWHERE = {"axe-playwright-python": "its repository states MIT, its metadata nothing"}


def name_of(text: str) -> str:
    return re.sub("[-_.]+", "-", text).lower()


def required(file: str) -> dict[str, Requirement]:
    """The requirements that a file names itself."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {name_of(one.name): one for one in found}


DIRECT = required("requirements.txt") | required("requirements-dev.txt")
CLUSTER = required("requirements-cluster.txt")
"""Only for whoever measures with Ray."""
LOCKED = required("requirements.lock")


@cache
def installed(direct: tuple[str, ...] = tuple(DIRECT)) -> dict[str, Distribution]:
    """All that is needed here, directly or through others."""
    found: dict[str, Distribution] = {}
    waiting = list(direct)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = distribution(name)
        for text in found[name].requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                waiting.append(name_of(one.name))
    return found


def licence(dist: Distribution) -> str:
    """What a package's metadata states, in whichever of its three places; a whole text is none."""
    stated = dist.metadata
    classifiers = stated.get_all("Classifier") or []
    brief = [stated["License-Expression"] or "", (stated["License"] or "").strip()]
    brief = [text for text in brief if "\n" not in text]
    return "; ".join(filter(None, [*brief, *(c for c in classifiers if c.startswith("License"))]))


def fits(stated: str) -> bool:
    return any(word in stated for word in FITTING) and not any(w in stated for w in NOT_FITTING)


@pytest.mark.parametrize("name", DIRECT)
def test_every_direct_dependency_has_a_licence_that_fits(name: str) -> None:
    stated = licence(distribution(name))
    assert name in SAID_ELSEWHERE or fits(stated), f"{name}: {stated or 'no licence stated'}"


def test_whatever_comes_with_them_fits_too() -> None:
    others = {n: licence(d) for n, d in installed().items() if not n.startswith(COME_WITH_TORCH)}
    assert not {n: s for n, s in others.items() if n not in SAID_ELSEWHERE and not fits(s)}


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_what_comes_with_ray_fits_too() -> None:
    found = installed((*CLUSTER, "grpcio"))
    assert not {n: s for n, d in found.items() if not fits(s := licence(d))}


def test_the_lock_has_what_comes_with_ray() -> None:
    named = {name: str(one.specifier) for name, one in CLUSTER.items()}
    assert named == {name: str(LOCKED[name].specifier) for name in named}
    assert "grpcio" in LOCKED


@pytest.mark.parametrize(
    ("stated", "fitting"),
    [
        ("GPL-3.0-or-later", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("", False),
        ("LicenseRef-Proprietary", False),
        ("MPL-2.0 AND MIT", True),
    ],
)
def test_which_licences_fit(stated: str, fitting: bool) -> None:
    assert fits(stated) is fitting


def test_the_lock_agrees_with_what_a_space_installs() -> None:
    """A Space reads requirements.txt alone, `make` reads it together with the lock."""
    assert {name: str(one.specifier) for name, one in DIRECT.items()} == {
        name: str(LOCKED[name].specifier) for name in DIRECT if name in LOCKED
    }


@pytest.mark.skipif(sys.platform != "linux", reason="the lock is of Linux")
def test_the_lock_names_all_that_is_needed_in_the_version_that_is_here() -> None:
    here = {name: Version(found.version).public for name, found in installed().items()}
    locked = {name: str(one.specifier).removeprefix("==") for name, one in LOCKED.items()}
    assert {name: (version, locked.get(name)) for name, version in here.items()} == {
        name: (version, version) for name, version in here.items()
    }
