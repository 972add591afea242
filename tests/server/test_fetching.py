"""Sets that the operator wants: fetched by other processes, refused without a licence, told of."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.about import about_page
from app.server import fetching
from app.server.fetching import State, start, states
from app.server.process import start_child
from app.settings import Settings
from mode_core.codecs.catalogue import PUBLISHED
from tests.codecs.vq.test_public import toy
from tests.made_up import illm_nets
from tests.made_up.host import Host, hosting
from tests.made_up.public_nets import save

ILLM, SMALL, LARGE = (
    "msillm_target_0.14bpp.ckpt", "vqgan_imagenet_f16_1024.ckpt", "vqgan_imagenet_f16_16384.ckpt",
)  # fmt: skip


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("nets")
    illm, vq = illm_nets.published(illm_nets.small()), toy().state_dict()
    states = {ILLM: illm, SMALL: vq, LARGE: vq}
    return {name: save(state, folder / name).read_bytes() for name, state in states.items()}


@pytest.fixture
def host(
    checkpoints: dict[str, bytes], home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Host]:
    """The operator's copies; nothing beyond this machine can be reached."""
    with hosting() as made:
        made.files = dict(checkpoints)
        monkeypatch.setenv("MODE_WEIGHTS_MIRROR", made.base)
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield made
    fetching._states.clear()


def settings(monkeypatch: pytest.MonkeyPatch, fetch: str, accepted: str) -> Settings:
    monkeypatch.setenv("MODE_FETCH", fetch)
    monkeypatch.setenv("MODE_ACCEPT_LICENCE", accepted)
    return Settings.from_environment()


def fetched(wish: Settings) -> list[State]:
    """What is told in the end."""
    start(wish.fetch, wish.accepted).join()
    return states()


