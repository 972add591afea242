"""Sets of weights that are damaged in any way: they are named, and no other set suffers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from app.server.jobs import Job, run_job
from mode_core.cli.main import main
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.errors import WeightsUnavailable
from mode_core.metrics import Measured
from mode_core.pictures.files import write_png
from mode_core.weights import sets as weights
from mode_core.weights.sets import all_weights, damaged, find_weights
from tests.conftest import Shell, make_photo


def raw(header: object, tail: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tail


def with_facts(**changed: object) -> Callable[[bytes], bytes]:
    """The file with other metadata."""

    def change(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        header["__metadata__"] |= changed
        return raw(header, data[8 + length :])

    return change


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
FACTS = {"codec": "elic", "width": "tiny", "config": "{}"}
SHARDS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut off in the header": lambda data: data[:50],
    "cut off in a tensor": lambda data: data[:-100],
    "longer than it says": lambda data: data + b"more",
    "endless header": lambda data: b"\xff" * 8 + data[8:],
    "not JSON": lambda data: raw(b"{'elic'}"),
    "not UTF-8": lambda data: raw(b'{"\xff": 1}'),
    "a list": lambda data: raw([1, 2]),
    "a number": lambda data: raw(7),
    "nested too deep": lambda data: raw(b"[" * 100_000),
    "metadata is a list": lambda data: raw({"__metadata__": [1], "a": TENSOR}, bytes(8)),
    "metadata is text": lambda data: raw({"__metadata__": "elic", "a": TENSOR}, bytes(8)),
    "facts are numbers": with_facts(width=3),
    "a tensor is a number": lambda data: raw({"__metadata__": FACTS, "a": 5}),
    "a tensor without a place": lambda data: raw({"__metadata__": FACTS, "a": {"shape": [2]}}),
    "a tensor of minus two": lambda data: raw(
        {"__metadata__": FACTS, "a": TENSOR | {"shape": [-2, -1]}}, bytes(8)
    ),
    "a tensor larger than its place": lambda data: raw(
        {"__metadata__": FACTS, "a": TENSOR | {"shape": [10**30]}}, bytes(8)
    ),
    "a codec that is no name": with_facts(codec="elic\x1b[2J"),
    "no configuration": with_facts(config="nothing"),
    "a configuration that is a list": with_facts(config="[]"),
    "experts that are no tags": with_facts(experts="who-knows"),
    "an identity that is no hash": with_facts(identity="me"),
}
COMMANDS = ("codecs", "weights list", "info elic.mode")


@pytest.fixture
def bundled(home: Path, toy_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Toy weights of one's own to damage, and files that were made with them before."""
    folder = tmp_path / "bundled"
    shutil.copytree(toy_home, folder)
    monkeypatch.setattr(weights, "BUNDLED", folder)
    monkeypatch.chdir(tmp_path)
    write_png("photo.png", make_photo(64, 96))
    for codec in ("elic", "mode", "jpeg"):
        assert main(f"encode photo.png {codec}.mode --codec {codec} --bpp 1".split()) == 0
    load_codec.cache_clear()
    return folder


def the_shard(bundled: Path, codec: str) -> Path:
    (shard, *_) = sorted(bundled.glob(f"{codec}-*/*.safetensors"))
    return shard


@pytest.mark.parametrize("damage", SHARDS)
def test_a_damaged_shard_is_named_and_all_else_goes_on(
    damage: str, bundled: Path, shell: Shell
) -> None:
    shard = the_shard(bundled, "elic")
    shard.write_bytes(SHARDS[damage](shard.read_bytes()))
    assert list(damaged()) == [shard.parent]
    for command in COMMANDS:
        said = shell.does(command)
        assert ("is damaged; fetch the folder again" in said) == (command != "info elic.mode")
    assert len(shell.does("codecs").split("\n\n")[0].splitlines()) == 1 + len(CODECS)
    refused = shell.refuses("encode photo.png a.mode --codec elic --bpp 1")
    assert f"{shard.parent} is damaged; fetch the folder again" in refused
    assert "Traceback" not in shell.refuses("decode elic.mode a.png")
    shell.does("encode photo.png a.mode --codec vq --bpp 0.1")
    shell.does("decode jpeg.mode a.png")


