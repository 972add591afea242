"""Fetching a public set, with all that its hosts may do, and two who want the same one at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import pytest

from mode_core.checkpoints import connection, download
from mode_core.checkpoints import hub as hub_module
from mode_core.checkpoints import obtain as obtaining
from mode_core.checkpoints.download import NoRoom
from mode_core.checkpoints.obtain import MIRROR, Unobtainable, mirror, obtain
from mode_core.codecs import catalogue
from mode_core.codecs.catalogue import PUBLISHED, chosen
from mode_core.errors import ModeError
from mode_core.types import Published
from mode_core.weights.sets import WeightsSet
from tests.conftest import PYTHON, ROOT
from tests.made_up import illm_nets
from tests.made_up.host import Host, hosting
from tests.made_up.public_nets import save

pytestmark = pytest.mark.usefixtures("home")
FILE = "msillm_target_0.14bpp.ckpt"
SIZE = 100_000
"""About what the file has, as our table has it."""
CUT = 50_000
"""Where a connection breaks: behind much of the weights."""
PAGE = b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Two small MS-ILLM of the same length in their authors' names."""
    folder = tmp_path_factory.mktemp("net")
    state = illm_nets.published(illm_nets.small())
    first = save(state, folder / FILE).read_bytes()
    shifted = {
        name: value + 1 if name.endswith("weight") else value for name, value in state.items()
    }
    second = save(shifted, folder / FILE).read_bytes()
    assert len(first) == len(second)
    assert first[:CUT] != second[:CUT]
    return first, second


@pytest.fixture
def host(checkpoints: tuple[bytes, bytes]) -> Iterator[Host]:
    with hosting() as made:
        made.files[FILE] = checkpoints[0]
        yield made


@pytest.fixture
def other(checkpoints: tuple[bytes, bytes]) -> Iterator[Host]:
    with hosting() as made:
        made.files[FILE] = checkpoints[0]
        yield made


def at(*urls: str, **changes: str) -> Published:
    """MS-ILLM's third quality, fetched from these addresses."""
    (one,) = chosen("ms-illm", "3")
    return replace(one, urls=urls, bytes_=SIZE, **changes)


def got(one: Published, said: list[str] | None = None, **how: str) -> WeightsSet:
    said = [] if said is None else said
    return obtain(one, said.append, lambda *_: None, **how)


def file_of(home: Path) -> str:
    """The SHA-256 of the file that the set here was made from."""
    card = json.loads((home / "ms-illm-3" / "card.json").read_text())
    assert card["file"] == FILE
    return next(found for found in catalogue.all_weights() if found.is_public).facts["sha256"]


def leave_room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """On the disk, as the download sees it."""
    disk = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr(download, "shutil", disk)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def failing(host: Host, how: str) -> str:
    """An address that gives no checkpoint, in one of the ways there are."""
    path = f"/{how}/{FILE}"
    if how.isdigit():
        host.statuses[path] = int(how)
    elif how == "page":
        host.files[FILE] = PAGE
    elif how == "declared page":
        host.files[FILE], host.kind = b"Please log in", "text/html; charset=utf-8"
    elif how == "junk":
        host.files[FILE] = b"503: come back later"
    elif how == "cut":
        host.break_after = 100
    elif how == "closed":
        return f"http://127.0.0.1:9/{FILE}"
    return f"{host.base}{path}".replace(" ", "-")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("403", "it answers 403 Forbidden; known as #245"),
        ("404", "it answers 404"),
        ("page", "it gives a web page instead of the file"),
        ("declared page", "it gives a web page instead of the file"),
        ("junk", "it was deleted"),
        ("cut", "the connection broke after 100 bytes"),
        ("closed", "refused"),
    ],
)
def test_where_an_address_fails_the_next_one_is_asked(
    how: str, words: str, host: Host, other: Host, home: Path
) -> None:
    first, second = failing(host, how), f"{other.base}/{FILE}"
    with pytest.raises(Unobtainable) as caught:
        got(at(first, trouble="known as #245"))
    assert f"{first}: " in str(caught.value)
    assert words in str(caught.value)
    for way in ("--url ", f"{MIRROR}=", f"weights import ms-illm {FILE} --dialect msillm"):
        assert way in str(caught.value)
    assert caught.value.brief.startswith("127.0.0.1: ")
    assert "http" not in caught.value.brief
    said: list[str] = []
    got(at(first, second), said)
    assert file_of(home) == sha256(other.files[FILE])
    assert json.loads((home / "ms-illm-3" / "card.json").read_text())["address"] == second
    assert [line.split()[0] for line in said] == (
        ["fetching", "converting"] * (how == "junk") + ["fetching"] * (how != "junk")
        + ["fetching", "converting"]
    )  # fmt: skip
    assert [path.name for path in (home / "downloads").iterdir()] == [f"{FILE}.sha256"]


