"""Public data sets: read where they lie, else fetched from hosts that may do anything."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest

from mode_core.checkpoints import download
from mode_core.errors import ModeError
from mode_core.evaluation.datasets import table
from mode_core.evaluation.datasets.fetch import obtain_dataset
from mode_core.evaluation.datasets.here import doubts, found_here
from mode_core.evaluation.datasets.table import DATASETS, Copy, Dataset, RemoteFile, find_dataset
from mode_core.pictures.files import png_bytes
from tests.conftest import Shell, make_photo
from tests.made_up.host import Host, hosting

PNGS = {f"p{at}.png": png_bytes(make_photo(40, 50 + at, seed=at)) for at in range(3)}
SIZE = 12_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of data sets, which does not exist yet."""
    monkeypatch.setenv("MODE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as made:
        made.files.update(PNGS)
        yield made


@pytest.fixture
def other() -> Iterator[Host]:
    with hosting() as made:
        made.files.update(PNGS)
        yield made


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def loose(*bases: str) -> Dataset:
    """A set of single files with known hashes, as Kodak is."""
    files = tuple(
        RemoteFile(name, tuple(Copy(f"{base}/{name}", sha256(data)) for base in bases), len(data))
        for name, data in PNGS.items()
    )
    return Dataset("kodak", "for any use", "https://example.org/kodak", files)


def zipped(members: dict[str, bytes], how: int = ZIP_STORED) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", how) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file.getvalue()


USUAL = {
    **{f"TEST/RGB/{name}": data for name, data in PNGS.items()},
    "TEST/README.TXT": b"CC",
    "TEST/GRAY/p0.png": b"not ours",
    "__MACOSX/RGB/._p0.png": b"nor this",
}
ZIP = zipped(USUAL)


def archive(*copies: Copy) -> Dataset:
    """A set in one zip, as the others are."""
    file = RemoteFile("set.zip", copies, SIZE, 3, r"(?:[^/]+/)*RGB/[^/]+\.png")
    return Dataset("tecnick", "not for sale", "https://example.org/tecnick", (file,))


def got(one: Dataset, said: list[str] | None = None) -> Path:
    return obtain_dataset(one, (said if said is not None else []).append, lambda *_: None)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left(home: Path) -> list[str]:
    """What lies among the downloads."""
    return sorted(path.name for path in (home / "downloads").iterdir())


def test_the_table_is_whole() -> None:
    assert {one.id: one.pictures for one in DATASETS.values()} == {
        "kodak": 24, "clic2020-test": 428, "clic-pro-valid": 41, "tecnick": 100,
    }  # fmt: skip
    hashes = set()
    for one in DATASETS.values():
        assert one.licence
        for file in one.files:
            assert len(file.copies) > 1
            assert (file.pictures > 1) == bool(file.inside) == file.name.endswith(".zip")
            for copy in file.copies:
                assert copy.url.startswith("https://")
                assert re.fullmatch("[0-9a-f]{64}|", copy.sha256)
            hashes.add(file.copies[0].sha256)
    assert len(hashes) == 24 + 2 + 1 + 1
    assert DATASETS["kodak"].files[22].name == "kodim23.png"
    (tecnick,) = DATASETS["tecnick"].files
    for path, ours in {
        "TESTIMAGES/RGB/RGB_OR_1200x1200/RGB_OR_1200x1200_001.png": True,
        "TESTIMAGES/GRAY/GRAY_OR_1200x1200/GRAY_OR_1200x1200_001.png": False,
        "TESTIMAGES/RGB/RGB_R02_0600x0600/RGB_R02_0600x0600_001.png": False,
    }.items():
        assert bool(re.fullmatch(tecnick.inside, path)) is ours


def test_a_set_that_lies_here_is_read_and_nothing_fetched(host: Host, home: Path) -> None:
    one = loose(host.base)
    assert found_here(one) is None
    (home / "Kodak").mkdir(parents=True)
    for name, data in PNGS.items():
        (home / "Kodak" / name).write_bytes(data)
    assert got(one) == home / "Kodak"
    assert host.paths == []
    assert doubts(one, home / "Kodak") == ""
    (home / "Kodak" / "p1.png").write_bytes(png_bytes(make_photo(40, 51, seed=9)))
    assert "1 of 3 files are not those that are published (p1.png)" in doubts(one, home / "Kodak")
    (home / "Kodak" / "p1.png").unlink()
    with pytest.raises(ModeError, match="Kodak holds 2 pictures, and kodak has 3; complete it"):
        found_here(one)


def test_single_files_are_fetched_and_a_host_that_fails_is_asked_once(
    host: Host, other: Host, home: Path
) -> None:
    del host.files["p0.png"]
    said: list[str] = []
    folder = got(loose(host.base, other.base), said)
    assert folder == home / "kodak"
    assert contents(folder) == PNGS
    assert len(host.paths) == 1
    assert len(other.paths) == 3
    assert said == ["fetching kodak (3 pictures, 0 MB) from 127.0.0.1"]
    assert left(home) == []
    assert got(loose(host.base)) == folder
    assert len(host.paths) == 1


def test_of_a_zip_only_its_pictures_come_out(host: Host, home: Path) -> None:
    host.files["set.zip"] = ZIP
    folder = got(archive(Copy(f"{host.base}/set.zip", sha256(ZIP))))
    assert contents(folder) == PNGS
    assert sorted(path.name for path in home.iterdir()) == ["downloads", "tecnick"]
    assert left(home) == []


@pytest.mark.parametrize(
    "place", ["../../RGB", "TEST/../../../RGB", "C:\\RGB/RGB", "/RGB", "RGB/.."]
)
def test_no_path_of_a_zip_is_followed(place: str, host: Host, home: Path) -> None:
    names = list(PNGS)
    members = {f"TEST/RGB/{name}": PNGS[name] for name in names[:2]}
    host.files["set.zip"] = zipped({**members, f"{place}/{names[2]}": PNGS[names[2]]})
    one = archive(Copy(f"{host.base}/set.zip"))
    if place in ("/RGB", "RGB/.."):  # not where pictures lie
        with pytest.raises(ModeError, match="has 2 pictures where 3 belong"):
            got(one)
    else:
        assert contents(got(one)) == PNGS
    outside = [path for path in home.parent.rglob("*.png") if path.parent != home / "tecnick"]
    assert outside == []


def fault(host: Host, how: str) -> None:
    """A host that gives no data set, in one of the ways there are."""
    host.files["set.zip"] = {
        "page": b"<!DOCTYPE html><title>Choose a mirror</title>",
        "damaged": ZIP[:-30],
        "no zip": b"x" * SIZE,
        "twins": zipped({**USUAL, "A/RGB/P0.png": b"", "TEST/RGB/p1.png": b""}),
        "few": zipped(dict(list(USUAL.items())[1:])),
        "lzma": zipped(USUAL, ZIP_LZMA),
        "a byte": ZIP.replace(PNGS["p1.png"][60:90], bytes(30)),
    }.get(how, ZIP)
    if how.isdigit():
        host.statuses["/set.zip"] = int(how)
    if how == "cut":
        host.break_after = 100
    if how == "claims":
        host.claims = 10 * SIZE


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("404", "it answers 404 Not Found"),
        ("403", "it answers 403 Forbidden"),
        ("page", "it gives a web page instead of the file"),
        ("damaged", "its zip, now deleted, is damaged or none"),
        ("no zip", "its zip, now deleted, is damaged or none"),
        ("a byte", "its zip, now deleted, is damaged or none"),
        ("few", "its zip, now deleted, has 2 pictures where 3 belong"),
        ("twins", "pictures where 3 belong"),
        ("lzma", "is packed in a way that no known copy is"),
        ("cut", "the connection broke after 100 bytes"),
        ("claims", "it gives more than"),
    ],
)
def test_where_an_address_fails_one_sentence_says_why_or_the_next_gives_it(
    how: str, words: str, host: Host, other: Host, home: Path
) -> None:
    fault(host, how)
    other.files["set.zip"] = ZIP
    first, second = Copy(f"{host.base}/set.zip"), Copy(f"{other.base}/set.zip")
    with pytest.raises(ModeError) as caught:
        got(archive(first))
    said = str(caught.value)
    assert f"{first.url}: " in said
    assert words in said
    assert "fetch it in a browser (https://example.org/tecnick) and put it into" in said
    assert f"put the 3 pictures into {home / 'tecnick'}" in said
    assert "\n" not in said
    assert not (home / "tecnick").exists()
    assert contents(got(archive(first, second))) == PNGS
    assert left(home) == []


