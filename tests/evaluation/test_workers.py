"""Processes that measure: none of them outlives the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from mode_core.pictures.files import write_png
from tests.conftest import PYTHON, ROOT, make_photo

PHOTOS = 200


@pytest.fixture(autouse=True)
def _interrupts() -> Iterator[None]:
    """Whoever runs the tests in the background has them ignore Ctrl-C, which children inherit."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_benchmark_that_is_ended_leaves_no_process_behind(
    how: signal.Signals, tmp_path: Path
) -> None:
    """Workers hold the pipe that errors go to: it ends once the last of them is gone."""
    (tmp_path / "photos").mkdir()
    for place in range(PHOTOS):
        write_png(tmp_path / "photos" / f"{place:03}.png", make_photo(120, 150, seed=place))
    words = [
        "bench",
        "photos",
        "--out",
        "out",
        "--codecs",
        "avif",
        "--bpp",
        "0.5,1,2,3",
        "--workers",
        "2",
    ]
    bench = subprocess.Popen(
        [PYTHON, "-m", "mode_core", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MODE_LPIPS_BACKBONE": str(tmp_path / "none")},
    )
    while not (tmp_path / "out" / "avif.partial.csv").exists():
        assert bench.poll() is None
        sleep(0.05)
    bench.send_signal(how)
    _, said = bench.communicate(timeout=300)
    assert not (tmp_path / "out" / "avif.csv").exists(), "it was to be ended in the middle"
    if how is not signal.SIGKILL:
        assert bench.returncode == 1
        assert said.splitlines()[-1] == "error: stopped"
        assert not list((tmp_path / "out").glob(".*"))
