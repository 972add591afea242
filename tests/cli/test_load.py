"""`load`: every answer is held against its own picture, every fault of a page is counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from threading import Thread
from time import sleep
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from mode_core.cli.crowd import memory
from mode_core.cli.crowd.memory import held_by, page_at
from mode_core.cli.crowd.page import SILENCE_S, Lost, Page, Wish
from mode_core.cli.crowd.pictures import is_of, picture_of, whose
from mode_core.cli.crowd.report import facts, percentile
from mode_core.cli.crowd.user import Kind, Outcome
from mode_core.errors import ModeError
from mode_core.pictures.files import read_image
from tests.conftest import ROOT, Shell
from tests.made_up.api_page import BUSY, ApiPage, api_page

FEW = "load --users 4 --rounds 2 --pause 0 --size 96x80"
EIGHT = 8


@pytest.fixture
def page() -> Iterator[ApiPage]:
    with api_page() as made:
        yield made


def loaded(shell: Shell, page: ApiPage, more: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.does(FEW, f"--json --url {page.url} {more}"))
    return found


def counted(found: dict[str, Any]) -> dict[str, int]:
    return {kind: count for kind, count in found["questions"].items() if count}


def test_a_picture_is_known_after_a_coarse_codec_and_taken_for_no_other() -> None:
    for number in range(20):
        file = BytesIO()
        Pillow.fromarray(picture_of(number, 131, 97)).save(file, "JPEG", quality=1)
        coarse = read_image(file.getvalue())
        assert is_of(number, coarse)
        assert is_of(number, coarse // 2 + 7)
        assert whose(coarse, range(200)) == number
    assert whose(np.full((97, 131, 3), 128, np.uint8), range(200)) is None
    assert whose(np.zeros((5, 5, 3), np.uint8), range(200)) is None


def test_a_crowd_gets_its_own_answers(shell: Shell, page: ApiPage) -> None:
    found = loaded(shell, page)
    assert counted(found) == {"asked": EIGHT, "answered": EIGHT}
    assert 0 <= found["seconds"]["median"] <= found["seconds"]["worst"]
    assert len(page.addresses) == 4
    assert found["ended"] == "all rounds are done"
    loaded(shell, page, "--one-address --codecs 'jpeg, webp' --bpp 0.3")
    assert "" in page.addresses
    assert list(page.asked.values())[-1]["data"][1:] == [0.3, ["jpeg", "webp"]]


@pytest.mark.parametrize(
    ("fault", "owners", "words"),
    [
        ("mixed up", 1, "original: the picture of question"),
        ("mixed panes", 1, "jpeg: the picture of question"),
        ("mixed and measured", 1, "jpeg: the picture of question"),
        ("a pixel", 0, "original: not the pixels that were sent"),
        ("nothing like it", 0, "jpeg: its PSNR is not"),
    ],
)
def test_somebody_elses_picture_is_always_noticed(
    shell: Shell, page: ApiPage, fault: str, owners: int, words: str
) -> None:
    """Of those whose pictures all get, one gets their own."""
    page.fault = fault
    assert "not of the picture that was sent" in shell.refuses(FEW, f"--json --url {page.url}")
    found = json.loads(shell.out)
    assert counted(found)["mixed up"] == EIGHT - owners
    assert all(one["words"].startswith(words) for one in found["words"])


def test_what_a_codec_makes_up_is_told_by_what_the_page_has_measured(
    shell: Shell, page: ApiPage
) -> None:
    """VQ and DLF leave no pattern at their lowest rates."""
    page.fault = "made up"
    assert counted(loaded(shell, page)) == {"asked": EIGHT, "answered": EIGHT}


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("busy", "refused", BUSY),
        ("status", "refused", BUSY),
        ("cut", "lost", "the answer ended early or is no JSON"),
        ("failed pane", "answered in part", "jpeg: jpeg is broken"),
        ("gone", "answered in part", "jpeg: not in memory any more"),
    ],
)
def test_what_came_instead_is_counted_with_its_words(
    shell: Shell, page: ApiPage, fault: str, kind: str, words: str
) -> None:
    page.fault = fault
    found = loaded(shell, page)
    assert counted(found) == {"asked": EIGHT, kind: EIGHT}
    assert found["words"] == [{"count": EIGHT, "kind": kind, "words": words}]
    assert (found["seconds"] is None) == (kind != "answered in part")


def test_who_leaves_hangs_up_and_is_no_loss(shell: Shell, page: ApiPage) -> None:
    page.seconds = 3.5
    found = loaded(shell, page, "--users 2 --rounds 1 --leave 1")
    assert counted(found) == {"asked": 2, "left in mid-job": 2}


def test_it_ends_by_itself_and_says_what_was_open(shell: Shell, page: ApiPage) -> None:
    page.fault = "silent"
    found = loaded(shell, page, "--minutes 0.02")
    assert counted(found) == {"asked": 4, "unfinished": 4}
    assert found["ended"] == "0.02 minutes are over"


def test_a_line_that_is_cut_wakes_who_listens(page: ApiPage) -> None:
    page.fault = "silent"
    asking, ended = Page(page.url), []

    def listen() -> None:
        with pytest.raises(Lost):
            asking.answer(asking.ask(b"a picture", Wish(0.2)))
        ended.append(True)

    listener = Thread(target=listen, daemon=True)
    listener.start()
    while not page.listening:
        sleep(0.02)
    asking.hang_up()
    listener.join(SILENCE_S / 2)
    assert ended
    with pytest.raises(ModeError, match="hung up"):
        asking.check()


def test_ctrl_c_prints_what_is_known(page: ApiPage) -> None:
    command = [sys.executable, "-m", "mode_core", *FEW.split(), "--url", page.url]
    page.fault = "silent"
    running = subprocess.Popen(
        command, cwd=ROOT, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while page.listening < 4 and running.poll() is None:
        sleep(0.05)
    for _ in range(5):  # an impatient user, or a shell that tells a whole group
        running.send_signal(signal.SIGINT)
        sleep(0.01)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "stopped" in out.splitlines()[1]
    assert "unfinished" in out
    assert err.splitlines()[-1] == "error: stopped"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--url http://192.0.2.7", "192.0.2.7 is not this machine"),
        ("--url http://127.0.0.1.example.org", "whose server it is with --server-of NAME"),
        ("--url http://me:secret@127.0.0.1", "no address of a page"),
        ("--url ftp://127.0.0.1", "no address of a page"),
        ("--url http://127.0.0.1:99999", "no address of a page"),
        ("--url http://127.0.0.1:9", "http://127.0.0.1:9 is no page that can be asked: Connection"),
        ("--url http://[::1]:9", "is no page that can be asked"),
        ("--leave 1.5", "'1.5' is no share; give a number from 0 to 1"),
        ("--users 501", "'501' is not a whole number from 1 to 500"),
        ("--users 0", "'0' is not a whole number from 1 to 500"),
        ("--minutes 0", "'0' is no length of time"),
        ("--pause -1", "'-1' is no pause"),
        ("--size 20x900", "'20x900' is no size; give WIDTHxHEIGHT, each from 64 to 9999"),
        ("--pid 0", "'0' is not a whole number from 1"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(shell: Shell, words: str, sentence: str) -> None:
    said = shell.refuses(f"load {words}")
    assert sentence in said
    assert said.count("\n") == 1
    assert "secret" not in said


def test_another_page_is_told_from_ours(shell: Shell, page: ApiPage) -> None:
    page.fault = "another"
    assert "a page without /compare" in shell.refuses(f"load --url {page.url}")


def test_what_is_no_object_is_no_page(shell: Shell, page: ApiPage) -> None:
    page.fault = "list"
    assert "a page without /compare" in shell.refuses(f"load --url {page.url}")


def test_another_host_is_told_whose_it_is(
    shell: Shell, page: ApiPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name for this machine that the command does not know as such."""
    monkeypatch.setattr("mode_core.cli.crowd.page.Page.is_here", False)
    assert "is not this machine" in shell.refuses(FEW, f"--url {page.url}")
    assert not page.agents
    out = shell.does(FEW, f"--url {page.url} --server-of 'Lab 3'")
    assert "a server of Lab 3" in out
    assert page.agents == {"mode-explorer load test (at a server of Lab 3)"}
    assert page.addresses == {""}
    assert "the server is on another machine" in out


