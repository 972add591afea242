"""The command line as people misuse it: one line and status 1, never more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mode_core.cli import files
from mode_core.cli import main as cli
from mode_core.cli.main import main
from mode_core.errors import BitstreamError
from tests.cli.folder import folder_with_photos  # noqa: F401
from tests.conftest import Shell

pytestmark = pytest.mark.usefixtures("folder_with_photos")

WRONG = {
    "": "required: COMMAND",
    "fly": "invalid choice: 'fly'",
    "encode": "required: photo, file",
    "encode photo.png a.mode --codec webp": "one of the arguments --bpp --quality is required",
    "encode photo.png a.mode --codec mpeg --bpp 1": "there is no codec 'mpeg'; choose one of mode",
    "encode photo.png a.mode --codec elic --bpp 1": "elic has no weights here",
    "encode photo.png a.mode --codec jpeg --bpp 0": "above 0, at most 24",
    "encode photo.png a.mode --codec jpeg --bpp nan": "'nan' is not a rate",
    "encode photo.png a.mode --codec jpeg --bpp lots": "'lots' is not a rate",
    "encode photo.png a.mode --codec jpeg --bpp 1_0": "'1_0' is not a rate",
    "encode photo.png a.mode --codec jpeg --bpp \u0661": "is not a rate",
    "encode photo.png a.mode --codec jpeg --quality best": "'best' is not a whole number from 0",
    "encode photo.png a.mode --codec jpeg --quality -1": "'-1' is not a whole number from 0 to 255",
    f"encode photo.png a.mode --codec jpeg --quality {10**24}": "is not a whole number from 0",
    f"encode photo.png a.mode --codec jpeg --quality {'9' * 5000}": "is not a whole number",
    "encode photo.png a.mode --codec jpeg --quality 1_0": "'1_0' is not a whole number",
    "encode photo.png a.mode --codec avif --quality 64": "avif has no quality 64; the nearest",
    "encode photo.png a.mode --codec jpeg --bpp 1 --profile public": "jpeg has no weights; leave",
    "encode photo.png '' --codec jpeg --bpp 1": "'' names no file and no folder",
    "encode '' a.mode --codec jpeg --bpp 1": "'' names no file and no folder",
    "encode photo.png /dev/full --codec jpeg --bpp 1": "/dev/full: No space left on device",
    "encode absent.png a.mode --codec jpeg --bpp 1": "absent.png",
    "encode photos a.mode --codec jpeg --bpp 1": "photos",
    "encode broken.png a.mode --codec jpeg --bpp 1": "broken.png",
    "encode afile a.mode --codec jpeg --bpp 1": "afile",
    "encode photo.png photos --codec jpeg --bpp 1": "photos: is a folder; name a file",
    "encode photo.png no/a.mode --codec jpeg --bpp 1": "no: there is no such folder",
    "encode photo.png afile/a.mode --codec jpeg --bpp 1": "afile: there is no such folder",
    "encode photo.png photo.png --codec jpeg --bpp 1": "the original, which is never overwritten",
    "encode photo.png photos/../photo.png --codec jpeg --bpp 1": "never overwritten",
    "decode absent.mode a.png": "absent.mode: No such file",
    "decode photos a.png": "photos: Is a directory",
    "decode photo.png a.png": "not a .mode file",
    "decode text.mode a.png": "cut off",
    "decode good.mode a.jpg": "choose a .png name",
    "decode good.mode photos": "choose a .png name",
    "decode good.mode a.png --anchor up": "anchor 'up' is unknown",
    "decode good.mode a.png --anchor 1.5": "anchor '1.5' is unknown",
    "decode good.mode a.png --anchor 0_0.5": "anchor '0_0.5' is unknown",
    "decode good.mode a.png --profile public": "jpeg has no weights; leave out --profile",
    "decode good.mode a.png --anchor perception": "one way only",
    "decode bad.mode a.png": "checksum",
    "info photo.png": "not a .mode file",
    "info afile": "not a .mode file",
    "compare photo.png --bpp 1 --out afile --codecs jpeg": "afile: is a file; name a folder",
    "compare photo.png --bpp 1 --out a --codecs elic,vq": "no codec could run",
    "compare photo.png --bpp 1 --out a --codecs elic,x264": "no codec 'x264'",
    "compare broken.png --bpp 1 --out a": "broken.png",
    "compare photo.png --bpp 1 --out '' --codecs jpeg": "'' names no file and no folder",
    "bench photos --out '' --codecs jpeg": "'' names no file and no folder",
    f"bench photos --out r --codecs jpeg --workers {10**22}": "is not a whole number from 1",
    "train elic --photos photos --out o --minutes nan": "'nan' is no length of time",
    "train elic --photos photos --out o --minutes 1 --resume runs/gone": "there is no runs/gone",
    "train elic --photos photos --out o --minutes inf": "'inf' is no length of time",
    "train elic --photos photos --out o --minutes 0": "'0' is no length of time",
    "train elic --photos photos --out o --minutes 1 --pause-after -1": "'-1' is no length of time",
    f"train elic --photos photos --out o --minutes 1 --seed {10**19}": "not a whole number from 0",
    f"train elic --photos photos --out o --minutes 1 --threads {10**11}": "from 1 to 1024",
    "bench absent --out r --codecs jpeg": "absent does not exist",
    "bench photos --out r --codecs jpeg,elic": "elic has no weights here",
    "bench photos --out afile --codecs jpeg": "afile: is a file; name a folder",
    "bench photos --out r --codecs jpeg --bpp 1,x": "'x' is not a rate",
    "bench photos --out r --codecs jpeg --workers 0": "'0' is not a whole number from 1",
    "bench photos --out r --codecs jpeg --gpus-per-task 0.5": "--gpus-per-task goes with --ray",
    "bench photos --out r --codecs jpeg --ray http://a": "'http://a' is no address of Ray; give",
    "bench photos --out r --codecs jpeg --ray ''": "'' is no address of Ray; give local",
    "bench photos --out r --codecs mode --anchors left": "anchor 'left' is unknown",
    "bench photos --out r --keep-pictures": "go with --reconstructions DIR",
    "bench photos --out r --reconstructions ''": "'' names no file and no folder",
    "bench photos --out r --reconstructions absent": "absent is not a folder; lay the pictures out",
    "bench photos --out r --reconstructions photos": "photos holds no pictures; lay the pictures",
    "bench photos --out r --reconstructions . --dataset ' '": "--dataset ' ' is no name",
    "bench photos --out r --reconstructions . --codecs jpeg": "the folder says which codecs and",
    "bdrate absent": "absent is not a folder of results",
    "bdrate photos": "photos holds no results",
    "bdrate results --metric ''": "there is no metric ''",
    "bdrate results --metric beauty": "there is no metric 'beauty'",
    "bdrate results --metric fid": "no metric 'fid' in the results files of results; choose",
    "bdrate results --metric lpips": "no metric 'lpips' in the results files of results",
    "bdrate results --metric psnr --anchor h266": "no curve 'h266' in these results; choose one",
    "bdrate results --metric psnr --anchor published:H.266": "nothing is published for 'H.266'",
    "bdrate wrong": "wrong is no folder of bench results: jpeg.csv has other columns; choose one",
    "bdrate .": ". holds no results (*.csv); choose one of cut, mixed, results",
    "bdrate cut": "jpeg.csv, line 2: 3 cells where 17 are expected; measure it anew with `bench --",
    "bdrate bare": "jpeg.csv is empty; measure it anew with `bench --replace`, or delete it",
    "bdrate mixed": "mixed/jpeg.csv: the columns are a,b; expected dataset,image",
}


@pytest.mark.parametrize("command", WRONG)
def test_a_mistake_is_one_line_and_status_1(command: str, shell: Shell) -> None:
    prepare_mistakes()
    before = Path("photo.png").read_bytes()
    lines = shell.refuses(command).splitlines()
    assert lines[-1].startswith("error: ")
    assert WRONG[command] in lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert Path("photo.png").read_bytes() == before
    assert not list(Path.cwd().rglob("*.part"))


def test_compare_never_writes_over_the_photo(shell: Shell) -> None:
    shutil.copy("photo.png", "photos/jpeg.png")
    before = Path("photos/jpeg.png").read_bytes()
    message = shell.refuses("compare photos/jpeg.png --bpp 1 --out photos --codecs jpeg")
    assert "never overwritten" in message
    assert Path("photos/jpeg.png").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "works"),
    [
        ("encode photo.png no/a.mode --codec jpeg --bpp 1", "load_codec"),
        ("encode photo.png photos --codec jpeg --bpp 1", "load_codec"),
        ("decode good.mode no/a.png", "load_decoder"),
        ("compare photo.png --bpp 1 --out afile --codecs jpeg", "compare_codecs"),
    ],
)
def test_a_place_that_takes_no_result_is_refused_before_the_work(
    command: str, works: str, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    prepare_mistakes()
    monkeypatch.setattr(cli, works, lambda *_: pytest.fail("the work was begun"))
    assert WRONG.get(command, "there is no such folder") in shell.refuses(command)


def test_a_file_too_large_for_any_picture_is_not_read(
    monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    Path("large.mode").write_bytes(b"MODE" * 26)
    assert "larger than any .mode file" in shell.refuses("info large.mode")


def prepare_mistakes() -> None:
    main(["encode", "photo.png", "good.mode", "--codec", "jpeg", "--bpp", "1"])
    data = bytearray(Path("good.mode").read_bytes())
    data[40] ^= 1
    Path("bad.mode").write_bytes(data)
    Path("results").mkdir()
    header = "dataset,image,width,height,codec,profile,anchor,target_bpp,quality,weights,"
    header += "bytes_file,bytes_payload,bpp,psnr,ms_ssim,lpips,dists\n"
    Path("results/jpeg.csv").write_text(header + "r,a,8,8,jpeg,,,1,1,,8,4,1.0,30,,,\n")
    for name, text in {
        "wrong": "a,b\n1,2\n",
        "cut": header + "r,a,8",
        "bare": "",
        "mixed": "a,b\n1,2\n",
    }.items():
        Path(name).mkdir()
        Path(name, "jpeg.csv").write_text(text)
    Path("mixed/webp.csv").write_text(header)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_forbidden_folder_is_one_line(shell: Shell) -> None:
    Path("locked").mkdir(mode=0o500)
    message = shell.refuses("encode photo.png locked/a.mode --codec jpeg --bpp 1")
    assert "locked/a.mode: Permission denied" in message


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (PermissionError(13, "Permission denied", "a.mode"), "a.mode: Permission denied"),
        (OSError(28, "No space left on device", "a.mode"), "a.mode: No space left on device"),
        (MemoryError(), "not enough memory"),
        (KeyboardInterrupt(), "stopped"),
        (BitstreamError("two\nlines"), "two lines"),
    ],
)
def test_what_happens_to_a_user_is_one_line(
    raised: BaseException, words: str, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(files, "write_atomic", fail)
    error = shell.refuses("encode photo.png a.mode --codec jpeg --bpp 1")
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1
