"""The command line as people use it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from safetensors.numpy import save_file

from mode_core.cli import files
from mode_core.cli import main as cli
from mode_core.cli.main import main
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.evaluation import bench
from mode_core.evaluation.rows import Row, read_rows, write_rows
from mode_core.evaluation.workers import Reader
from mode_core.pictures.files import read_image
from mode_core.stream.container import Bitstream
from mode_core.weights import sets as weights
from tests.cli.folder import folder_with_photos  # noqa: F401
from tests.conftest import PYTHON, Shell, process

pytestmark = pytest.mark.usefixtures("folder_with_photos")


def test_a_photo_goes_into_a_file_and_comes_back(shell: Shell) -> None:
    out = shell.does("encode photo.png photo.mode --codec webp --bpp 2")
    size = Path("photo.mode").stat().st_size
    assert f"photo.mode: {size} bytes" in out
    shell.does("decode photo.mode back.png")
    assert read_image("back.png").shape == read_image("photo.png").shape


def test_each_anchor_decodes_to_its_own_picture(shell: Shell) -> None:
    shell.does("encode photo.png photo.mode --codec mode --bpp 2")
    means = []
    for anchor in ("fidelity", "0.5", "perception"):
        shell.does(f"decode photo.mode {anchor}.png --anchor {anchor}")
        means.append(read_image(f"{anchor}.png").mean())
    assert means == sorted(means)
    assert len(set(means)) == 3


def test_info_is_json_about_the_file(shell: Shell) -> None:
    shell.does("encode photo.png photo.mode --codec mode --bpp 2")
    facts = json.loads(shell.does("info photo.mode"))
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


def test_info_needs_no_weights(shell: Shell) -> None:
    shell.does("encode photo.png photo.mode --codec jpeg --quality 40")
    facts = json.loads(shell.does("info photo.mode"))
    assert (facts["weights"], facts["target_bpp"], facts["quality"]) == (None, None, 40)


def test_codecs_lists_all(shell: Shell) -> None:
    table, hint = shell.does("codecs").split("\n\n")
    head, *lines = table.splitlines()
    assert head.split() == [
        "id", "outputs", "profile", "bpp", "on", "kodak", "parameters", "weights", "licence"
    ]  # fmt: skip
    assert list(dict.fromkeys(line.split()[0] for line in lines)) == list(CODECS)
    assert "MoDE-F, MoDE-P" in lines[0]
    assert "weights list" in hint


def test_codecs_says_what_is_known_of_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shard = tmp_path / "weights" / "elic-toy" / "00.safetensors"
    shard.parent.mkdir(parents=True)
    facts = {"codec": "elic", "width": "toy", "config": "{}", "licence": "CC0"}
    save_file({"a": np.zeros((1000, 20), np.float16)}, shard, facts)
    tag = hashlib.sha256(shard.read_bytes()).hexdigest()[:8]
    results = tmp_path / "kodak"
    results.mkdir()
    row = Row("kodak", "a", 8, 8, "elic", "toy", "", 1, 1, tag, 8, 4, 1.0, {"psnr": 30})
    others = (
        row._replace(target_bpp=2, bytes_file=16, bpp=2.0),
        row._replace(target_bpp=9, weights="0" * 8),
    )
    write_rows(results / "elic.csv", [row, *others])
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "weights")
    monkeypatch.setenv("MODE_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr(cli, "KODAK", results)
    lines = {line.id: line for line in cli.codec_lines()}
    assert lines["elic"] == ("elic", "ELIC", "toy", "1.000 to 2.000", "0.02 M", tag, "CC0")
    assert lines["vq"].weights == "none here"
    assert lines["jpeg"].weights == "needs none"


def test_compare_writes_every_picture_file_and_number(shell: Shell) -> None:
    assert "MoDE-P" in shell.does("compare photo.png --bpp 2 --out cmp")
    assert "elic is left out: elic has no weights here" in shell.err
    facts = json.loads(Path("cmp/metrics.json").read_text())
    assert facts["photo"] == "photo.png"
    assert set(facts["left_out"]) == {i.id for i in CODECS.values() if i.learned} - {"mode"}
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
        assert set(item["metrics"]) == {"psnr"}
        assert set(item["missing"]) == {"ms_ssim", "ssimulacra2"}, "the photo is too small"
    assert "LPIPS (AlexNet) is left out: MODE_LPIPS_BACKBONE names" in shell.err
    assert "LPIPS" not in shell.out + json.dumps(facts)


def test_compare_outside_a_range_is_a_note_and_no_error(shell: Shell) -> None:
    shell.does("compare photo.png --bpp 0.01 --out cmp --codecs jpeg")
    facts = json.loads(Path("cmp/metrics.json").read_text())
    assert "instead of 0.010" in facts["pictures"][0]["note"]


def test_encode_says_as_compare_does_that_a_size_cannot_be_met(shell: Shell) -> None:
    shell.does("compare photo.png --bpp 0.01 --out cmp --codecs jpeg")
    note = json.loads(Path("cmp/metrics.json").read_text())["pictures"][0]["note"]
    shell.does("encode photo.png a.mode --codec jpeg --bpp 0.01")
    assert shell.err == f"{note}\n"
    shell.does("encode photo.png a.mode --codec mode --bpp 0.01")
    assert shell.err.startswith("MoDE made ")
    assert "instead of 0.010: the nearest it can do for this picture." in shell.err
    for wish in ("--codec webp --bpp 4", "--codec jpeg --quality 1"):
        shell.does(f"encode photo.png a.mode {wish}")
        assert shell.err == "", wish


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_further_frames_are_left_out_aloud_and_once(format: str, shell: Shell) -> None:
    name = f"moving.{format.lower()}"
    first, second = (Pillow.new("RGB", (64, 48), colour) for colour in ("teal", "olive"))
    first.save(f"photos/{name}", format, save_all=True, append_images=[second])
    said = f"{name}: several frames; only the first is used\n"
    shell.does(f"encode photos/{name} a.mode --codec jpeg --bpp 2")
    assert shell.err.count(said) == 1
    shell.does(f"compare photos/{name} --out cmp --codecs jpeg,webp --bpp 2")
    assert shell.err.count(said) == 1
    shell.does("bench photos --out own --codecs jpeg,webp --bpp 2,4")
    assert shell.err.count(said) == 1
    assert shell.err.count("several frames") == 1
    assert {row.image for row in read_rows(Path("own/jpeg.csv"))} == {name, "one.png", "two.png"}


def test_bench_names_the_files_that_it_leaves_out(shell: Shell) -> None:
    for name in ("a.heic", "b.txt", "c.HEIC", "d.svg", ".hidden"):
        Path("photos", name).touch()
    shell.does("bench photos --out own --codecs jpeg --bpp 2")
    said = "photos: 4 files left out (a.heic, b.txt, c.HEIC, …); photos end in .png, "
    assert said in shell.err
    assert ".gif" in shell.err


def test_bench_and_bdrate_work_together(shell: Shell) -> None:
    shell.does("bench photos --out results/own --codecs all --bpp 1,2,4,8")
    assert "elic is left out" in shell.err
    assert "LPIPS (AlexNet) is not measured" in shell.err
    assert len(read_rows(Path("results/own/mode.csv"))) == 2 * 4 * 3
    facts = json.loads(Path("results/own/jpeg.json").read_text())
    assert facts["command"].startswith("python -m mode_core bench photos --out results/own")
    table = shell.does("bdrate results/own --reference jpeg --metric psnr").splitlines()
    assert table[0] == "| against jpeg | PSNR BD-rate | overlap | BD-PSNR |"
    assert "| jpeg | +0.0 % | 100% | +0.000 |" in table
    assert any(line.startswith("| webp | -") for line in table)


def test_a_resumed_benchmark_names_every_command_that_made_its_rows(shell: Shell) -> None:
    shell.does("bench photos --out results/own --codecs jpeg --bpp 3,5")
    shell.does("bench photos --out results/own --codecs jpeg --bpp 3,7 --resume")
    facts = json.loads(Path("results/own/jpeg.json").read_text())
    assert {row.target_bpp for row in read_rows(Path("results/own/jpeg.csv"))} == {3, 5, 7}
    assert "--bpp 3,7" in facts["command"]
    [earlier] = facts["earlier_commands"]
    assert "--bpp 3,5 " in earlier


def test_rows_of_a_run_that_was_interrupted_keep_their_command(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted at 5, whose rows go when it is interrupted again at 6; those at 3 were whole."""
    measure_job = bench.measure_job

    def measure(job: bench.Job, read: Reader) -> list[bench.Measurement]:
        if job.photo.name == "two.png":
            raise KeyboardInterrupt
        return measure_job(job, read)

    def earlier(rate: int) -> list[str]:
        monkeypatch.setattr(bench, "measure_job", measure_job)
        shell.does(f"{start} {rate} --resume")
        facts = json.loads(Path("own/jpeg.json").read_text())
        assert facts["earlier_commits"] == []
        assert not Path("own/jpeg.partial.json").exists()
        return [one.partition("--bpp ")[2][0] for one in facts["earlier_commands"]]

    def interrupted(rate: int, how: str) -> None:
        monkeypatch.setattr(bench, "measure_job", measure)
        assert "stopped" in shell.refuses(f"{start} {rate} {how}")

    start = "bench photos --out own --codecs jpeg --bpp"
    assert earlier(3) == []
    interrupted(5, "--resume")
    interrupted(6, "--replace")
    assert earlier(7) == ["3", "6"]
    assert {row.target_bpp for row in read_rows(Path("own/jpeg.csv"))} == {3, 6, 7}
    interrupted(8, "--resume")
    interrupted(9, "--resume")
    assert earlier(4) == ["3", "6", "7", "8", "9"]