def test_a_zip_that_was_put_here_by_hand_is_taken(host: Host, home: Path) -> None:
    (home / "downloads").mkdir(parents=True)
    (home / "downloads" / "set.zip").write_bytes(ZIP)
    assert contents(got(archive(Copy(f"{host.base}/set.zip", sha256(ZIP))))) == PNGS
    assert host.paths == []


def test_a_zip_that_unpacks_to_far_more_is_refused(host: Host) -> None:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as packed:
        for name in PNGS:
            packed.writestr(f"RGB/{name}", bytes(1_000_000))
    host.files["set.zip"] = file.getvalue()
    with pytest.raises(ModeError, match="unpacks to far more than pictures do"):
        got(archive(Copy(f"{host.base}/set.zip")))


def test_a_wrong_hash_is_told_and_the_file_not_kept(host: Host, home: Path) -> None:
    host.files["p1.png"] = PNGS["p0.png"]
    with pytest.raises(ModeError, match=f"has the SHA-256 {sha256(PNGS['p0.png'])}, published"):
        got(loose(host.base))
    assert left(home) == ["p0.png"]
    host.files["p1.png"] = PNGS["p1.png"]
    assert contents(got(loose(host.base))) == PNGS
    assert host.paths.count("/p0.png") == 1


def test_each_address_has_its_own_hash(host: Host, other: Host) -> None:
    again = zipped(dict(reversed(USUAL.items())))
    host.files["set.zip"], other.files["set.zip"] = b"gone", again
    copies = Copy(f"{host.base}/set.zip", sha256(ZIP)), Copy(f"{other.base}/set.zip", sha256(again))
    assert contents(got(archive(*copies))) == PNGS


