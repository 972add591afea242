"""The command line as people use it, and as they misuse it: one line and status 1, never more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import make_photo
from toy_codec import build_only_mode

from mode_core import cli
from mode_core.bitstream import Bitstream
from mode_core.cli import main
from mode_core.codecs import learned
from mode_core.errors import BitstreamError
from mode_core.images import read_image, write_png
from mode_core.registry import load_codec
from mode_core.results import read_rows


@pytest.fixture(autouse=True)
def _in_a_folder_with_photos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """MoDE is a toy, the other learned codecs have no weights, LPIPS is not looked for."""
    monkeypatch.setattr(learned, "build", build_only_mode)
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "absent.pth"))
    load_codec.cache_clear()
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "one.png", make_photo(48, 64))
    write_png(tmp_path / "photos" / "two.png", make_photo(50, 40))
    shutil.copy(tmp_path / "photos" / "one.png", tmp_path / "photo.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (tmp_path / "text.mode").write_text("MODErn times")
    (tmp_path / "afile").touch()
    monkeypatch.chdir(tmp_path)
    yield
    load_codec.cache_clear()


def say(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints when it works."""
    assert main(command.split()) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_photo_goes_into_a_file_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    out = say("encode photo.png photo.mode --codec webp --bpp 2", capsys)
    size = Path("photo.mode").stat().st_size
    assert f"photo.mode: {size} bytes" in out
    say("decode photo.mode back.png", capsys)
    assert read_image("back.png").shape == read_image("photo.png").shape


def test_each_anchor_decodes_to_its_own_picture(capsys: pytest.CaptureFixture[str]) -> None:
    say("encode photo.png photo.mode --codec mode --bpp 2", capsys)
    means = []
    for anchor in ("fidelity", "0.5", "perception"):
        say(f"decode photo.mode {anchor}.png --anchor {anchor}", capsys)
        means.append(read_image(f"{anchor}.png").mean())
    assert means == sorted(means)
    assert len(set(means)) == 3


def test_info_is_json_about_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    say("encode photo.png photo.mode --codec mode --bpp 2", capsys)
    facts = json.loads(say("info photo.mode", capsys))
    bitstream = Bitstream.from_bytes(Path("photo.mode").read_bytes())
    assert facts["codec"] == "mode"
    assert (facts["width"], facts["height"]) == (64, 48)
    assert facts["bytes"] == Path("photo.mode").stat().st_size
    assert facts["bpp"] == 8 * facts["bytes"] / (64 * 48)
    assert facts["target_bpp"] == 2
    assert facts["quality"] == bitstream.quality
    assert facts["weights"] == b"toy!".hex()
    assert [stream["name"] for stream in facts["streams"]] == ["vq", "sq"]
    assert sum(stream["bytes"] for stream in facts["streams"]) == bitstream.payload_bytes


def test_info_needs_no_weights(capsys: pytest.CaptureFixture[str]) -> None:
    say("encode photo.png photo.mode --codec jpeg --quality 40", capsys)
    facts = json.loads(say("info photo.mode", capsys))
    assert (facts["weights"], facts["target_bpp"], facts["quality"]) == (None, None, 40)


def test_codecs_lists_all_and_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    out = say("codecs", capsys)
    for word in ("MoDE-F, MoDE-P", "JPEG XL", "licence", "elic has no weights here"):
        assert word in out


def test_compare_writes_every_picture_file_and_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "photo.png", "--bpp", "2", "--out", "cmp"]) == 0
    said = capsys.readouterr()
    assert "MoDE-P" in said.out
    assert "elic is left out: elic has no weights here" in said.err
    facts = json.loads(Path("cmp/metrics.json").read_text())
    assert facts["photo"] == "photo.png"
    assert set(facts["left_out"]) == {"elic", "ms-illm", "dlf", "vq"}
    assert [item["label"] for item in facts["pictures"]] == [
        "MoDE-F", "MoDE-P", "JPEG", "WebP", "AVIF", "JPEG XL"]  # fmt: skip
    for item in facts["pictures"]:
        data = Path("cmp", item["file"]).read_bytes()
        assert item["bytes_file"] == len(data)
        assert item["bpp"] == 8 * len(data) / (64 * 48)
        decoded = load_codec(item["codec"], "").decode(Bitstream.from_bytes(data))
        picture = read_image(f"cmp/{item['picture']}")
        assert np.array_equal(picture, decoded) or item["anchor"] == "perception"
        assert item["metrics"]["psnr"] > 10
        assert "lpips" in item["missing"]


def test_compare_outside_a_range_is_a_note_and_no_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("compare photo.png --bpp 0.01 --out cmp --codecs jpeg", capsys)
    facts = json.loads(Path("cmp/metrics.json").read_text())
    assert "instead of 0.010" in facts["pictures"][0]["note"]