@pytest.mark.skipif(not memory._PROC.is_dir(), reason="memory is told by /proc")
def test_memory_is_of_the_process_that_listens_and_of_all_it_started(page: ApiPage) -> None:
    assert page_at(page.server_port) == os.getpid()
    alone, count = held_by(os.getpid())
    keeps = "import sys; kept = b'x' * 50_000_000; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", keeps], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as helper:
        assert helper.stdout
        helper.stdout.readline()
        more, now = held_by(os.getpid())
        helper.communicate(b"")
    assert now == count + 1
    assert more > alone + 40e6


def test_a_process_that_is_not_there_is_a_sentence(shell: Shell, page: ApiPage) -> None:
    said = shell.refuses(FEW, f"--url {page.url} --pid {2**31 - 1}")
    assert f"process {2**31 - 1} cannot be looked at" in said


def test_percentiles_and_words() -> None:
    waits = [float(one) for one in range(1, 101)]
    assert [percentile(waits, share) for share in (0.95, 1, 0.001)] == [95, 100, 1]
    assert percentile([3.0], 0.95) == 3
    outcomes = [Outcome(Kind.ANSWERED, one) for one in waits]
    outcomes += [Outcome(Kind.REFUSED, 0, f"busy, position {one}") for one in (21, 22, 7)]
    outcomes += [Outcome(Kind.LOST, 900, "Connection refused")]
    found = facts(outcomes)
    assert found["seconds"] == {"median": 50.5, "95th percentile": 95, "worst": 100}
    assert [(one["count"], one["words"]) for one in found["words"]] == [
        (3, "busy, position 21"), (1, "Connection refused"),
    ]  # fmt: skip
    assert facts([])["seconds"] is None