def test_a_cut_download_goes_on_where_it_was(host: Host) -> None:
    host.files["set.zip"], host.break_after = ZIP, len(ZIP) // 2
    one = archive(Copy(f"{host.base}/set.zip", sha256(ZIP)))
    with pytest.raises(ModeError, match="run it again to continue"):
        got(one)
    host.break_after = 0
    host.ranges.clear()
    assert contents(got(one)) == PNGS
    assert host.ranges == [f"bytes={len(ZIP) // 2}-"]


def test_a_full_disk_and_a_folder_that_may_not_be_written_are_sentences(
    host: Host, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.files["set.zip"] = ZIP
    one = archive(Copy(f"{host.base}/set.zip"))
    with monkeypatch.context() as patch:
        disk = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=1000))
        patch.setattr(download, "shutil", disk)
        with pytest.raises(ModeError, match=r"and what is unpacked from it; .* set MODE_DATA to"):
            got(one)
    monkeypatch.setenv("MODE_DATA", "/proc/data")
    with pytest.raises(ModeError, match=r"cannot be written to .*let MODE_DATA name another"):
        got(one)


@pytest.fixture
def known(host: Host, monkeypatch: pytest.MonkeyPatch, only_mode: None, tmp_path: Path) -> Host:
    """The command knows one set, at this host."""
    monkeypatch.setattr(table, "DATASETS", {"kodak": loose(host.base)})
    monkeypatch.chdir(tmp_path)
    return host


BENCH = "bench --dataset kodak --codecs jpeg --bpp 1"


def test_bench_shows_the_licence_first_then_fetches_and_measures(
    known: Host, shell: Shell, home: Path
) -> None:
    assert "add --accept-licence" in shell.refuses(f"{BENCH} --out r")
    assert shell.out == "kodak: for any use (https://example.org/kodak)\n"
    assert known.paths == []
    shell.does(f"{BENCH} --out r --accept-licence")
    assert shell.out.startswith("kodak: for any use")
    with Path("r/jpeg.csv").open() as file:
        assert [row["image"] for row in csv.DictReader(file)] == list(PNGS)
    command = json.loads(Path("r/jpeg.json").read_text())["command"]
    assert command.startswith("python -m mode_core bench --dataset kodak --out results/r")
    known.paths.clear()
    (home / "kodak" / "p2.png").write_bytes(PNGS["p1.png"])
    assert "for any use" not in shell.does(f"{BENCH} --out s")
    assert "1 of 3 files are not those that are published (p2.png)" in shell.err
    assert known.paths == []


def test_a_data_set_is_the_original_of_what_others_decoded(known: Host, shell: Shell) -> None:
    theirs = Path("theirs/vvc/q1")
    theirs.mkdir(parents=True)
    for name, data in PNGS.items():
        (theirs / name).write_bytes(data)
    Path("theirs/sizes.csv").write_text(
        "codec,rate,image,bytes\n" + "".join(f"vvc,q1,{name},500\n" for name in PNGS)
    )
    shell.does("bench --dataset kodak --accept-licence --reconstructions theirs --out r")
    with Path("r/vvc-theirs.csv").open() as file:
        assert {row["dataset"] for row in csv.DictReader(file)} == {"kodak"}
    command = json.loads(Path("r/vvc-theirs.json").read_text())["command"]
    assert command.startswith("python -m mode_core bench --dataset kodak --reconstructions theirs")
    assert command.count("--dataset") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("bench --dataset kodac --out r", "there is no data set 'kodac'; choose one of kodak"),
        ("bench --out r", "give a folder of photos, or --dataset with one of kodak, clic2020-test"),
        ("bench --dataset kodak", "--out is required"),
        ("bench . --dataset kodak --out r", "--dataset with a folder of photos, go with --recon"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    known: Host, shell: Shell, words: str, sentence: str
) -> None:
    assert sentence in shell.refuses(f"{words} --codecs jpeg")
    assert shell.err.count("\n") == 1


def test_the_list_says_what_could_not_be_checked(shell: Shell, home: Path) -> None:
    out = shell.does("bench --list")
    for one in DATASETS.values():
        assert re.search(rf"^{one.id} +{one.pictures} ", out, re.M)
        assert one.licence in out
        assert f"{one.id}: {one.files[0].copies[0].url}" in out
    assert "None of these addresses was tried" in out
    (home / "kodak").mkdir(parents=True)
    assert re.search("^kodak .* in part ", shell.does("bench --list"), re.M)
    with pytest.raises(ModeError, match="no data set"):
        find_dataset("imagenet")