@pytest.mark.slow
def test_one_that_is_killed_and_one_that_fails_hurt_nothing_else(
    host: Host, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Nor does the page wait for any; the next start goes on, with copies that lie on the hub."""
    wish = settings(monkeypatch, "ms-illm:3, vq:16384, vq:1024", "vq,ms-illm")
    killed, failed, last = _fetched_while_one_is_killed(host, wish, monkeypatch)
    assert (killed.what, killed.state) == ("MS-ILLM 3", "failed")
    assert "stopped in the middle; the next start goes on" in killed.sentence
    assert (failed.what, failed.state) == ("VQ 16384", "failed")
    assert failed.sentence.startswith("could not be fetched (127.0.0.1: its file, now deleted, has")
    assert "845a6880…" in failed.sentence
    assert "heibox.uni-heidelberg.de: " in failed.sentence
    assert "github.com: " in failed.sentence
    assert last == State("VQ 1024", "here", "is here")
    assert f"- **VQ 16384** {failed.sentence}." in about_page().replace("\\", "")
    assert not any(private in failed.sentence for private in ("://", str(home), str(Path.home())))
    warned = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert [line.split()[0] for line in warned] == ["ms-illm-3", "vq-16384"]
    begins = "vq-16384 could not be fetched: vqgan_imagenet_f16_16384.ckpt could not"
    assert warned[1].startswith(begins)
    assert f"{host.base}/{LARGE}: " in warned[1]
    asked = len(host.paths)
    monkeypatch.setenv("MODE_WEIGHTS_MIRROR", "hf://someone/copies")
    monkeypatch.setenv("HF_ENDPOINT", host.base)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    first, failed, _ = fetched(wish)
    assert [one.state for one in states()] == ["here", "failed", "here"]
    assert first == State("MS-ILLM 3", "here", "is here")
    assert failed.sentence.startswith("could not be fetched (the Hugging Face hub: it has the SHA")
    assert "**MS-ILLM public** is here" in about_page().replace("\\", "")
    assert sorted(one.name for one in home.iterdir()) == ["downloads", "ms-illm-3", "vq-1024"]
    resolved = [path for path in host.paths[asked:] if "/resolve/" in path]
    assert f"/someone/copies/resolve/c0ffee/{ILLM}" in resolved
    assert {path.rpartition("/")[2] for path in resolved} == {ILLM, LARGE}
    card = json.loads((home / "ms-illm-3" / "card.json").read_text())
    assert card["address"] == f"hf://someone/copies/{ILLM}"


def _fetched_while_one_is_killed(
    host: Host, wish: Settings, monkeypatch: pytest.MonkeyPatch
) -> list[State]:
    """What is told in the end; the first process is killed before its file is whole."""
    children: list[subprocess.Popen[bytes]] = []

    def starting(*words: str) -> subprocess.Popen[bytes]:
        children.append(start_child(*words))
        return children[-1]

    host.gate.clear()
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "start_child", starting)
        thread = start(wish.fetch, wish.accepted)
        while not host.paths:
            assert thread.is_alive()
        assert [one.state for one in states()] == ["fetching", "waiting", "waiting"]
        children[0].kill()
        host.gate.set()
        thread.join()
    return states()


def test_a_licence_that_was_not_named_is_never_accepted(
    host: Host, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for accepted in ("", "vq"):
        told = fetched(settings(monkeypatch, "ms-illm:3,elic:0150", accepted))
        assert [one.state for one in told] == ["refused", "refused"]
    assert host.paths == []
    assert not home.exists()
    about = about_page()
    assert "**MS-ILLM 3** is not fetched, since its licence (CC-BY-NC 4.0) was not" in about
    assert "**ELIC 0150** is not fetched, since its licence (no licence stated) was not" in about
    assert "add elic to MODE_ACCEPT_LICENCE" in caplog.text


def test_all_is_every_codec(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    wish = settings(monkeypatch, "all", "all")
    assert wish.fetch == PUBLISHED
    monkeypatch.setattr(fetching, "_fetch_all", lambda missing: None)
    start(wish.fetch, wish.accepted).join()
    assert {one.state for one in states()} == {"waiting"}


@pytest.mark.usefixtures("host")
def test_a_process_ends_with_the_page(host: Host) -> None:
    host.gate.clear()
    child = start_child("app.server.fetching", "ms-illm", "3")
    while not host.paths:
        assert child.poll() is None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait() == 1
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())[1].startswith(f"fetching {ILLM} from 127.0.0.1")
    child.stdout.close()


def test_a_process_that_is_done_says_no_more(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    host.files.clear()
    child = start_child("app.server.fetching", "ms-illm", "3")
    assert child.stdout is not None
    last = child.stdout.read().splitlines()[-1]
    assert (child.wait(), json.loads(last)[0]) == (0, "failed")
    assert capfd.readouterr().err == ""
    child.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="only there is it easily seen")
def test_a_process_leaves_the_cores_to_others(host: Host) -> None:
    host.gate.clear()
    child = start_child("app.server.fetching", "ms-illm", "3")
    while not host.paths:
        assert child.poll() is None
    nice = os.getpriority(os.PRIO_PROCESS, child.pid)
    child.communicate(b"")
    assert nice == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)


@pytest.mark.parametrize(
    ("fetch", "accepted", "mirror", "words"),
    [
        ("elic", "", "", "'elic' is not like elic:0150"),
        ("elic:0150,0450", "", "", "'0450' is not like elic:0150"),
        ("elic:7", "", "", "qualities are 0004, 0008"),
        ("dlf:1", "", "", "cannot be fetched by a program"),
        ("jpeg:1", "", "", "only of elic, ms-illm, vq"),
        ("vq:1024", "illm", "", "MODE_ACCEPT_LICENCE is 'illm'; it must be some of all, elic"),
        ("vq:1024", "", "/srv/copies", "MODE_WEIGHTS_MIRROR is '/srv/copies'; it must begin with"),
    ],
)
def test_what_makes_no_sense_stops_the_start(
    fetch: str, accepted: str, mirror: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE_WEIGHTS_MIRROR", mirror)
    with pytest.raises(SystemExit, match=words):
        settings(monkeypatch, fetch, accepted)
