"""A pane with a rate of its own: `mode-f@0.05` beside those that follow the common one."""

from __future__ import annotations

import pytest

from app.panes.names import own_rate, pane_id, parse_pane
from app.server.demands import BadRequest, check_request
from app.server.service import Service
from app.viewer.exports import Wish, table
from tests.made_up.fake_runner import FakeRunner, last

PANES = ["original", "mode-f", "mode-p", "mode-f@0.05"]


def asked(runner: FakeRunner) -> list[tuple[str, tuple[str, ...], float]]:
    """What was coded, in its order."""
    return [(job.codec, job.anchors, job.bpp) for job in runner.jobs]


def test_its_name_says_its_rate() -> None:
    assert parse_pane("mode-0.35@0.05") == ("mode", "0.35")
    assert own_rate("mode-0.35@0.05") == 0.05
    assert own_rate("mode-0.35") is None
    assert own_rate("jpeg@0.12345678") == 0.123457
    assert pane_id("mode", "fidelity", 0.0500) == "mode-f@0.05"
    assert parse_pane("elic.public@1") == ("elic.public", "")


def test_one_codec_stands_twice_at_two_sizes(
    service: Service, runner: FakeRunner, key: str
) -> None:
    end = last(service.compare(key, PANES, 0.1))
    assert asked(runner) == [
        ("mode", ("fidelity", "perception"), 0.1),
        ("mode", ("fidelity",), 0.05),
    ]
    assert [slot.id for slot in end.slots] == PANES
    assert all(slot.state == "ready" for slot in end.slots)
    assert len({slot.key for slot in end.slots}) == len(PANES)
    panes = {pane["id"]: pane for pane in end.as_json()["panes"]}
    assert panes["mode-f@0.05"]["own_bpp"] == 0.05
    assert panes["mode-f"]["own_bpp"] is None
    assert panes["mode-f@0.05"]["label"] == f"{panes['mode-f']['label']} at 0.05 bpp"
    assert panes["mode-f@0.05"]["codec"] == "mode"


def test_at_the_common_rate_it_needs_no_file_of_its_own(
    service: Service, runner: FakeRunner, key: str
) -> None:
    end = last(service.compare(key, ["original", "jpeg", "jpeg@0.1"], 0.1))
    assert asked(runner) == [("jpeg", ("",), 0.1)]
    assert end.slots[1].key == end.slots[2].key
    assert [slot.state for slot in end.slots[1:]] == ["ready", "ready"]


def test_a_rate_of_more_digits_is_that_of_its_name(service: Service, key: str) -> None:
    end = last(service.compare(key, ["original", "jpeg@0.1234567"], 0.1))
    assert [slot.id for slot in end.slots] == ["original", "jpeg@0.123457"]
    assert end.slots[1].state == "ready"


def test_the_same_pane_written_twice_is_one_pane(
    service: Service, runner: FakeRunner, key: str
) -> None:
    panes = ["original", "jpeg@0.5", "jpeg@0.50", "elic", "elic", "jpeg@.5"]
    end = last(service.compare(key, panes, 0.1))
    assert [slot.id for slot in end.slots] == ["original", "jpeg@0.5", "elic"]
    assert len(asked(runner)) == 2


def test_another_common_rate_leaves_it_as_it_is(
    service: Service, runner: FakeRunner, key: str
) -> None:
    last(service.compare(key, ["original", "jpeg", "jpeg@0.3"], 0.1))
    end = last(service.compare(key, ["original", "jpeg", "jpeg@0.3"], 0.2))
    assert [rate for *_, rate in asked(runner)] == [0.1, 0.3, 0.2]
    assert [slot.state for slot in end.slots] == ["ready", "ready", "ready"]


def test_what_begins_and_what_it_takes_is_told_of_its_file_alone(
    service: Service, runner: FakeRunner, key: str
) -> None:
    runner.pace.learn("jpeg", "encode", 4096, 1.0)
    runner.pace.learn("jpeg", "decode", 4096, 1.0)
    moments = list(service.compare(key, ["original", "jpeg", "jpeg@0.3"], 0.1))
    begun = [[slot.begun for slot in moment.slots[1:]] for moment in moments]
    assert [True, False] in begun
    assert [True, True] not in begun
    waiting = [slot.expected_s for moment in moments for slot in moment.slots[1:] if not slot.facts]
    assert any(waiting)


def test_a_codec_that_fails_fails_at_each_rate(
    service: Service, runner: FakeRunner, key: str
) -> None:
    runner.broken = "webp"
    end = last(service.compare(key, ["original", "webp", "jpeg@0.3", "webp@0.3"], 0.1))
    assert [slot.state for slot in end.slots] == ["ready", "failed", "ready", "failed"]


@pytest.mark.parametrize(
    ("pane", "said"),
    [
        ("elic@9", "the rate of 'elic@9' is 9 bpp; it must lie between 0.001 and 8"),
        ("elic@0.0001", "0.0001 bpp; it must lie between"),
        ("elic@", "there is no pane 'elic@'"),
        ("elic@1e-1", "there is no pane"),
        ("elic@0.1@0.2", "there is no pane"),
        ("original@0.1", "there is no pane"),
        (f"opened-{'0' * 32}@0.1", "there is no pane"),
        ("elic@٣", "there is no pane"),
    ],
)
def test_what_cannot_be_is_a_sentence(pane: str, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_request([pane], 0.1)
    assert said in str(refused.value)


def test_in_a_table_it_has_its_rate_in_its_name_and_is_never_the_best(
    service: Service, key: str
) -> None:
    end = last(service.compare(key, ["original", "mode-f", "mode-p", "mode-p@0.9"], 0.1))
    keys = tuple(slot.key for slot in end.slots[1:])
    text = table(service, Wish("markdown", key, keys, bpp=0.1))
    assert "modeperception at 0.9 bpp" in text
    assert "**" not in next(line for line in text.splitlines() if "at 0.9 bpp" in line)
    assert text.count(" bpp (") == 1
