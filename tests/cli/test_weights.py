"""`weights`: what is listed, fetching with all that goes wrong on the way, importing, packing."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image as Pillow
from safetensors import SafetensorError

from mode_core.checkpoints import convert, download, obtain
from mode_core.cli.main import main
from mode_core.codecs import catalogue
from mode_core.codecs.catalogue import BY_HAND, PUBLISHED
from mode_core.codecs.identity import family
from mode_core.codecs.registry import load_codec
from mode_core.errors import ModeError
from mode_core.evaluation import cards, pack
from mode_core.pictures.files import write_png
from mode_core.weights import sets as weights
from mode_core.weights import tensors
from tests.conftest import ROOT, Shell, make_photo
from tests.made_up import illm_nets
from tests.made_up.host import Host, hosting
from tests.made_up.public_nets import save

pytestmark = pytest.mark.usefixtures("home")
FILE = "msillm_target_0.14bpp.ckpt"
GET = "weights get ms-illm --quality 3 --accept-licence"
IMPORT = "weights import ms-illm"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small MS-ILLM in its authors' names."""
    file = save(illm_nets.published(illm_nets.small()), tmp_path_factory.mktemp("net") / FILE)
    return file.read_bytes()


def publish_at(monkeypatch: pytest.MonkeyPatch, port: int, **changes: int) -> None:
    """All published files are at a port of this machine."""
    here = [
        replace(one, urls=(f"http://127.0.0.1:{port}/{one.file}",), sha256="", **changes)
        for one in PUBLISHED
    ]
    monkeypatch.setattr(catalogue, "PUBLISHED", tuple(here))


