"""Sets that come and go under a codec that is loaded, in folders that nobody may write to."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.panes.weights import need_weights
from app.server import jobs as work
from app.server.jobs import Job
from app.server.service import Service
from app.server.store import StoredFile
from app.settings import Settings
from app.ui import build_demo
from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.codecs import learned
from mode_core.codecs.identity import tag_of
from mode_core.codecs.registry import load_codec
from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.pictures.files import png_bytes, write_png
from mode_core.types import Image, Target
from mode_core.weights.sets import WeightsSet, all_weights, damaged, set_in
from tests.conftest import Shell, make_photo
from tests.made_up.fake_runner import FakeRunner, last
from tests.made_up.illm_nets import published, small
from tests.made_up.public_nets import save
from tests.made_up.sets import put_set

PUBLIC = "ms-illm.public"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two imported sets of small MS-ILLMs, one of which can be told from the other."""
    home = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODE_WEIGHTS", str(home))
        for name, scale in (("ms-illm-3", 1.0), ("ms-illm-4", 3.0)):
            net = small()
            with torch.no_grad():
                net.encoder.blocks[-1].weight.mul_(scale)
            file = save(published(net), tmp_path_factory.mktemp("net") / f"{name}.ckpt")
            import_checkpoint("ms-illm", Origin(file), "msillm", name)
    return home


def put(made: Path, home: Path, name: str) -> WeightsSet:
    shutil.copytree(made / name, home / name)
    found = set_in(home / name)
    assert found is not None
    return found


# ── a codec that is loaded ─────────────────────────────────────────────────────────────────────


def test_a_loaded_family_takes_up_what_comes_and_drops_what_goes(
    made: Path, home: Path, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = learned.load_net

    def counted(found: WeightsSet, *how: Any) -> Any:
        loaded.append(found.folder.name)
        return load(found, *how)

    monkeypatch.setattr(learned, "load_net", counted)
    one = put(made, home, "ms-illm-3")
    codec = load_codec("ms-illm", "public")
    first = codec.encode(photo, Target(quality=0))
    other = put(made, home, "ms-illm-4")
    assert load_codec("ms-illm", "public") is codec
    second = codec.encode(photo, Target(quality=0 if other.bpp < one.bpp else 1))
    assert [first.weights, second.weights] == [tag_of(one), tag_of(other)]
    for file in (second, first):
        assert codec.decode(file).shape == photo.shape
    assert loaded == ["ms-illm-3", "ms-illm-4"]  # and neither a second time
    shutil.rmtree(one.folder)
    assert codec.encode(photo, Target(quality=0)).weights == second.weights
    with pytest.raises(WeightsMismatch, match=r"here are .*ms-illm-4"):
        codec.decode(first)
    shutil.rmtree(other.folder)
    with pytest.raises(WeightsUnavailable, match="no public weights in"):
        codec.encode(photo, Target(quality=0))


def test_a_set_that_is_replaced_under_its_name_is_another_one(
    made: Path, home: Path, photo: Image
) -> None:
    one = put(made, home, "ms-illm-3")
    codec = load_codec("ms-illm", "public")
    first = codec.encode(photo, Target(quality=0))
    shutil.rmtree(one.folder)
    shutil.copytree(made / "ms-illm-4", one.folder)
    second = codec.encode(photo, Target(quality=0))
    assert first.weights != second.weights
    assert not np.array_equal(first.streams[0].payload, second.streams[0].payload)


# ── what the page remembers ────────────────────────────────────────────────────────────────────


def test_pictures_are_made_anew_once_other_weights_are_here(home: Path, photo: Image) -> None:
    """What is on the screen stays; asking again must not give what is not here any more."""
    put_set(home / "ms-illm-3")
    runner = FakeRunner()
    service = Service(Settings(), runner)
    key = service.add_photo(png_bytes(photo)).key

    def asked() -> list[str]:
        """The panes' keys, and how many jobs there were by then."""
        shown = last(service.compare(key, ["jpeg", PUBLIC], 0.3))
        return [slot.key for slot in shown.slots]

    before = asked()
    assert asked() == before
    assert len(runner.jobs) == 2
    put_set(home / "ms-illm-4", identity="cd" * 32)
    after = asked()
    assert [job.codec for job in runner.jobs[2:]] == [PUBLIC]
    assert after[0] == before[0]
    assert service.store.get(before[1]) is not None  # for those who look at it
    shutil.rmtree(home / "ms-illm-3")
    shutil.rmtree(home / "ms-illm-4")
    runner.jobs.clear()
    asked()
    assert [job.codec for job in runner.jobs] == [PUBLIC]
    assert "are not on this server" in work.run_job(Job(PUBLIC, ("",), 0.3, photo)).error


# ── folders that nobody may write to ───────────────────────────────────────────────────────────

_watched: list[str] = []
_written: list[str] = []
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "os.truncate"}


