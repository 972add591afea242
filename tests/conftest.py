"""What every test may rely on: no network, one torch thread, the same photo everywhere."""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from mode_core import metrics
from mode_core.cli.main import main
from mode_core.codecs.registry import load_codec
from mode_core.types import Image
from mode_core.weights import sets as weights

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is first imported, by whoever does
# A test of two threads shares the cores with others, and a thread that spins takes them away.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A busy machine is no failed test; the same examples in every run, so that a failure is a change.
settings.register_profile("calm", deadline=None, derandomize=True)
settings.load_profile("calm")

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
WEIGHTS = ROOT / "assets" / "weights"
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests that need what this machine has not got are skipped aloud.

    Once any weights are bundled nothing marked `weights` is skipped: what is missing then, fails.
    """
    if item.get_closest_marker("weights") and not any(WEIGHTS.glob("*/*.safetensors")):
        pytest.skip("no trained weights are bundled in assets/weights")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much `make test-hostile` does."""
    parser.addoption("--attacks", type=int, default=50, help="attacks of each kind")
    seed = secrets.randbits(32)
    parser.addoption("--seed", type=int, default=seed, help="of a run that is to be repeated")


def pytest_report_header(config: pytest.Config) -> str | None:
    """What is needed to repeat a run of attacks."""
    wanted = "hostile" in config.option.markexpr
    return f"attacks: {config.option.attacks}, --seed {config.option.seed}" if wanted else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no browser is asked for, nothing is imported that drives one; attacks only if named."""
    marks, name = config.option.markexpr, collection_path.name
    browser = "not browser" in marks and name == "browser"
    return True if browser or ("hostile" not in marks and name == "hostile") else None


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Connecting to anything but this machine is an error, so no test comes to need it."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse_outside(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(_LOOPBACK):
            raise ConnectionRefusedError(f"tests have no network, and one asked for {address}")

    def guarded(self: socket.socket, address: Any) -> None:
        refuse_outside(self, address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        refuse_outside(self, address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        yield


@pytest.fixture(autouse=True)
def _metrics_are_looked_for_anew() -> Iterator[None]:
    """Each process does so once; for tests, each is a process of its own.

    After each as well: what a module shares is made before its first test begins.
    """
    metrics._given_up.cache_clear()
    yield
    metrics._given_up.cache_clear()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread and a known seed; a test may take more threads, and they end with it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for imported weights, which does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(folder))
    load_codec.cache_clear()
    yield folder
    load_codec.cache_clear()


def process(
    *command: str | Path, home: Path = ROOT, env: Mapping[str, str] | None = None, **how: Any
) -> subprocess.CompletedProcess[str]:
    """A command of its own process, which finds the program that lies in `home`."""
    env = {**os.environ, "PYTHONPATH": str(home), **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=1200, env=env, **how)


class Shell:
    """The command line: what it says where it works, and where it refuses."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def does(self, *words: str | Path) -> str:
        """What is printed by a command that works; texts are split as a shell does it."""
        assert self._run(*words) == 0, self.err
        return self.out

    def refuses(self, *words: str | Path) -> str:
        """What is said by a command that fails with status 1."""
        assert self._run(*words) == 1
        return self.err

    def _run(self, *words: str | Path) -> int:
        self._capsys.readouterr()
        split = ([str(one)] if isinstance(one, Path) else shlex.split(one) for one in words)
        status = main([*chain.from_iterable(split)])
        self.out, self.err = self._capsys.readouterr()
        return status


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def only_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """MoDE is a toy, the other learned codecs have no weights, and no LPIPS can be computed."""
    from mode_core.codecs import learned
    from tests.made_up.toy_codec import build_only_mode

    monkeypatch.setattr(learned, "build", build_only_mode)
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "absent.pth"))
    load_codec.cache_clear()
    yield
    load_codec.cache_clear()


@pytest.fixture(scope="session")
def toy_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of toy weights, for reading."""
    from tests.made_up.toys import save_all

    return save_all(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def toy_weights(home: Path, toy_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The registry finds toy weights instead of the bundled ones, and none that are imported."""
    monkeypatch.setattr(weights, "BUNDLED", toy_home)
    return toy_home


@pytest.fixture(scope="session")
def photo() -> Image:
    """A picture with edges, a gradient and texture, of odd size; the same in every run."""
    return make_photo(67, 101)


@pytest.fixture
def x() -> Any:
    """A photo as networks take it, as a tensor."""
    from mode_core.codecs.tiles import to_tensor

    return to_tensor(make_photo(120, 180), 64)


def make_photo(height: int, width: int, seed: int = 7) -> Image:
    """Smooth waves, a hard-edged disc and a little noise, in colour."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(rows / (9 + 4 * c) + columns / (13 - 3 * c) + c) for c in range(3)]
    picture = 128 + 70 * np.stack(waves, -1)
    disc = (rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (min(height, width) / 4) ** 2
    picture[disc] = (230, 60, 40)
    picture += np.random.default_rng(seed).normal(0, 4, picture.shape)
    clipped: Image = np.clip(picture, 0, 255).astype(np.uint8)
    return clipped