def test_what_the_authors_host_is_known_for_is_said_of_it_alone(host: Host) -> None:
    (one,) = chosen("ms-illm", "3")
    assert "facebookresearch/NeuralCompression#245" in one.trouble
    refused = failing(host, "403")
    with pytest.raises(Unobtainable) as caught:
        got(replace(one, bytes_=SIZE), url=refused)
    assert one.trouble not in str(caught.value)


def test_a_cut_download_goes_on_as_long_as_bytes_come(host: Host, home: Path) -> None:
    host.most = len(host.files[FILE]) // 3 + 1
    got(at(f"{host.base}/{FILE}"))
    assert host.ranges == ["", f"bytes={host.most}-", f"bytes={2 * host.most}-"]
    assert file_of(home) == sha256(host.files[FILE])


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_bytes_of_another_file_are_never_joined(
    knows_ranges: bool, host: Host, checkpoints: tuple[bytes, bytes], home: Path
) -> None:
    """The file behind one address changes; both are of one length."""
    one = at(f"{host.base}/{FILE}")
    host.break_after = CUT
    with pytest.raises(Unobtainable):
        got(one)
    host.break_after, host.files[FILE], host.knows_ranges = 0, checkpoints[1], knows_ranges
    got(one)
    assert file_of(home) == sha256(checkpoints[1])


def test_a_part_of_one_address_is_not_gone_on_with_at_another(
    host: Host, other: Host, checkpoints: tuple[bytes, bytes], home: Path
) -> None:
    host.break_after, other.files[FILE] = CUT, checkpoints[1]
    got(at(f"{host.base}/{FILE}", f"{other.base}/{FILE}"))
    assert other.ranges == [""]
    assert file_of(home) == sha256(checkpoints[1])


def test_a_host_that_does_not_name_its_files_is_asked_for_all(host: Host, home: Path) -> None:
    """Nobody could say whether the rest is of the same file."""
    host.has_tags, host.break_after = False, CUT
    with pytest.raises(Unobtainable):
        got(at(f"{host.base}/{FILE}"))
    host.break_after = 0
    got(at(f"{host.base}/{FILE}"))
    assert set(host.ranges) == {""}
    assert file_of(home) == sha256(host.files[FILE])


