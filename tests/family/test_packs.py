"""What leaves a family: sets with the tags of what they stand on, in few small files."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mode_core.cli.family import packs
from mode_core.cli.family.closing import (
    forget_after,
    write_held_out,
    write_sheet,
    write_table,
)
from mode_core.cli.family.packs import boxed, export, write_packs
from mode_core.cli.family.plan import BUNDLED
from mode_core.cli.family.state import State
from mode_core.codecs.identity import tag_of
from mode_core.evaluation.rows import Row, write_rows
from mode_core.weights.sets import WeightsSet, set_in


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A family of which elic, vq with its critic, and mode are there."""
    state = State(tmp_path / "all", 10, "compact")
    for name, codec in {"elic": "elic", "vq": "vq", "vq-gan": "vq", "mode": "mode"}.items():
        run = state.folder(name)
        run.mkdir(parents=True)
        facts = {"codec": codec, "width": "compact", "stage": name, "config": "{}"}
        many = {f"{name}{n}": torch.rand(100, 100) for n in range(4)}
        save_file(many, run / "weights.safetensors", facts)
        (run / "log.csv").write_text("step,loss\n1,2\n")
    state.mark("mode", starts={"elic": "elic", "vq": "vq-gan"})
    return state


def pack(state: State, codec: str) -> WeightsSet:
    found = set_in(state.out / "packs" / f"{codec}-compact")
    assert found is not None
    return found


def test_the_newest_stage_of_every_codec_is_packed_with_its_experts(state: State) -> None:
    assert write_packs(state) == []
    elic, vq, mode = (pack(state, codec) for codec in ("elic", "vq", "mode"))
    assert vq.facts["stage"] == "vq-gan"
    assert vq.facts["history"] == "vq, vq-gan"
    assert mode.facts["experts"] == f"{tag_of(elic).hex()}-{tag_of(vq).hex()}"


def test_what_was_trained_on_older_experts_is_not_packed(state: State) -> None:
    state.mark("mode", starts={"elic": "elic", "vq": "vq"})
    assert write_packs(state) == [
        "mode was not packed: it was trained on vq, and vq-gan came after it"
    ]


def test_a_bundled_expert_is_taken_along(
    state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_packs(state)
    bundled = tmp_path / "elic-compact"
    (state.out / "packs" / "elic-compact").rename(bundled)
    (state.folder("elic") / "weights.safetensors").unlink()
    found = set_in(bundled)
    monkeypatch.setattr(packs, "find_weights", lambda codec: found)
    state.mark("mode", starts={"elic": f"{BUNDLED}elic", "vq": "vq-gan"})
    # an earlier run with other weights may have left more shards than there are now
    stale = state.out / "packs" / "elic-compact" / "07.safetensors"
    stale.parent.mkdir()
    shutil.copy(bundled / "00.safetensors", stale)
    for _ in range(2):
        assert write_packs(state) == []
        assert pack(state, "elic").facts == found.facts if found else False
        assert not stale.exists()


def test_an_export_is_few_files_each_whole_by_itself(
    state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packs, "SHARD_BYTES", 90_000)
    monkeypatch.setattr(packs, "MOST_BYTES", 200_000)
    monkeypatch.setattr(packs.boxed, "__defaults__", (8, 200_000))
    write_packs(state)
    home = tmp_path / "export"
    assert export(state, home) == []
    files = sorted(home.iterdir())
    assert 3 <= len(files) <= 8
    assert all(file.stat().st_size <= 200_000 for file in files)
    names = []
    for file in files:
        with tarfile.open(file) as tar:
            names += tar.getnames()
    assert len(names) == len(set(names))
    shards = (state.out / "packs").glob("*/*.safetensors")
    assert {f"packs/{s.parent.name}/{s.name}" for s in shards} <= set(names)
    assert {"plan.json", "elic/log.csv"} <= set(names)


def test_large_shards_are_exported_whole_and_what_has_no_room_is_told(
    state: State, tmp_path: Path
) -> None:
    folder = state.out / "packs" / "elic-compact"
    folder.mkdir(parents=True)
    (folder / "00.safetensors").write_bytes(bytes(9_000_000))
    (folder / "01.safetensors").write_bytes(bytes(16_000_000))
    assert export(state, tmp_path / "export") == ["packs/elic-compact/01.safetensors"]
    sizes = {}
    for file in (tmp_path / "export").iterdir():
        with tarfile.open(file) as tar:
            sizes |= {member.name: member.size for member in tar}
    assert sizes["packs/elic-compact/00.safetensors"] == 9_000_000
    assert "packs/elic-compact/01.safetensors" not in sizes


def test_things_go_into_the_first_box_with_room_and_none_is_too_full() -> None:
    sizes = [(4_000_000, n) for n in range(30)] + [(20_000_000, 30)]
    boxes, left = boxed(sizes)
    assert len(boxes) == 8
    assert all(sum(sizes[n][0] for n in box) <= 16_000_000 for box in boxes)
    assert sorted([*(n for box in boxes for n in box), *left]) == list(range(31))
    assert 30 in left
    assert boxed([(3_800_000, n) for n in range(4)])[0] == [[0, 1, 2, 3]]


def test_without_any_measurement_the_table_is_empty_and_there_is_no_sheet(state: State) -> None:
    write_held_out(state.out / "held-out", [torch.zeros(3, 300, 200, dtype=torch.uint8)], 3)
    assert write_table(state) == 0
    assert (state.out / "table.csv").read_text().startswith("codec,anchor,target,measure,before")
    assert not write_sheet(state)


def measured(image: str, codec: str, psnr: float) -> Row:
    values = {"psnr": psnr}
    return Row("held-out", image, 8, 8, codec, "", "", 0.1, 1, "", 8, 8, 1.0, values)


def test_the_table_holds_only_whole_columns_of_the_newest_measurement(state: State) -> None:
    write_held_out(state.out / "held-out", [torch.zeros(3, 64, 64, dtype=torch.uint8)] * 2, 3)
    before, after = (state.out / "table" / when for when in ("before", "after"))
    for folder in (before, after):
        folder.mkdir(parents=True)
    both = "0.png", "1.png"
    write_rows(before / "elic.csv", [measured(image, "elic", 20) for image in both])
    # of an earlier measurement that was cut off
    write_rows(before / "elic.partial.csv", [measured("0.png", "elic", 90)])
    write_rows(after / "elic.partial.csv", [measured("1.png", "elic", 40)])
    write_rows(after / "vq.partial.csv", [measured(image, "vq", 30) for image in both])
    write_table(state)
    lines = (state.out / "table.csv").read_text().splitlines()[1:]
    assert [line for line in lines if "psnr" in line] == [
        "elic,-,0.1,psnr,20.00,",
        "vq,-,0.1,psnr,,30.00",
    ]
    forget_after(state)
    write_table(state)
    assert "vq" not in (state.out / "table.csv").read_text()