def test_a_published_curve_is_named_with_its_source(shell: Shell) -> None:
    shell.does("bench photos --out results/kodak --codecs webp --bpp 1,2,4")
    out = shell.does("bdrate results/kodak --metric psnr --anchor 'published:BPG 4:4:4'")
    assert "PSNR against BPG 4:4:4 (published, " in out


def test_the_summary_names_every_curve_that_cannot_be_compared(shell: Shell) -> None:
    shell.does("bench photos --out results/own --codecs jpeg,mode --bpp 2,4")
    out = shell.does("bdrate results/own --anchor jpeg")
    why = "jpeg has 2 points; a curve needs 3 or more."
    assert f"mode@fidelity: PSNR BD-rate and BD-PSNR are empty: {why}" in out


def test_the_summary_says_which_number_is_missing_where_others_are_there(shell: Shell) -> None:
    """The same quality at eight times the rate: there is a BD-rate, and no rate in common."""
    Path("own").mkdir()
    for codec, times in (("jpeg", 1), ("webp", 8)):
        rows = [
            Row("own", "a", 8, 8, codec, "", "", bpp, 1, "", times * bpp * 8, 1, times * bpp, psnr)
            for bpp, psnr in ((1, {"psnr": 30}), (2, {"psnr": 33}), (3, {"psnr": 36}))
        ]
        write_rows(Path(f"own/{codec}.csv"), rows)
    table, *said = shell.does("bdrate own --reference jpeg --metric psnr").split("\n\n")
    assert table.splitlines()[-1] == "| webp | +700.0 % | 100% | - |"
    assert [line.strip() for line in said] == [
        "webp: only BD-PSNR is empty: jpeg and webp share 0% of the shorter curve's range in rate; "
        "a comparison needs 30%."
    ]


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "write_atomic", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["encode", "photo.png", "a.mode", "--codec", "jpeg", "--bpp", "1"])


