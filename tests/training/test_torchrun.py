"""Several processes started as the README says: `torchrun … -m mode_core train`."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from mode_core.training.checkpoint import read_weights
from mode_core.training.data import FEWEST
from tests.conftest import PYTHON, ROOT, make_photo, process


@pytest.mark.training
def test_torchrun_trains_one_network_in_two_processes(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for seed in range(FEWEST + 2):
        # from the large ones crops are taken; those which validation measures are small, and quick
        side = 256 if seed % 7 == 1 else 64
        Pillow.fromarray(make_photo(side, side, seed=seed)).save(photos / f"{seed:02}.png")
    torchrun = [PYTHON, "-m", "torch.distributed.run", "--standalone"]
    train = ["--nproc-per-node", "2", "-m", "mode_core", "train", "elic", "--minutes", "0.02"]
    words = ["--photos", str(photos), "--out", str(out), "--batch", "1", "--device", "cpu"]
    run = process(*torchrun, *train, *words, cwd=ROOT, env={"OMP_NUM_THREADS": "1"})
    assert run.returncode == 0, run.stderr
    _, facts = read_weights(out)
    steps = int(facts["steps"])
    assert steps > 0
    assert int(facts["crops"]) == 2 * steps
    assert run.stdout.count("finished") == 1