def _audit(event: str, args: tuple[Any, ...]) -> None:
    """Notes what would change anything below a watched folder; works for root, too."""
    if not _watched or not (event in _CHANGES or event == "open"):
        return
    path, writes = args[0], event != "open"
    if event == "open":
        writes = bool((args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    named = isinstance(path, str | os.PathLike) and os.path.abspath(path)
    if writes and named and named.startswith(_watched[0]):
        _written.append(f"{event} {path}")


sys.addaudithook(_audit)


@pytest.fixture
def mounted(made: Path, home: Path, tmp_path: Path) -> Iterator[Path]:
    """A model repository as a hub's cache has it: folders of links into a folder of blobs."""
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for name in ("ms-illm-3", "ms-illm-4"):
        (home / name).mkdir(parents=True)
        for file in (made / name).iterdir():
            shutil.copy(file, blobs / f"{name}-{file.name}")
            (home / name / file.name).symlink_to(f"../../blobs/{name}-{file.name}")
    for name in ("README.md", ".gitattributes", "config.json"):
        (home / name).write_text("{}")
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / "elic-0").mkdir()
    (home / "elic-0" / "00.safetensors").symlink_to("../../blobs/not-here-yet")
    closed = [path for path in (home, *home.rglob("*"), blobs) if path.is_dir()]
    for path in closed:
        path.chmod(0o555)
    _watched.append(str(home))
    _written.clear()
    yield home
    _watched.clear()
    for path in closed:
        path.chmod(0o755)


def test_a_mounted_model_repository_is_read_and_never_written_to(
    mounted: Path, photo: Image, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = [one.folder.name for one in all_weights() if one.is_public]
    assert imported == ["ms-illm-3", "ms-illm-4"]
    assert [folder.name for folder in damaged()] == ["elic-0"]  # a link that leads nowhere
    need_weights(PUBLIC)
    made = work.run_job(Job(PUBLIC, ("",), 0.3, photo))
    assert made.error == ""
    picture = made.pictures[0]
    assert work.open_file(StoredFile("", picture.file, picture.bitstream)).error == ""
    build_demo(Settings(profile="public"), FakeRunner()).close()
    monkeypatch.chdir(tmp_path)
    write_png("photo.png", make_photo(64, 96))
    shell.does("encode photo.png a.mode --codec ms-illm --profile public --bpp 1")
    for command in ("decode a.mode a.png", "info a.mode", "codecs", "weights list"):
        shell.does(command)
    assert _written == []


def test_the_watch_sees_what_is_written(mounted: Path) -> None:
    """Or the test above could not fail."""
    for attempt in (
        lambda: (mounted / "new").write_text("x"),
        lambda: (mounted / "folder").mkdir(),
        lambda: (mounted / "README.md").unlink(),
    ):
        with suppress(OSError):
            attempt()
    assert [one.split()[0] for one in _written] == ["open", "os.mkdir", "os.remove"]


@pytest.mark.parametrize(
    "command",
    [
        "weights get ms-illm --quality 3 --accept-licence",
        "weights import ms-illm net.ckpt --dialect msillm",
    ],
)
def test_nothing_is_fetched_or_read_for_a_folder_that_is_closed(
    command: str, home: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    home.chmod(0o555)
    if os.geteuid() == 0:  # nothing is forbidden to root, unless the disk is read-only
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    for step in ("obtain.download", "convert.read_checkpoint"):
        monkeypatch.setattr(f"mode_core.checkpoints.{step}", lambda *_: pytest.fail("at work"))
    said = shell.refuses(command)
    assert said.strip().endswith(
        f"{home} may not be written to; let MODE_WEIGHTS name a folder that may be"
    )
    home.chmod(0o755)
    assert list(home.iterdir()) == []