@pytest.fixture
def server(checkpoint: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A web server on this machine that the program takes for the authors'."""
    with hosting() as made:
        made.files[FILE] = checkpoint
        publish_at(monkeypatch, made.server_port, bytes_=len(checkpoint))
        yield made


@pytest.fixture
def file(checkpoint: bytes, tmp_path: Path) -> Path:
    """The same, fetched by hand."""
    (tmp_path / FILE).write_bytes(checkpoint)
    return tmp_path / FILE


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_png(tmp_path / "photo.png", make_photo(70, 90))
    return tmp_path / "photo.png"


@pytest.fixture
def downloads(home: Path) -> Path:
    """Where downloads are kept, made beforehand."""
    (home / "downloads").mkdir(parents=True)
    return home / "downloads"


def test_the_list_names_every_checkpoint(shell: Shell) -> None:
    out = shell.does("weights list")
    for one in PUBLISHED:
        assert one.urls[0] in out
    for other in BY_HAND:
        assert other.where in out
    assert out.count("CC-BY-NC 4.0") >= 14
    assert out.count("no licence stated") >= 6


def test_what_is_published_is_what_the_authors_name() -> None:
    urls = [url for one in PUBLISHED for url in one.urls]
    base = "https://dl.fbaipublicfiles.com/NeuralCompression/2023-muckley-msillm/"
    assert len(urls) == len(set(urls)) == 14 + 6 + 6
    assert len({one.file for one in PUBLISHED}) == len({one.name for one in PUBLISHED}) == 22
    assert f"{base}msillm_target_0.14bpp.ckpt" in urls
    assert f"{base}msillm_target_0.00218bpp.ckpt" in urls
    assert f"{base}noganms_target_0.9bpp.ckpt" in urls
    assert all(url.startswith("https://") for url in urls)
    assert all(0 <= one.bpp < 1 and one.bytes_ > 100e6 for one in PUBLISHED)
    assert all(one.licence in catalogue.LICENCES[one.codec] for one in PUBLISHED)


def test_getting_downloads_converts_and_lists(server: Host, home: Path, shell: Shell) -> None:
    out = shell.does(GET)
    assert "non-commercial" in out
    assert "--profile public" in out
    card = (home / "ms-illm-3" / "card.md").read_text()
    assert "CC-BY-NC" in card
    assert hashlib.sha256(server.files[FILE]).hexdigest() in card
    assert not list((home / "downloads").glob("*.ckpt"))
    assert "ms-illm-3" in shell.does("weights list")
    assert "here already" in shell.does(GET)
    assert len(server.ranges) == 1


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_continues_or_starts_over(
    knows_ranges: bool, server: Host, downloads: Path, shell: Shell
) -> None:
    server.break_after = 3000
    assert "run it again" in shell.refuses(GET)
    (part,) = downloads.glob("*.part")
    assert part.stat().st_size == 3000
    assert server.ranges == ["", "bytes=3000-"]
    server.break_after, server.knows_ranges = 0, knows_ranges
    shell.does(GET, "--keep")
    assert server.ranges[2:] == ["bytes=3000-"]
    assert (downloads / FILE).read_bytes() == server.files[FILE]


def test_a_wrong_hash_deletes_and_says_so(server: Host, home: Path, shell: Shell) -> None:
    message = shell.refuses(GET, "--sha256", "00" * 32)
    assert "0000" in message
    assert hashlib.sha256(server.files[FILE]).hexdigest() in message
    assert "deleted" in message
    assert list((home / "downloads").iterdir()) == []
    assert not (home / "ms-illm-3").exists()


def test_a_download_that_is_no_checkpoint_is_fetched_anew(
    server: Host, home: Path, shell: Shell
) -> None:
    """What a provider's error page was must not decide what is right from then on."""
    right, server.files[FILE] = server.files[FILE], b"503: come back later"
    message = shell.refuses(GET)
    assert "it is a text" in message
    assert "deleted" in message
    assert message.count("\n") == 1
    assert list((home / "downloads").iterdir()) == []
    server.files[FILE] = right
    shell.does(GET)
    (note,) = (home / "downloads").iterdir()
    assert note.read_text() == f"{hashlib.sha256(right).hexdigest()}  {FILE}\n"


def test_a_full_disk_keeps_the_download(
    server: Host, home: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ModeError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(convert, "_refuse_full_disk", full)
        assert "no room" in shell.refuses(GET)
    assert [path.name for path in (home / "downloads").iterdir()] == [FILE]
    shell.does(GET)
    assert len(server.ranges) == 1


def test_a_mismatch_names_the_note(server: Host, downloads: Path, shell: Shell) -> None:
    note = downloads / f"{FILE}.sha256"
    note.write_text("0" * 64 + f"  {FILE}\n")
    assert f"(noted in {note}; delete that" in shell.refuses(GET)
    note.unlink()
    shell.does(GET)


def test_a_hash_is_compared_with_what_is_here(server: Host, home: Path, shell: Shell) -> None:
    right = hashlib.sha256(server.files[FILE]).hexdigest()
    shell.does(GET)
    told = shell.refuses(GET, "--sha256", "00" * 32)
    assert f"{home / 'ms-illm-3'} was made from a file with the SHA-256 {right}, not 0000" in told
    assert "delete that folder and run it again" in told
    assert "is here already" in shell.does(GET, "--sha256", right.upper())
    assert len(server.ranges) == 1


def test_whoever_stops_it_is_told_that_it_can_go_on(
    server: Host, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(obtain, "download", stopped)
    told = shell.refuses(GET, "--quality 2-3")
    assert told.endswith("error: stopped; what has come is kept, run it again to continue\n")
    assert told.count("stopped") == 1


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_is_a_sentence_and_keeps_the_download(
    error: Exception, server: Host, home: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> None:
        raise error

    monkeypatch.setattr(convert, "measured_rate", short)
    told = shell.refuses(GET)
    assert f"not enough memory to convert {home / 'downloads' / FILE}; close other" in told
    assert [path.name for path in (home / "downloads").iterdir()] == [FILE]


def test_a_disk_that_fills_up_in_the_conversion_keeps_the_download(
    server: Host, home: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library that writes the weights has an error of its own for that."""

    def full(*_: object) -> None:
        words = "Error while serializing: I/O error: No space left on device (os error 28)"
        raise SafetensorError(words)

    monkeypatch.setattr(tensors, "save_file", full)
    told = shell.refuses(GET)
    assert "00.safetensors cannot be written to (No space left on device); free some" in told
    assert sorted(path.name for path in home.iterdir()) == ["downloads"]
    assert [path.name for path in (home / "downloads").iterdir()] == [FILE]


def test_without_any_terminal_it_says_what_it_says(
    server: Host, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert "--accept-licence" in shell.refuses("weights get ms-illm --quality 3")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        assert main(shlex.split(GET)) == 0


def test_the_first_hash_is_remembered(server: Host, home: Path, shell: Shell) -> None:
    shell.does(GET, "--sha256", hashlib.sha256(server.files[FILE]).hexdigest().upper())
    server.files[FILE] += b"tampered"
    (home / "ms-illm-3").rename(home / "other")
    assert "is here already" in shell.does(GET)
    shutil.rmtree(home / "other")
    assert "deleted" in shell.refuses(GET)


def test_no_network_gives_the_url_and_the_manual_way(
    monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    publish_at(monkeypatch, 9)
    message = shell.refuses(GET)
    assert f"http://127.0.0.1:9/{FILE}" in message
    assert f"weights import ms-illm {FILE} --dialect msillm --name ms-illm-3" in message
    assert message.count("\n") == 1


def test_several_go_on_after_one_that_fails(server: Host, home: Path, shell: Shell) -> None:
    message = shell.refuses(GET, "--quality 2-3")
    assert "ms-illm-2: msillm_target_0.07bpp.ckpt could not be fetched" in message
    assert message.endswith("error: not here: ms-illm-2; the lines above say why\n")
    assert (home / "ms-illm-3").is_dir()


def test_a_missing_file_is_the_servers_word(server: Host, shell: Shell) -> None:
    assert "404" in shell.refuses(GET, "--quality 5")


def test_a_licence_must_be_accepted(
    server: Host, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--accept-licence" in shell.refuses("weights get ms-illm --quality 3")
    assert "CC-BY-NC 4.0" in shell.out
    assert server.ranges == []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    shell.refuses("weights get ms-illm --quality 3")
    shell.refuses("weights get all")
    assert "elic: no licence stated" in shell.out
    assert "vq: MIT, as its repository" in shell.out
    assert server.ranges == []


def test_a_full_disk_is_noticed_before_the_download(
    server: Host, home: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    assert "MODE_WEIGHTS" in shell.refuses(GET)
    assert "could not be fetched" not in shell.err
    assert not list((home / "downloads").glob(f"{FILE}*"))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("elic", "name a --quality of elic: 0004, 0008"),
        ("dlf", "OneDrive"),
        ("mode", "weights list"),
        ("ms-illm --quality 7", "vlo1"),
        ("ms-illm --quality 3-1", "a range such as vlo1-nogan-6"),
        (f"ms-illm --quality 1,2 --sha256 {'ab' * 32}", "--sha256 is of one file"),
        ("ms-illm --quality 1-2 --url https://a.example/b", "--url is of one file"),
        ("vq --quality 1024 --accept-licence --url ftp://a.example/b", "must begin with https://"),
        ("vq --quality 1024 --accept-licence --url file:///etc/passwd", "must begin with https://"),
        ("vq --quality 1024 --accept-licence --url http://me:pw@a.example/b", "without a password"),
        ("vq --quality 1024 --accept-licence --url ''", "'' is no address; give one, or"),
        ("ms-illm --sha256 xyz", "'xyz' is not a SHA-256; give its 64 hex digits"),
        (f"ms-illm --sha256 {'ab' * 31}xy", "64 hex digits"),
    ],
)
def test_what_cannot_be_fetched_says_why(words: str, hint: str, shell: Shell) -> None:
    assert hint in shell.refuses("weights get", words)


@pytest.mark.parametrize(
    ("file_name", "words", "profile"),
    [
        ("n.ckpt", "--dialect nogan", "public-nogan"),
        ("noganms_target_0.14bpp.ckpt", "", "public-nogan"),
        ("noganms_target_0.14bpp.ckpt", "--dialect msillm", "public"),
    ],
)
def test_no_gan_weights_are_a_family_of_their_own(
    file_name: str, words: str, profile: str, file: Path, shell: Shell
) -> None:
    shell.does(IMPORT, file.rename(file.with_name(file_name)), words)
    assert load_codec("ms-illm", profile).profile == profile


@pytest.mark.parametrize(
    ("file_name", "plain"),
    [
        ("checkpoint (1).ckpt", "checkpoint-1"),
        ("with space é.pth.tar", "with-space"),
        ("ELIC_0450.pth.tar", "ELIC_0450"),
        ("a.ckpt", "a"),
    ],
)
def test_any_download_can_be_imported_as_it_is_called(
    file_name: str, plain: str, file: Path, shell: Shell
) -> None:
    file = file.rename(file.with_name(file_name))
    said = shell.does(IMPORT, file)
    (found,) = [one for one in weights.all_weights() if one.is_public]
    assert found.folder.name == f"ms-illm-{plain}"
    assert " dB (no picture: is the file of this codec?) on the built-in picture" in said
    refusal = shell.refuses(IMPORT, file, "--name 'a b'")
    assert "--name 'a b' is no name for a folder" in refusal


def test_the_same_checkpoint_counts_once(file: Path, shell: Shell) -> None:
    for name in ("one", "two"):
        shell.does(IMPORT, file, "--name", name)
    assert len(family("ms-illm")) == 1
    assert f"{FILE} is here already" in shell.does(GET)
    (line,) = [line for line in shell.does("weights list").splitlines() if f"/{FILE} " in line]
    assert line.split()[-1] == "yes"


def test_a_damaged_set_says_how_to_mend_it(
    file: Path, photo: Path, tmp_path: Path, home: Path, shell: Shell
) -> None:
    shell.does(IMPORT, file, "--name ms-illm-3")
    shard = home / "ms-illm-3" / "00.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    words = "--codec ms-illm --profile public --bpp 0.14"
    message = shell.refuses("encode", photo, tmp_path / "a.mode", words)
    assert "is damaged; delete it and import the checkpoint again" in message
    listed = shell.does("weights list")
    assert f"{home / 'ms-illm-3'} is damaged; delete it and import" in listed
    assert f"{home / 'ms-illm-3'} is in the way" in shell.refuses(GET)


def test_terms_are_said_wherever_pictures_are_made(
    file: Path, photo: Path, tmp_path: Path, shell: Shell
) -> None:
    made = tmp_path / "a.mode"
    shell.does(IMPORT, file, "--name mine")
    public, terms = "--profile public --bpp 0.14", "weights mine: CC-BY-NC 4.0"
    assert terms in shell.does("encode", photo, made, "--codec ms-illm", public)
    assert terms in shell.does("decode", made, tmp_path / "a.png")
    compare = ("compare", photo, "--codecs ms-illm --out", tmp_path / "c", public)
    assert terms in shell.does(*compare)
    for picture in (tmp_path / "a.png", tmp_path / "c" / "ms-illm.png"):
        assert Pillow.open(picture).info == {"Comment": terms}
    (told,) = json.loads((tmp_path / "c" / "metrics.json").read_text())["pictures"]
    assert (told["label"], told["terms"]) == ("MS-ILLM public", terms)
    facts = json.loads(shell.does("info", made))
    assert (facts["weights_name"], facts["weights_licence"]) == ("mine", "CC-BY-NC 4.0")


@pytest.mark.parametrize(
    ("codec", "profile", "words"),
    [("elic", "publc", "choose one of"), ("mode", "public", "docs/public-weights.md")],
)
def test_a_profile_that_is_not_here_says_which_are(
    codec: str, profile: str, words: str, photo: Path, tmp_path: Path, shell: Shell
) -> None:
    wish = f"--codec {codec} --profile {profile} --bpp 0.2"
    assert words in shell.refuses("encode", photo, tmp_path / "a.mode", wish)


def test_a_missing_file_is_one_line(shell: Shell, tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none.pth", "no such file"),
        (tmp_path, "is a folder; name the file in it"),
    ):
        assert words in shell.refuses("weights import elic", path)


def test_packing_is_left_to_training(
    monkeypatch: pytest.MonkeyPatch, shell: Shell, tmp_path: Path
) -> None:
    monkeypatch.setattr(pack, "pack", lambda run, *_: print(f"packed {run.name}"))  # noqa: T201
    assert "packed a-run" in shell.does("weights pack", tmp_path / "a-run", "--photos", tmp_path)


def test_a_card_is_written_anew_and_keeps_what_a_person_wrote(
    monkeypatch: pytest.MonkeyPatch, shell: Shell, tmp_path: Path
) -> None:
    card = tmp_path / "vq-tiny.md"
    committed = (ROOT / "assets" / "cards" / card.name).read_text()
    failures = committed[committed.index("## Known failures") :]
    card.write_text(f"# old\n\n{failures}")
    monkeypatch.setattr(cards, "CARDS", tmp_path)
    assert card.name in shell.does("weights card vq")
    assert card.read_text() == committed
    shell.refuses("weights card nonsense")


def test_all_codecs_have_no_common_quality(shell: Shell) -> None:
    told = shell.refuses("weights get all --quality 3 --accept-licence")
    assert "name a codec to choose a quality" in told
