"""Runs become bundled sets: sharded, compared, with a card that says what was measured."""

from __future__ import annotations

import shutil
from math import log
from pathlib import Path

import pytest
import torch

from mode_core.codecs import identity
from mode_core.codecs.elic import training as stages_elic
from mode_core.codecs.identity import digest_of
from mode_core.codecs.networks import load_net
from mode_core.codecs.registry import load_codec
from mode_core.evaluation import cards
from mode_core.evaluation import pack as packing
from mode_core.pictures.files import write_png
from mode_core.training.checkpoint import facts_of, save_weights, stored
from mode_core.types import Target
from mode_core.weights import sets as weights
from mode_core.weights.sets import find_weights
from tests.conftest import make_photo
from tests.made_up.toys import TOY_ELIC, toy_elic


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of a toy net, an empty bundle, and one photo."""
    monkeypatch.setitem(stages_elic.WIDTHS, "tiny", TOY_ELIC)
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "bundle")
    monkeypatch.setattr(cards, "CARDS", tmp_path / "cards")
    monkeypatch.setattr(packing, "SHARD_BYTES", 20_000)
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "a.png", make_photo(128, 128))
    folder = tmp_path / "run"
    folder.mkdir()
    net = toy_elic()
    facts = {"stage": "elic", "codec": "elic", "width": "tiny", "steps": 7, **facts_of(net)}
    save_weights(folder, stored(net), facts)
    load_codec.cache_clear()
    return folder


def test_a_packed_run_is_found_loaded_and_used(run: Path) -> None:
    folder = packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    found = find_weights("elic")
    assert found.folder == folder
    assert len(found.shards) > 1
    assert all(shard.stat().st_size < 80_000 for shard in found.shards)
    image = make_photo(70, 70)
    codec = load_codec("elic")
    assert codec.decode(codec.encode(image, Target(quality=100))).shape == image.shape
    load_codec.cache_clear()


def test_a_variant_beside_a_set_is_not_taken_for_it_unless_it_is_named(run: Path) -> None:
    plain = packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    variant = plain.parent / "elic-compact-eight"  # before the other one by its name
    variant.mkdir()
    net = toy_elic()
    facts = {"codec": "elic", "width": "compact-eight", **facts_of(net)}
    save_weights(variant, stored(net), facts)
    assert find_weights("elic").folder == plain
    assert find_weights("elic", "compact-eight").folder == variant
    shutil.rmtree(plain)
    assert find_weights("elic").folder == variant


def test_a_digest_is_made_once_for_as_long_as_no_file_changes(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    identity._digest.cache_clear()  # who packed it has asked already
    found, read, plain = find_weights("elic"), [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self) or plain(self))
    before = digest_of(found)
    assert digest_of(found) == before
    assert sorted(read) == found.shards
    found.shards[-1].write_bytes(plain(found.shards[-1]) + b" ")
    assert digest_of(found) != before


def test_packing_what_is_bundled_again_is_refused(run: Path) -> None:
    packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    before = digest_of(find_weights("elic"))
    with pytest.raises(packing.NotBetter, match="nothing was changed"):
        packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    assert digest_of(find_weights("elic")) == before


def test_the_card_states_origin_and_keeps_what_a_person_wrote(run: Path) -> None:
    packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    found = find_weights("elic")
    path = cards.card_path(found)
    text = path.read_text()
    assert digest_of(found).hex() in text
    assert f"{cards.parameters(found):,}" in text
    assert "Not benchmarked yet" in text
    path.write_text(text.replace("None noted yet.", "Smears water."))
    assert "Smears water." in cards.write_card(found).read_text()


def test_loading_gives_the_weights_as_stored(run: Path) -> None:
    packing.pack(run, run.parent / "photos", None, say=lambda _: None)
    net, original = load_net(find_weights("elic")), toy_elic()
    for name, value in original.state_dict().items():
        found = net.state_dict()[name]
        assert torch.allclose(found.float(), value.float(), atol=2e-3), name


def is_better(new: dict[str, float], old: dict[str, float]) -> bool:
    before, after = packing.objectives(old, new)
    assert packing.objectives(new, old) == (after, before)
    return after < before


def test_the_stage_s_own_cost_decides_where_there_is_one() -> None:
    assert packing.objectives({"cost": 3.0, "lpips_a": 9.0}, {"cost": 4.0}) == (3.0, 4.0)


def test_one_rate_decides_with_what_it_is_and_what_it_gives() -> None:
    one = {"lpips_a": 0.2, "psnr_a": 25.0, "bpp_a": 0.1}
    for worse in ({"lpips_a": 0.3}, {"psnr_a": 24.0}, {"bpp_a": 0.2}):
        assert is_better(one, {**one, **worse})
    assert is_better({"lpips_a": 0.2}, {"lpips_a": 0.3})


def test_several_rates_are_compared_where_both_have_them() -> None:
    def curve(shift: float, *rates: float) -> dict[str, float]:
        points = [(f"_{at}", rate, 0.3 - 0.1 * log(rate)) for at, rate in enumerate(rates)]
        return {
            f"{kind}{at}": value
            for at, rate, lpips in points
            for kind, value in (("bpp", rate), ("lpips", lpips + shift), ("psnr", 20.0))
        }

    old = curve(0, 0.005, 0.02, 0.08)
    cheaper = curve(-0.01, 0.005, 0.01, 0.04)  # better at any rate, and it ends at half of the rate
    assert is_better(cheaper, old)
    assert is_better(old, curve(0.01, 0.01, 0.05, 0.3))
    before, after = packing.objectives(old, cheaper)
    assert after - before == pytest.approx(-0.01)
    anchors = {n.replace("s_", f"s_{one}_"): v for one in "fp" for n, v in old.items()}
    assert {"bpp_0", "lpips_f_0", "lpips_p_2"} <= anchors.keys()
    assert packing.objectives(anchors, old)[0] == packing.objectives(old, old)[0]
