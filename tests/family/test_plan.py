"""The plan of a family: what stands on what, and that everything ends in time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mode_core.cli.family.plan import (
    BUNDLED,
    FAMILY,
    FamilyError,
    Slot,
    affordable,
    chosen,
    closing_time,
    schedule,
    sources,
    stands_on,
)
from mode_core.codecs.registry import CODECS
from mode_core.codecs.stages import STAGES

TABLE = {part.name: part for part in FAMILY}


def ends(slots: list[Slot]) -> dict[str, Slot]:
    return {slot.part.name: slot for slot in slots}


def test_every_stage_is_in_the_family_with_what_its_own_table_says() -> None:
    assert {*TABLE, "hdc-gan"} == set(STAGES)  # what it gave was worse than what it went on with
    for part in FAMILY:
        stage = STAGES[part.name]
        assert part.codec == stage.codec
        assert (part.continues in stage.continues) if part.continues else not stage.continues
        assert set(CODECS[part.codec].experts) <= {*part.partners, *part.helpers, *[part.codec]}


@pytest.mark.parametrize("lanes", [1, 2, 3, 8])
def test_nothing_starts_before_what_it_stands_on_and_all_ends_in_time(lanes: int) -> None:
    slots = schedule(FAMILY, [0.0] * lanes, {}, 500, 10)
    at = ends(slots)
    assert set(at) == set(TABLE)
    assert max(slot.end for slot in slots) == pytest.approx(500, abs=0.1)
    for slot in slots:
        for other in stands_on(slot.part, FAMILY):
            assert at[other.name].end <= slot.start + 1e-6
    for lane in range(lanes):
        own = sorted((s.start, s.end) for s in slots if s.lane == lane)
        assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(own))


def test_elic_and_vq_start_side_by_side_and_shares_are_kept() -> None:
    at = ends(schedule(FAMILY, [0.0, 0.0], {}, 600, 0))
    assert at["elic"].start == at["vq"].start == 0
    assert at["elic"].lane != at["vq"].lane
    length = {name: slot.end - slot.start for name, slot in at.items()}
    assert length["elic"] / length["vq"] == pytest.approx(5 / 4)


def test_what_runs_already_is_waited_for() -> None:
    rest = [TABLE["mode"], TABLE["ms-illm"]]
    at = ends(schedule(rest, [100.0, 0.0], {"elic": 0.0, "vq-gan": 100.0, "vq": 0.0}, 300, 5))
    assert at["ms-illm"].start == 0
    assert at["mode"].start >= 100


def test_where_the_time_is_short_the_last_stages_are_left_out() -> None:
    assert affordable(FAMILY, [0.0, 0.0], {}, 132, 30) == list(FAMILY[:7])
    assert affordable(FAMILY, [0.0, 0.0], {}, 600, 30) == list(FAMILY)
    assert [part.name for part in affordable(FAMILY, [0.0], {}, 1, 30)] == ["elic"]


def test_without_time_every_part_still_has_a_slot() -> None:
    slots = schedule(FAMILY, [0.0], {}, 3, 10)
    assert {slot.part.name for slot in slots} == set(TABLE)


def test_parts_can_be_left_out_and_wrong_names_are_told() -> None:
    assert [p.name for p in chosen(["elic", "vq"], ["vq"], [])] == ["elic"]
    assert all(p.codec not in ("elic", "vq") for p in chosen([], [], ["elic", "vq"]))
    with pytest.raises(FamilyError, match="no stage 'ellic'; choose from"):
        chosen(["ellic"], [], [])
    with pytest.raises(FamilyError, match="no codec 'jpeg'"):
        chosen([], [], ["jpeg"])
    with pytest.raises(FamilyError, match="nothing is left"):
        chosen(["elic"], ["elic"], [])


def test_a_part_stands_on_the_newest_result_else_on_what_is_bundled() -> None:
    mode = TABLE["mode"]
    assert sources(mode, ["elic", "vq", "prior"], {}, "compact").starts == {
        "elic": "elic",
        "vq": "prior",
    }
    found = sources(mode, ["elic"], {"vq": "compact"}, "compact")
    assert found.starts == {"elic": "elic", "vq": f"{BUNDLED}vq"}
    assert found.told == ("mode stands on the bundled vq",)


def test_what_cannot_start_is_one_sentence() -> None:
    mode, prior = TABLE["mode"], TABLE["prior"]
    for bundled, words in (({}, "none are bundled"), ({"vq": "tiny"}, "the bundled ones are tiny")):
        assert words in sources(mode, ["elic"], bundled, "compact").missing
        assert words in sources(prior, [], bundled, "compact").missing


def test_a_critic_skips_a_failed_stage_and_a_helper_is_no_must() -> None:
    assert sources(TABLE["vq-gan"], ["vq"], {}, "compact").resume == "vq"
    assert sources(TABLE["prior"], [], {"vq": "compact"}, "compact").resume == f"{BUNDLED}vq"
    alone = sources(TABLE["ms-illm"], [], {}, "compact")
    assert not alone.missing
    assert alone.told == ("ms-illm starts without elic",)


def test_the_end_is_kept_free_for_packs() -> None:
    assert closing_time(600) == pytest.approx(72)
    assert closing_time(180) == pytest.approx(40)
    assert closing_time(30) == pytest.approx(10)