def test_the_module_runs_and_hands_its_status_on() -> None:
    program, jpeg = (PYTHON, "-m", "mode_core"), ("--codec", "jpeg", "--quality", "40")
    done = process(*program, "encode", "photo.png", "a.mode", *jpeg)
    assert (done.returncode, done.stderr) == (0, "")
    done = process(*program, "decode", "photo.png", "a.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_a_name_that_is_no_text_is_no_error(shell: Shell) -> None:
    name, out = os.fsdecode(b"ph\xffoto.png"), os.fsdecode(b"\xfe")
    shutil.copy("photo.png", name)
    jpeg = "--codecs jpeg --bpp 1"
    said = shell.does("encode", Path(name), Path(f"{out}.mode"), "--codec jpeg --bpp 1")
    assert "\\udcfe.mode: " in said
    for command in ("compare", "bench"):
        shell.does(command, Path(name), jpeg, "--out", Path(out))


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{PYTHON} -m mode_core --help | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = process("bash", "-c", command)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_result_can_be_piped_on_and_nothing_is_mixed_into_it(tmp_path: Path) -> None:
    """Into a pipe, behind what a file holds already, and from one command into the next."""
    cli = f"{PYTHON} -m mode_core"
    for name in ("-", "/dev/stdout"):
        script = f"""
            set -e
            {cli} encode photo.png {name} --codec jpeg --bpp 2 > a.mode
            {cli} encode photo.png {name} --codec jpeg --bpp 2 | cat > b.mode
            echo before > c.mode
            {cli} encode photo.png {name} --codec jpeg --bpp 2 >> c.mode
            {cli} encode - - --codec jpeg --bpp 2 < photo.png | {cli} decode - {name} > d.png
        """
        done = process("bash", "-c", script)
        assert done.returncode == 0, done.stderr
        data = Path("a.mode").read_bytes()
        assert Bitstream.from_bytes(data).to_bytes() == data
        assert Path("b.mode").read_bytes() == data
        assert Path("c.mode").read_bytes() == b"before\n" + data
        assert read_image("d.png").shape == read_image("photo.png").shape
        assert done.stderr.count("/dev/stdout: ") == 5
        assert not Path("-").exists()


def test_without_standard_output_a_command_works_all_the_same() -> None:
    words = f"exec {PYTHON} -m mode_core encode photo.png a.mode --codec jpeg --bpp 2 >&-"
    done = process("bash", "-c", words)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("a.mode").stat().st_size > 100