def test_bench_and_bdrate_work_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "photos", "--out", "results/own", "--codecs", "all", "--bpp", "1,2,4,8"]) == 0
    said = capsys.readouterr()
    assert "elic is left out" in said.err
    assert "LPIPS (AlexNet) stays empty" in said.err
    assert len(read_rows(Path("results/own/mode.csv"))) == 2 * 4 * 3
    facts = json.loads(Path("results/own/jpeg.json").read_text())
    assert facts["command"].startswith("python -m mode_core bench photos --out results/own")
    table = say("bdrate results/own --anchor jpeg --metric psnr", capsys).splitlines()
    assert table[0] == "| against jpeg | PSNR BD-rate | overlap | BD-PSNR |"
    assert "| jpeg | +0.0 % | 100% | +0.000 |" in table
    assert any(line.startswith("| webp | -") for line in table)


def test_the_summary_names_every_curve_that_cannot_be_compared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["bench", "photos", "--out", "results/own", "--codecs", "jpeg,mode", "--bpp", "2,4"])
    out = say("bdrate results/own --anchor jpeg", capsys)
    assert "mode@fidelity, PSNR: jpeg has 2 points; a curve needs 3 or more." in out


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
    "encode photo.png a.mode --codec jpeg --quality best": "invalid int value",
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
    "decode good.mode a.png --anchor perception": "one way only",
    "decode bad.mode a.png": "checksum",
    "info photo.png": "not a .mode file",
    "info afile": "not a .mode file",
    "compare photo.png --bpp 1 --out afile": "afile: is a file; name a folder",
    "compare photo.png --bpp 1 --out a --codecs elic,vq": "no codec could run",
    "compare photo.png --bpp 1 --out a --codecs elic,x264": "no codec 'x264'",
    "compare broken.png --bpp 1 --out a": "broken.png",
    "bench absent --out r --codecs jpeg": "absent does not exist",
    "bench photos --out afile --codecs jpeg": "afile: is a file; name a folder",
    "bench photos --out r --codecs jpeg --bpp 1,x": "'x' is not a rate",
    "bench photos --out r --codecs jpeg --workers 0": "'0' is not a whole number from 1",
    "bench photos --out r --codecs mode --anchors left": "anchor 'left' is unknown",
    "bdrate absent": "absent is not a folder of results",
    "bdrate photos": "photos holds no results",
    "bdrate results --metric beauty": "there is no metric 'beauty'",
    "bdrate results --metric psnr --anchor h266": "no curve 'h266' in these results; choose one",
    "bdrate results --metric psnr --anchor published:H.266": "nothing is published for 'H.266'",
    "bdrate wrong": "expected dataset,image",
}


@pytest.mark.parametrize("command", WRONG)
def test_a_mistake_is_one_line_and_status_1(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_mistakes()
    capsys.readouterr()
    before = Path("photo.png").read_bytes()
    assert main(command.split()) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("error: ")
    assert WRONG[command] in lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert Path("photo.png").read_bytes() == before
    assert not list(Path.cwd().rglob("*.part"))


def prepare_mistakes() -> None:
    main(["encode", "photo.png", "good.mode", "--codec", "jpeg", "--bpp", "1"])
    data = bytearray(Path("good.mode").read_bytes())
    data[40] ^= 1
    Path("bad.mode").write_bytes(data)
    Path("results").mkdir()
    header = "dataset,image,width,height,codec,profile,anchor,target_bpp,quality,weights,"
    header += "bytes_file,bytes_payload,bpp,psnr,ms_ssim,lpips,dists\n"
    Path("results/jpeg.csv").write_text(header + "r,a,8,8,jpeg,,,1,1,,8,4,1.0,30,,,\n")
    Path("wrong").mkdir()
    Path("wrong/jpeg.csv").write_text("a,b\n1,2\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_forbidden_folder_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("locked").mkdir(mode=0o500)
    assert main(["encode", "photo.png", "locked/a.mode", "--codec", "jpeg", "--bpp", "1"]) == 1
    assert "locked/a.mode: Permission denied" in capsys.readouterr().err


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
    raised: BaseException,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(cli, "write_whole", fail)
    assert main(["encode", "photo.png", "a.mode", "--codec", "jpeg", "--bpp", "1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "write_whole", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["encode", "photo.png", "a.mode", "--codec", "jpeg", "--bpp", "1"])


def test_commands_of_other_modules_are_attached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "extra_cli.py").write_text(
        "def add_commands(commands):\n"
        "    parser = commands.add_parser('extra')\n"
        "    parser.set_defaults(run=lambda args: print('extra was run'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli, "_MORE", ("extra_cli", "mode_core.not_there"))
    assert say("extra", capsys) == "extra was run\n"


def run_module(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", "mode_core", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )


def test_the_module_runs_and_hands_its_status_on() -> None:
    done = run_module("encode", "photo.png", "a.mode", "--codec", "jpeg", "--bpp", "1")
    assert (done.returncode, done.stderr) == (0, "")
    done = run_module("decode", "photo.png", "a.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m mode_core --help | head -c 1; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, env=environment,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