def test_a_whole_part_needs_no_bytes_more(
    host: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process leaves it that is killed just before the file gets its name."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download.Part, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            got(at(f"{host.base}/{FILE}"))
    got(at(f"{host.base}/{FILE}"))
    assert host.ranges == [""]


def test_a_wrong_hash_is_a_reason_to_ask_the_next(
    host: Host, other: Host, checkpoints: tuple[bytes, bytes], home: Path
) -> None:
    host.files[FILE] = checkpoints[1]
    right = sha256(checkpoints[0])
    urls = [f"{one.base}/{FILE}" for one in (host, other)]
    with pytest.raises(Unobtainable, match=rf"{sha256(checkpoints[1])}, expected {right}"):
        got(at(urls[0], sha256=right))
    got(at(*urls, sha256=right))
    assert file_of(home) == right


def test_a_given_hash_wins_over_the_published_one(host: Host, home: Path) -> None:
    one = at(f"{host.base}/{FILE}", sha256="ab" * 32)
    got(one, sha256=sha256(host.files[FILE]).upper())
    assert file_of(home) == sha256(host.files[FILE])


def test_a_file_larger_than_the_disk_is_not_begun(
    host: Host, other: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its host says how large it is; our table may be wrong. The least that one says counts."""
    leave_room(monkeypatch, 2 * len(host.files[FILE]) - 1)
    other.claims = 3 * SIZE
    one = at(f"{other.base}/{FILE}", f"{host.base}/{FILE}", f"{other.base}/again/{FILE}")
    with pytest.raises(NoRoom, match="needed for the file and its conversion") as caught:
        got(one)
    assert caught.value.needed == 2 * len(host.files[FILE])
    assert (len(host.ranges), len(other.ranges)) == (1, 2)
    assert not list((home / "downloads").glob(f"{FILE}*"))


@pytest.mark.parametrize("claims", [3 * SIZE, 10**13])
def test_a_wrong_length_is_a_reason_to_ask_the_next(
    claims: int, host: Host, other: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that no disk here could take, whatever room there is, and one that is just too much."""
    leave_room(monkeypatch, 2 * len(host.files[FILE]) if claims < 10**12 else 10**15)
    host.claims = claims
    got(at(f"{host.base}/{FILE}", f"{other.base}/{FILE}"))
    assert (len(host.ranges), len(other.ranges)) == (1, 1)
    assert file_of(home) == sha256(other.files[FILE])


def test_what_is_here_of_a_file_needs_no_room_again(
    host: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = at(f"{host.base}/{FILE}")
    host.break_after = CUT
    with pytest.raises(Unobtainable):
        got(one)
    host.break_after = 0
    leave_room(monkeypatch, 2 * len(host.files[FILE]) - CUT)
    got(one)
    assert host.ranges[-1] == f"bytes={CUT}-"


def test_a_host_that_drips_is_left_for_the_next(
    host: Host, other: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.drips = True
    monkeypatch.setattr(connection, "_clock", count(step=1.0).__next__)
    got(at(f"{host.base}/{FILE}", f"{other.base}/{FILE}"))
    assert (len(host.ranges), len(other.ranges)) == (1, 1)
    assert file_of(home) == sha256(other.files[FILE])


def test_a_set_that_was_made_of_another_file_is_not_the_one_that_is_asked_for(
    host: Host, home: Path, checkpoints: tuple[bytes, bytes]
) -> None:
    right, wrong = map(sha256, checkpoints)
    one = at(f"{host.base}/{FILE}")
    got(one)
    with pytest.raises(ModeError, match=f"with the SHA-256 {right}, not {wrong}; delete that"):
        got(one, sha256=wrong)
    host.files[FILE] = checkpoints[1]
    assert got(one, sha256=right.upper()).facts["sha256"] == right
    assert len(host.ranges) == 1


def test_a_key_in_an_address_is_told_nowhere(host: Host, home: Path) -> None:
    said: list[str] = []
    with pytest.raises(Unobtainable) as caught:
        got(at(), said, url=f"{host.base}/none.ckpt?key=secret")
    got(at(), said, url=f"{host.base}/{FILE}?key=secret")
    card = (home / "ms-illm-3" / "card.md").read_text()
    assert f"{host.base}/{FILE}?…" in card
    facts = (home / "ms-illm-3" / "card.json").read_text()
    assert "secret" not in f"{caught.value} {caught.value.brief} {said} {card} {facts}"


@pytest.mark.skipif(sys.platform != "linux", reason="there is a full disk at hand on Linux alone")
def test_a_disk_that_fills_up_on_the_way_is_a_sentence(host: Host, home: Path) -> None:
    url = f"{host.base}/{FILE}"
    (home / "downloads").mkdir(parents=True)
    part = download.Part(home / "downloads" / FILE, url)
    part.path.symlink_to("/dev/full")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download.Part, "remove", lambda _: None)
        with pytest.raises(ModeError, match=r"written to \(No space left on device\); free some"):
            got(at(url))


def test_copies_of_the_operator_come_first(
    host: Host, other: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, f"{host.base}/copies/")
    got(at(f"{other.base}/{FILE}"))
    assert (host.paths, other.paths) == ([f"/copies/{FILE}"], [])


def test_one_named_address_is_the_only_one(
    host: Host, other: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, other.base)
    with pytest.raises(Unobtainable):
        got(at(f"{other.base}/{FILE}"), url=f"{host.base}/nothing.ckpt")
    assert other.paths == []


@pytest.mark.parametrize("named", ["/srv/copies", "file:///srv/copies", "mirror.example"])
def test_what_is_no_address_is_refused(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR, named)
    with pytest.raises(ModeError, match=r"MODE_WEIGHTS_MIRROR is .* must begin with https://"):
        got(at())


HUB = "hf://someone/copies/illm"


@pytest.fixture
def hub(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host as the Hugging Face hub, which a token opens."""
    template = f"{host.base}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", host.base)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    for file in ("HF_TOKEN_PATH", "AGENT_HARNESSES_PATH"):
        monkeypatch.setattr(huggingface_hub.constants, file, str(tmp_path / file))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return host


def test_a_file_of_the_hub_is_fetched_at_its_commit(
    hub: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, HUB)
    got(at())
    # the client asks for other things of its own
    assert [path for path in hub.paths if "resolve" in path] == [
        f"/someone/copies/resolve/main/illm/{FILE}",
        f"/someone/copies/resolve/c0ffee/illm/{FILE}",
    ]
    assert file_of(home) == sha256(hub.files[FILE])


def test_a_token_is_for_the_hub_alone(hub: Host, other: Host, home: Path) -> None:
    """It redirects to other hosts, which have the bytes."""
    hub.elsewhere = other.base
    got(at(), url=f"{HUB}/{FILE}")
    assert (hub.tokens, other.tokens) == (["Bearer hf_secret"], [None])
    got(replace(at(f"{other.base}/{FILE}"), name="again", file="again.ckpt"))
    assert other.tokens == [None, None]


def test_what_the_hub_says_of_a_file_is_checked(
    hub: Host, checkpoints: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = map(sha256, checkpoints)
    with pytest.raises(Unobtainable, match=f"it has the SHA-256 {right}, expected {wrong}"):
        got(at(), url=f"{HUB}/{FILE}", sha256=wrong)
    assert hub.ranges == []
    fetch = download.download

    def changed(address: download.Address, *how: object) -> None:
        hub.files[FILE] = checkpoints[1]
        fetch(address, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(obtaining, "download", changed)
    with pytest.raises(Unobtainable, match=f"has the SHA-256 {wrong}, the hub says {right}"):
        got(at(), url=f"{HUB}/{FILE}")


def test_a_hub_that_says_a_byte_now_and_then_is_left(
    hub: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.head_drips = True
    monkeypatch.setattr(hub_module, "ANSWERS_S", 0.3)
    with pytest.raises(Unobtainable, match=r"has not said in 0\.3 seconds what the file is"):
        got(at(), url=f"{HUB}/{FILE}")
    hub.head_drips = False
    monkeypatch.setattr(hub_module, "ANSWERS_S", 60.0)
    got(at(), url=f"{HUB}/{FILE}")


def test_a_token_that_is_none_is_refused_and_not_repeated(
    hub: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_se\x01cret")
    with pytest.raises(Unobtainable, match="the token in HF_TOKEN") as caught:
        got(at(), url=f"{HUB}/{FILE}")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["http://me:secret@127.0.0.1:9", "http://me:127@secret:port"])
def test_the_hub_s_proxy_is_named_by_its_variable_alone(
    proxy: str, hub: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://hub.example")
    template = "http://hub.example/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("http_proxy", proxy)
    huggingface_hub.close_session()
    with pytest.raises(Unobtainable, match="by way of the proxy in http_proxy") as caught:
        got(at(), url=f"{HUB}/{FILE}")
    huggingface_hub.close_session()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"{HUB}/none.ckpt", "it answers 404"),
        ("hf://someone", "not of the form hf://"),
        ("hf://some..one/--x/file", "Repo id"),
    ],
)
def test_what_the_hub_has_not_is_a_reason(url: str, words: str, hub: Host) -> None:
    with pytest.raises(Unobtainable, match=words) as caught:
        got(at(), url=url)
    assert "\n" not in str(caught.value)


def test_two_threads_fetch_a_set_once(host: Host, home: Path) -> None:
    one = at(f"{host.base}/{FILE}")
    host.gate.clear()
    made: list[WeightsSet] = []

    def fetch(lines: list[str]) -> None:
        made.append(got(one, lines))

    waits = threading.Event()

    class Lines(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            waits.set()

    said = [Lines(), Lines()]
    threads = [threading.Thread(target=fetch, args=(lines,)) for lines in said]
    for thread in threads:
        thread.start()
        assert waits.wait(60)
        waits.clear()
    host.gate.set()
    for thread in threads:
        thread.join()
    assert "is being fetched by somebody else here" in said[1][0]
    assert host.ranges == [""]
    assert made[0] == made[1]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_two_processes_fetch_a_set_once(host: Host, home: Path) -> None:
    host.gate.clear()
    fetches = threading.Thread(target=got, args=[at(f"{host.base}/{FILE}")])
    fetches.start()
    while not host.ranges:
        assert fetches.is_alive()
    child = _fetching(host, ["--quality", "3"])
    assert child.stdout is not None
    _licence, waits = child.stdout.readline(), child.stdout.readline()
    assert "is being fetched by somebody else here" in waits
    host.gate.set()
    fetches.join()
    (made,) = child.communicate()[0].splitlines()
    assert "--profile public" in made
    assert (child.returncode, host.ranges) == (0, [""])


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_what_a_killed_process_has_begun_another_ends(host: Host, home: Path) -> None:
    child = _fetching(host, ["--quality", "3"])
    host.most = 2000
    host.gate.clear()
    assert child.stdout is not None
    while not list((home / "downloads").glob("*.part")):
        assert child.poll() is None
    child.kill()
    child.communicate()
    host.gate.set()
    host.most = 0
    got(at(f"{host.base}/{FILE}"))
    assert [path.name for path in (home / "downloads").iterdir()] == [f"{FILE}.sha256"]
    assert file_of(home) == sha256(host.files[FILE])


def _fetching(host: Host, words: Sequence[str]) -> subprocess.Popen[str]:
    command = [PYTHON, "-m", "mode_core", "weights", "get", "ms-illm", "--accept-licence", *words]
    command += ["--url", f"{host.base}/{FILE}"]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def test_every_codec_with_public_weights_has_terms_to_accept() -> None:
    assert {one.codec for one in PUBLISHED} == set(catalogue.LICENCES)
    assert catalogue.LICENCES["elic"].startswith("no licence stated")


@pytest.mark.parametrize(
    "address",
    [
        "https://user:secret@host/dir",
        "https://host/a b",
        "https://",
        "http://[x",
        "https://h:port/",
        "https://host/ü",
        "ftp://user:secret@host/dir",
    ],
)
def test_a_mirror_that_is_no_plain_address_is_refused_and_not_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE_WEIGHTS_MIRROR", address)
    with pytest.raises(ModeError, match=r"MODE_WEIGHTS_MIRROR is (no address|'ftp)") as refused:
        mirror()
    assert address not in str(refused.value)
    assert "secret" not in str(refused.value)