def test_what_stands_on_a_damaged_set_is_listed_without_a_tag(bundled: Path, shell: Shell) -> None:
    """MoDE's tag is made from those of its experts."""
    the_shard(bundled, "elic").write_bytes(b"")
    (line,) = [one for one in shell.does("codecs").splitlines() if one.startswith("mode ")]
    assert " -  " in line
    assert shell.does("info mode.mode")
    for command in ("decode mode.mode a.png", "encode photo.png a.mode --codec mode --bpp 1"):
        assert "elic has no weights" in shell.refuses(command)


def test_a_configuration_of_another_version_is_one_sentence(bundled: Path, shell: Shell) -> None:
    shard = the_shard(bundled, "elic")
    shard.write_bytes(with_facts(config='{"colours": 4}')(shard.read_bytes()))
    refused = shell.refuses("encode photo.png a.mode --codec elic --bpp 1")
    assert "do not fit this version of elic (its configuration is another)" in refused
    assert "unexpected keyword" not in refused


@pytest.mark.parametrize(
    "card",
    [
        b"",
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        b'{"bpp": "much"}',
        b'{"bpp": NaN}',
        b'{"bpp": {"a": 1}}',
        b'{"codec": "vq", "width": "x y", "config": 3, "experts": "?"}',
    ],
)
def test_an_odd_card_changes_no_set(card: bytes, bundled: Path, shell: Shell) -> None:
    before = find_weights("elic")
    (before.folder / "card.json").write_bytes(card)
    found = find_weights("elic")
    assert (found.codec, found.width, found.bpp) == ("elic", before.width, 0)
    assert damaged() == {}
    for command in COMMANDS:
        shell.does(command)


def test_a_shard_that_is_no_file_is_damage(bundled: Path, shell: Shell) -> None:
    for place, make in enumerate((Path.mkdir, lambda path: path.symlink_to("nowhere"))):
        shard = the_shard(bundled, ("elic", "vq")[place])
        shard.unlink()
        make(shard)
    assert len(damaged()) == 2
    assert "is damaged" in shell.does("codecs")


def test_an_imported_folder_that_may_not_be_read_silences_no_bundled_set(
    bundled: Path, home: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    iterdir = Path.iterdir

    def closed(folder: Path) -> object:
        if folder == home:
            raise PermissionError(13, "Permission denied", str(folder))
        return iterdir(folder)

    home.mkdir(exist_ok=True)
    monkeypatch.setattr(Path, "iterdir", closed)
    assert {one.codec for one in all_weights()} >= {"elic", "vq", "mode"}
    assert "may not be read; let MODE_WEIGHTS name another folder" in shell.does("codecs")
    with pytest.raises(WeightsUnavailable, match="may not be read"):
        find_weights("ms-illm", "public")


def test_what_is_passed_on_tells_no_folder_of_this_machine(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    """The owner reads where the damage is; a visitor, and whoever gets metrics.json, does not."""
    the_shard(bundled, "elic").write_bytes(b"")
    lacking = Measured({}, {"lpips": f"{tmp_path}/none.pth lacks features.0.bias"})
    monkeypatch.setattr("mode_core.evaluation.compare.measure", lambda *_: lacking)
    shell.does("compare photo.png --bpp 1 --out compared --codecs elic,jpeg")
    assert f"elic is left out: elic has no weights that can be used: {bundled}" in shell.err
    facts = json.loads(Path("compared/metrics.json").read_text())
    assert "elic-tiny is damaged" in facts["left_out"]["elic"]
    missing = facts["pictures"][0]["missing"]
    assert missing == {"lpips": "none.pth lacks features.0.bias"}
    outcome = run_job(Job("elic", ("",), 1.0, make_photo(64, 96)))
    assert outcome.error.endswith("elic-tiny is damaged; fetch the folder again")
    for said in (json.dumps(facts), outcome.error):
        assert "/tmp" not in said
        assert str(tmp_path) not in said


def test_a_library_that_finds_damage_gives_no_advice_of_its_own(
    bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> None:
        raise SafetensorError("Error while deserializing: call the library with other options")

    monkeypatch.setattr("mode_core.weights.tensors.safe_open", odd)
    load_codec.cache_clear()
    with pytest.raises(WeightsUnavailable, match=r"are damaged; fetch the folder again$"):
        load_codec("elic")
