"""Reading files from strangers: no code runs, and what is no checkpoint is said in a sentence."""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.checkpoints.read import read_checkpoint
from mode_core.errors import CheckpointError
from tests.made_up.public_nets import save


class Runs:
    """A pickle that calls a function when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def _touch(path: Path) -> list[Any]:
    return [
        Runs(os.system, f"touch {path}"),
        Runs(eval, f"open({str(path)!r}, 'w')"),
        Runs(subprocess.call, ["touch", str(path)]),
        Runs(shutil.rmtree, str(path)),
    ]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_pickle_is_refused_by_name(
    which: int, zipped: bool, home: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    state = {"g_a.0.weight": torch.zeros(1), "bomb": _touch(marker)[which]}
    file = tmp_path / "hostile.pth"
    torch.save(state, file, _use_new_zipfile_serialization=zipped)
    wanted = ("system", "eval", "call", "rmtree")[which]
    with pytest.raises(CheckpointError, match=rf"refused: it wants to run .*{wanted}"):
        import_checkpoint("elic", Origin(file), "chandelier")
    assert not marker.exists()
    assert not home.exists()


def test_what_training_frameworks_leave_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("pytorch_lightning.callbacks")
    Left = type("ModelCheckpoint", (), {"__module__": module.__name__})
    module.ModelCheckpoint = Left  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_lightning", types.ModuleType("pytorch_lightning"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    left = Left()
    left.best = 3
    content = {
        "callbacks": {Left: left},
        "hyper_parameters": argparse.Namespace(lr=1.0),
        "state_dict": {"a": torch.arange(3)},
    }
    file = save(content, tmp_path / "l.ckpt")
    monkeypatch.delitem(sys.modules, module.__name__)
    monkeypatch.delitem(sys.modules, "pytorch_lightning")
    assert read_checkpoint(file)["a"].tolist() == [0, 1, 2]


SPOILT = {
    "empty": (lambda data: b"", "it is empty"),
    "page": (lambda data: b"\n<!DOCTYPE html><html>Too many downloads</html>", "a web page"),
    "text": (lambda data: b"not a checkpoint at all", "it is a text"),
    "half": (lambda data: data[: len(data) // 2], "cut off"),
    "end": (lambda data: data[:-7], "cut off"),
    "garbage": (lambda data: bytes(range(256)), "does not begin as files of torch.save do"),
    "list": (lambda data: pickle.dumps([1, 2, 3]), "does not begin as files of torch.save do"),
    "hostile": (lambda data: pickle.dumps({"a": Runs(print, "hello")}), "does not begin as files"),
}


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("kind", SPOILT)
def test_a_broken_file_is_one_sentence_that_says_what_it_is(
    kind: str, name: str, tmp_path: Path
) -> None:
    spoil, words = SPOILT[kind]
    file = save({"a": torch.arange(500.0)}, tmp_path / name)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(CheckpointError) as raised:
        read_checkpoint(file)
    message = str(raised.value)
    assert message.startswith(f"{file} is not a checkpoint: ")
    assert words in message or (name == "a.safetensors" and "not a whole safetensors" in message)
    assert "weights_only" not in message, "torch's advice runs a stranger's code"
    assert "\n" not in message


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False])
def test_damage_anywhere_is_a_refusal_or_does_not_matter(zipped: bool, tmp_path: Path) -> None:
    file = tmp_path / "a.pth"
    state = {"state_dict": {"a": torch.arange(5.0)}, "epoch": 1}
    torch.save(state, file, _use_new_zipfile_serialization=zipped)
    whole, chance, read = file.read_bytes(), np.random.default_rng(0), 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[chance.integers(len(whole))] = chance.integers(256)
        file.write_bytes(damaged)
        with contextlib.suppress(CheckpointError):
            assert isinstance(read_checkpoint(file), dict)
            read += 1
    assert read < 150


def test_numbers_beside_the_tensors_are_harmless(tmp_path: Path) -> None:
    best = {"best": np.float64(0.5), "curve": np.arange(3.0), "kind": np.dtype("float32")}
    file = save({"state_dict": {"a": torch.ones(2)}, "callbacks": best}, tmp_path / "a.ckpt")
    assert read_checkpoint(file)["a"].tolist() == [1, 1]


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    save_file({"module.a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert read_checkpoint(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
