"""Files appear whole, under the right name, and never in the place of something else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mode_core.stream.atomic import make_folder, write_atomic
from mode_core.weights.tensors import write_tensors


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"first")
    write_atomic(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"first")

    def fill_the_disk(self: Path, data: bytes) -> None:
        os.close(os.open(self, os.O_CREAT | os.O_WRONLY))
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomic(path, b"second")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        write_atomic(path, b"through")
        assert os.read(reader, 100) == b"through"
        assert stat.S_ISFIFO(path.stat().st_mode)
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("folder", IsADirectoryError), ("no/a", FileNotFoundError), ("file/a", FileNotFoundError)],
)
def test_a_place_that_cannot_hold_a_file_is_refused(
    name: str, kind: type[OSError], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(kind):
        write_atomic(tmp_path / name, b"")


def test_tensors_are_as_open_as_other_files(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_tensors(tmp_path / "a.safetensors", {"a": torch.ones(2)}, {"codec": "toy"})
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
    assert load_file(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]


def test_a_folder_is_made_once_and_never_over_a_file(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="name a folder"):
        make_folder(tmp_path / "file")
