"""A blind test from its making to its result, over plain HTTP."""

from __future__ import annotations

import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from app.blind import opened, rater, results, tests
from app.blind.preparing import bare
from app.blind.results import together
from app.blind.wish import Wish
from app.server.process import WorkerLost
from mode_core.pictures.files import png_bytes
from mode_core.votes.ranking import rank
from mode_core.votes.sheet import Sheet, read_votes
from tests.blind.house import House, answer, brightness
from tests.conftest import Shell, make_photo

SCENE = {"id": "astronaut", "name": "Astronaut"}


@pytest.fixture
def house() -> House:
    return House()


def rows_of(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]


def test_alone_the_result_follows_and_names_what_was_liked(
    house: House, shell: Shell, tmp_path: Path
) -> None:
    made = house.makes()
    joined = house.asks("join", test=made["test"])
    assert len(joined["trials"]) == 20
    answers = house.answers(made["test"], joined, brightness)
    told = house.asks("finish", test=made["test"], rater=joined["rater"], answers=answers)
    assert told["shown"]
    assert (told["checks"], told["right"]) == (2, 2)
    (field,) = told["fields"]
    assert max(field["rows"], key=lambda row: float(row[4]))[1] == "mode-p@0.1"
    assert "One rater and one picture" in " ".join(field["about"])
    # the file that the page saves is read by the command as it is
    file = tmp_path / told["file"]
    file.write_text(told["csv"])
    assert "mode-p@0.1" in shell.does("votes", file)
    row = rows_of(told["csv"])[0]
    expected = {"zoom": "2", "flips": "4", "device_pixel_ratio": "1.5", "resolution": "390x844"}
    assert expected.items() <= row.items()
    assert (row["question"], row["seed"], row["layout"]) == ("closer", "7", "flip")


def test_files_name_hashes_weights_and_metrics_of_both_sides(house: House) -> None:
    made = house.makes()
    joined = house.asks("join", test=made["test"])
    answers = [answer("left")] * 20
    told = house.asks("finish", test=made["test"], rater=joined["rater"], answers=answers)
    rows = rows_of(told["csv"])
    for row in rows:
        for side in ("left", "right"):
            assert (len(row[f"{side}_sha256"]) == 64) == (row[side] != "original")
            assert bool(row[f"{side}_psnr"]) == (row["kind"] == "pair")
    votes, wrong = read_votes([Sheet("a", told["csv"])])
    assert wrong == []
    assert len(votes) == 20


def test_twenty_raters_at_once_rank_what_they_all_prefer(tmp_path: Path, shell: Shell) -> None:
    folder = tmp_path / "votes"
    folder.mkdir()
    house = House(folder)
    made = house.makes(alone=False, pictures=house.scenes, trials=10)

    def sits(_: int) -> dict[str, Any]:
        joined = house.asks("join", test=made["test"])
        answers = house.answers(made["test"], joined, brightness)
        return house.asks("finish", test=made["test"], rater=joined["rater"], answers=answers)

    with ThreadPoolExecutor(20) as pool:
        told = [*pool.map(sits, range(20))]
    assert told == [{"shown": False, "said": ""}] * 20
    state = house.asks("state", **made)
    assert (state["joined"], state["finished"]) == (20, 20)
    early = house.asks("result", **made, files=[])
    assert "close the test first" in early["error"]
    house.asks("close", **made)
    joint = house.asks("result", **made, files=[])
    (field,) = joint["fields"]
    assert field["rows"][0][1] == "mode-p@0.1"
    assert field["rows"][0][0] == "1"
    files = sorted(folder.rglob("*.csv"))
    assert len(files) == 20
    assert "20 raters" in shell.does("votes", *files)
    # the joint file is the same votes
    votes, wrong = read_votes([Sheet("joint", joint["csv"])])
    assert wrong == []
    assert rank(votes).fields[0].standings[0].candidate == "mode-p@0.1"


def test_nobody_sees_anything_before_the_end(house: House) -> None:
    made = house.makes(alone=False)
    joined = house.asks("join", test=made["test"])
    me = {"test": made["test"], "rater": joined["rater"]}
    answers = house.answers(made["test"], joined, brightness)
    some = house.asks("finish", **me, answers=answers[:7])
    assert "7 of 20" in some["error"]
    assert house.asks("finish", **me, answers=answers) == {"shown": False, "said": ""}
    assert house.asks("result", **me, answers=answers) == {"shown": False}
    other = house.asks("join", test=made["test"])
    house.asks("close", **made)
    assert house.asks("result", **me, answers=answers)["shown"]
    assert "closed" in house.asks("join", test=made["test"])["error"]
    # who was in the middle may see what there is of it, and nothing of others
    late = house.asks("finish", test=made["test"], rater=other["rater"], answers=answers[:15])
    assert len(late["own"]) == 15


def test_each_sees_the_own_result_where_the_host_wants_that(house: House) -> None:
    made = house.makes(alone=False, each=True)
    joined = house.asks("join", test=made["test"])
    me = {"test": made["test"], "rater": joined["rater"]}
    answers = house.answers(made["test"], joined, brightness)
    assert house.asks("result", **me, answers=answers) == {"shown": False}
    assert house.asks("finish", **me, answers=answers)["shown"]


def test_sealed_files_get_their_names_on_the_host_s_page(house: House) -> None:
    made = house.makes(alone=False)
    sealed = []
    for at in range(3):
        joined = house.asks("join", test=made["test"])
        answers = house.answers(made["test"], joined, brightness)
        text = json.dumps({"test": made["test"], "rater": joined["rater"], "answers": answers})
        assert "mode" not in text
        digest = sha256(text.encode()).hexdigest()
        me = {"test": made["test"], "rater": joined["rater"]}
        assert house.asks("count", **me, sealed=digest) == {"shown": False, "said": ""}
        assert "other answers already" in house.asks("count", **me, sealed="0" * 64)["error"]
        assert "SHA-256" in house.asks("count", **me)["error"]
        sealed.append({"name": f"{at}.json", "text": text})
    house.asks("close", **made)
    joint = house.asks("result", **made, files=sealed)
    assert "3 raters" in joint["about"][0]
    again = house.asks("result", **made, files=[*sealed, sealed[0]])
    assert "already in" in again["error"] or "given twice" in again["error"]
    stranger = {"name": "x.json", "text": json.dumps({"test": "0" * 32})}
    assert "another test" in house.asks("result", **made, files=[stranger])["error"]
    changed = {"name": "c.json", "text": sealed[0]["text"].replace('"left"', '"right"')}
    table = {"name": "x.csv", "text": "rater;answer\n"}
    some = house.asks("result", **made, files=[changed, sealed[1], table, stranger])
    assert "1 rater," in some["about"][0]
    assert [one.partition(" is left out: ")[0] for one in some["faults"]] == [
        "c.json", "x.json", "x.csv",
    ]  # fmt: skip
    named = {"name": "joint.csv", "text": joint["csv"]}
    assert house.asks("result", **made, files=[named])["fields"] == joint["fields"]


def test_names_of_pictures_say_nothing_and_belong_to_one_rater(house: House) -> None:
    made = house.makes(alone=False)
    first, second = (house.asks("join", test=made["test"]) for _ in range(2))
    names = [
        one[side]
        for joined in (first, second)
        for one in joined["trials"]
        for side in ("left", "right", "original")
    ]
    assert len({*names}) == len(names)
    assert house.asks("join", test=made["test"], rater=first["rater"]) == first
    marks = [{one.partition("/")[0] for one in part} for part in (names[:60], names[60:])]
    assert [len(one) for one in marks] == [1, 1]
    name = names[0].partition("/")[2]
    for mark in (*marks[1], "x", first["rater"]):
        address = f"/mode/blind/{made['test']}/{mark}/{name}.png"
        assert house.client.get(address).status_code == 404


def test_a_look_at_the_page_takes_no_seat(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "MOST_RATERS", 1)
    made = house.makes(alone=False, pictures=house.scenes)
    looks = [house.asks("state", test=made["test"]) for _ in range(3)]
    assert {one["refused"] for one in looks} == {""}
    joined = house.asks("join", test=made["test"])
    assert joined["unequal"] == looks[0]["unequal"]
    assert "all the raters" in house.asks("state", test=made["test"])["refused"]
    house.asks("close", **made)
    assert "closed" in house.asks("state", test=made["test"])["refused"]


def test_a_seat_on_which_nothing_was_answered_is_free_after_a_while(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "MOST_RATERS", 2)
    made = house.makes(alone=False)
    one, other = (house.asks("join", test=made["test"]) for _ in range(2))
    # the first trial, and the second in advance, are there before any answer
    for joined, seen in ((one, 3), (other, 2)):
        for trial in joined["trials"][:seen]:
            house.image(made["test"], trial["left"])
    assert "all the raters" in house.asks("join", test=made["test"])["error"]
    monkeypatch.setattr(rater, "LEFT_S", -1.0)
    third = house.asks("join", test=made["test"])
    assert [trial["width"] for trial in third["trials"]]
    assert "no rater" in house.asks("finish", test=made["test"], rater=other["rater"])["error"]
    assert house.asks("join", test=made["test"], rater=one["rater"]) == one
    monkeypatch.setattr(rater, "LEFT_S", 1800.0)
    assert house.asks("state", **made)["joined"] == 2
    assert "all the raters" in house.asks("join", test=made["test"])["error"]


def test_a_ranking_that_takes_too_long_says_so_and_costs_nobody_anything(house: House) -> None:
    made = house.makes(trials=10)
    joined = house.asks("join", test=made["test"])
    reader = house.service.runner.reader
    call = reader._worker.call

    def slow(task: Any, *args: Any, **how: Any) -> Any:
        if task is results.ranked:
            raise WorkerLost("too slow")
        return call(task, *args, **how)

    reader._worker.call = slow  # type: ignore[method-assign]
    sent = {"test": made["test"], "rater": joined["rater"], "answers": [answer("left")] * 10}
    told = house.asks("finish", **sent)
    assert told["unranked"].startswith("the ranking took more than 15 s or 2 GB and was stopped")
    assert len(rows_of(told["csv"])) == 10
    assert not reader._turns._distrusted


def test_nothing_is_made_once_the_first_trial_can_be_seen(house: House) -> None:
    """So no picture can be slower than another because its codec is."""
    made = house.makes()
    jobs = len(house.runner.jobs)
    joined = house.asks("join", test=made["test"])
    house.answers(made["test"], joined, brightness)
    assert len(house.runner.jobs) == jobs


def test_an_identical_pair_is_identical_and_a_check_has_the_original(house: House) -> None:
    made = house.makes(panes=["mode-f", "mode-p"])
    joined = house.asks("join", test=made["test"])
    kinds = {"same": 0, "check": 0}
    for trial in joined["trials"]:
        left, right, original = (
            house.image(made["test"], trial[side]).tobytes()
            for side in ("left", "right", "original")
        )
        kinds["same"] += left == right
        kinds["check"] += original in (left, right)
    assert kinds == {"same": 1, "check": 2}


def test_what_a_png_says_beside_its_pixels_is_left_out() -> None:
    photo = make_photo(16, 24)
    with_note = png_bytes(photo, "Made with somebody's weights, CC-BY-NC")
    assert b"CC-BY-NC" in with_note
    assert bare(with_note) == png_bytes(photo)


def test_opened_pictures_are_candidates(house: House) -> None:
    photo, fine = make_photo(64, 96), make_photo(64, 96) // 2
    keys = [
        house.client.post("/mode/photo", content=png_bytes(one)).json()["key"]
        for one in (photo, fine)
    ]
    wish = {"picture": keys[0], "made": keys[1], "name": "=their codec", "bytes": 1234}
    pane = house.client.post("/mode/pane", json=wish).json()["id"]
    scene = {"id": keys[0], "name": "mine.png", "spots": []}
    made = house.makes(pictures=[scene], panes=["original", pane, "elic"], trials=10)
    joined = house.asks("join", test=made["test"])
    assert joined["trials"][0]["spot"] is None
    told = house.asks(
        "finish", test=made["test"], rater=joined["rater"], answers=[answer("left")] * 10
    )
    rows = rows_of(told["csv"])
    assert {"'=their codec", "elic@0.1"} <= {row["left"] for row in rows} | {
        row["right"] for row in rows
    }
    assert {row["unequal_bytes"] for row in rows if row["kind"] == "pair"} == {"yes"}
    assert joined["unequal"] == 8
    two = [scene, house.scenes[0]]
    assert (
        "belong to one original"
        in house.asks("make", **house.wish | {"pictures": two, "panes": [pane, "elic"]})["error"]
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"trials": 9}, "10 to 120 trials"),
        ({"trials": True}, "10 to 120 trials"),
        ({"seed": -1}, "seed"),
        ({"seed": 10**15}, "seed"),
        ({"seed": "7"}, "expected"),
        ({"question": "which"}, "must be one of"),
        ({"pictures": []}, "1 to 24 pictures"),
        ({"pictures": [{"id": "astronaut"}]}, "given by id, name and spots"),
        ({"pictures": [SCENE | {"spots": [[1, 2, 3]]}]}, "each spot"),
        ({"pictures": [SCENE | {"spots": [[float("nan"), 0, 3]]}]}, "each spot"),
        ({"panes": ["elic"]}, "2 to 11 different candidates"),
        ({"panes": ["elic", "elic@0.1"]}, "2 to 11 different candidates"),
        ({"panes": ["elic", 7]}, "names of panes"),
        ({"panes": ["elic", "nonsense"]}, "no pane"),
        ({"panes": ["elic", "jpeg@0.03"], "across": True}, "checks show"),
        ({"panes": ["elic", "jpeg", "dlf@0.02"]}, "dlf@0.02 has no partner"),
        ({"bpp": float("inf")}, "must lie between"),
        ({"bpp": 10**400}, "must lie between"),
        ({"question": "\ud800"}, "halves of letters"),
        ({"pictures": [SCENE | {"name": "\udfff"}]}, "halves of letters"),
        ({"panes": [f"mode-{at / 100}" for at in range(13)]}, "12 is the most"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_one_sentence(house: House, changed: Any, said: str) -> None:
    answer = house.client.post("/mode/blind/make", content=json.dumps({**house.wish, **changed}))
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    "body", [b"[]", b"7", b"null", b"{", b"[" * 100_000, b'{"test": []}', b'{"test": {}}']
)
@pytest.mark.parametrize("what", ["make", "state", "cancel", "join", "finish", "close", "result"])
def test_hostile_json_is_refused_in_a_sentence(house: House, what: str, body: bytes) -> None:
    answer = house.client.post(f"/mode/blind/{what}", content=body)
    assert answer.status_code == 200
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        7, [], [{}], ["left"], [answer("middle")], [answer(["left"])], [answer("left", flips=-1)],
        [answer("left", flips=1.5)], [answer("left", seconds=-1)], [answer("left", seconds=True)],
        [answer("left", zoom="2")], [answer("left", time="yesterday")], [answer("left", time=7)],
        [answer("left", screen="=1+1")], [answer("left")] * 21,
    ],
)  # fmt: skip
def test_answers_that_cannot_be_are_refused(house: House, wrong: Any) -> None:
    made = house.makes()
    rater = house.asks("join", test=made["test"])["rater"]
    assert house.asks("finish", test=made["test"], rater=rater, answers=wrong)["error"]


def test_only_the_host_closes_and_only_raters_finish(house: House) -> None:
    made = house.makes(alone=False)
    for host in ("", "0" * 32, 7, None, "é"):
        for what in ("close", "cancel", "state", "result"):
            assert "host" in house.asks(what, test=made["test"], host=host)["error"]
    done = house.asks("finish", test=made["test"], rater="0" * 32, answers=[])
    assert "no rater of this test" in done["error"]


def test_a_codec_that_fails_is_named_to_the_host_alone(house: House) -> None:
    house.runner.broken = "elic"
    made = house.asks("make", **house.wish)
    while (state := house.asks("state", **made))["state"] == "preparing":
        sleep(0.01)
    assert "elic@0.1 cannot be shown, so leave it out: elic is broken" in state["error"]
    assert "elic" not in json.dumps(house.asks("state", test=made["test"]))
    assert "not ready" in house.asks("join", test=made["test"])["error"]


def test_cancelling_stops_the_making(house: House) -> None:
    house.runner.turns.acquire()
    while house.runner.turns.acquire(blocking=False):
        pass
    made = house.asks("make", **house.wish)
    house.runner.started.wait(10)
    house.asks("cancel", **made)
    for _ in range(10):
        house.runner.turns.release()
    while house.asks("state", **made)["state"] != "failed":
        sleep(0.01)
    assert len(house.runner.jobs) < 4


def test_tests_and_their_raters_are_so_many_and_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "MOST_RATERS", 2)
    made = house.makes(alone=False)
    for _ in range(2):
        house.asks("join", test=made["test"])
    assert "all the raters" in house.asks("join", test=made["test"])["error"]
    alone = house.makes()
    house.asks("join", test=alone["test"])
    assert "all the raters" in house.asks("join", test=alone["test"])["error"]
    monkeypatch.setattr(tests, "LIFE_S", 0.0)
    assert "not on the server any more" in house.asks("state", **made)["error"]


def test_pictures_are_charged_to_the_memory_of_all(house: House) -> None:
    before = house.service.store.size
    made = house.makes()
    sealed = house.service.store.get(made["test"])
    assert sealed is not None
    assert house.service.store.size - before > sum(map(len, sealed.pngs.values()))  # type: ignore[union-attr]
    house.service.settings = replace(house.service.settings, cache_bytes=1 << 12)
    refused = house.asks("make", **house.wish)
    while (state := house.asks("state", **refused))["state"] == "preparing":
        sleep(0.01)
    assert "more than 0 MB" in state["error"]


def test_without_a_folder_the_server_is_sent_no_votes_to_keep(house: House, tmp_path: Path) -> None:
    made = house.makes(alone=False)
    assert house.asks("state", test=made["test"])["stored"] is False
    stored = House(tmp_path)
    made = stored.makes(alone=False)
    assert stored.asks("state", test=made["test"])["stored"] is True
    assert stored.asks("state", test=stored.makes()["test"])["stored"] is False


def test_answers_are_handed_in_only_once_they_lie_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "votes"
    house = House(folder)
    made = house.makes(alone=False, trials=10)
    rater = house.asks("join", test=made["test"])["rater"]
    sent = {"test": made["test"], "rater": rater, "answers": [answer("left")] * 10}
    for _ in range(2):
        assert "save them as a file" in house.asks("finish", **sent)["said"]
    folder.mkdir()
    assert house.asks("finish", **sent)["said"] == ""
    assert len([*folder.rglob("*.csv")]) == 1


def test_who_finishes_after_the_end_is_told_that_nothing_is_stored(tmp_path: Path) -> None:
    house = House(tmp_path)
    made = house.makes(alone=False, trials=10)
    rater = house.asks("join", test=made["test"])["rater"]
    house.asks("close", **made)
    sent = {"test": made["test"], "rater": rater, "answers": [answer("left")] * 10}
    told = house.asks("finish", **sent)
    assert told["shown"]
    assert "closed before you finished" in told["said"]
    assert [*tmp_path.rglob("*.csv")] == []


def test_consent_is_what_the_documentation_says_and_names_what_is_stored() -> None:
    root = Path(__file__).parents[2]
    page = (root / "app/blind/static/blind.js").read_text(encoding="utf-8")
    (said,) = re.findall(r'"(When you finish, your answers[^"]*)"', page)
    docs = " ".join((root / "docs/blind.md").read_text(encoding="utf-8").split())
    assert said in docs
    for named in ("seconds", "time", "zoom", "flipped", "size", "pixel ratio"):
        assert named in said


def test_count_is_only_for_tests_whose_answers_stay_with_raters(house: House) -> None:
    for changed in ({}, {"alone": False, "each": True}):
        made = house.makes(**changed)
        rater = house.asks("join", test=made["test"])["rater"]
        told = house.asks("count", test=made["test"], rater=rater, sealed="0" * 64)
        assert "wants the answers" in told["error"]


def test_answers_are_worth_something_without_the_pictures(house: House) -> None:
    made = house.makes(alone=False)
    rater = house.asks("join", test=made["test"])["rater"]
    name = house.asks("join", test=made["test"], rater=rater)["trials"][0]["left"]
    house.service.store.get = lambda _: None  # type: ignore[method-assign]
    sent = {"test": made["test"], "rater": rater, "answers": [answer("left")] * 20}
    assert "memory" in house.asks("join", test=made["test"])["error"]
    assert house.client.get(f"/mode/blind/{made['test']}/{name}.png").status_code == 404
    house.asks("close", **made)
    assert house.asks("finish", **sent)["shown"]


def test_numbers_out_of_range_are_clamped_so_that_no_answers_are_lost(house: House) -> None:
    made = house.makes(trials=10)
    rater = house.asks("join", test=made["test"])["rater"]
    answers = [answer("left", seconds=1e9, ratio=40, flips=10**400, zoom=10**400)] * 10
    told = house.asks("finish", test=made["test"], rater=rater, answers=answers)
    row = rows_of(told["csv"])[0]
    assert (row["seconds"], row["device_pixel_ratio"], row["zoom"]) == ("86400", "16", "64")


def test_files_of_strangers_are_joined_as_votes_are_read_and_run_as_nothing() -> None:
    head = "rater;trial;kind;picture;left;right;answer;seconds;=HYPERLINK(1);left_psnr;right_psnr"
    first = f"\ufeff{head}\na;1;pair;=p;elic;dlf;left;1,5;-2;30,5;'@x\n"
    second = "rater,trial,note\nb,1,+1\n"
    lines = [*csv.reader(io.StringIO(together([first, second])))]
    assert lines[0][:2] == ["rater", "trial"]
    assert lines[0][8] == "'=hyperlink(1)" or lines[0][8] == "'=HYPERLINK(1)"
    assert lines[1][3] == "'=p"
    assert lines[1][7:11] == ["1.5", "-2", "30.5", "'@x"]
    assert lines[2][-1] == "'+1"


def test_an_opened_picture_takes_no_coded_one_s_name(house: House) -> None:
    photo = make_photo(64, 96)
    keys = [
        house.client.post("/mode/photo", content=png_bytes(one)).json()["key"]
        for one in (photo, photo // 2)
    ]
    wish = {"picture": keys[0], "made": keys[1], "name": "elic@0.1", "bytes": 1234}
    pane = house.client.post("/mode/pane", json=wish).json()["id"]
    scene = {"id": keys[0], "name": "mine.png", "spots": []}
    asked = house.wish | {"pictures": [scene], "panes": [pane, "elic"]}
    assert [*Wish.parse(asked, house.service).panes] == ["elic@0.1", "elic@0.1 (2)"]


def test_a_seed_of_fifteen_digits_repeats_the_trials_and_is_told_only_at_the_end(
    house: House,
) -> None:
    seed = 10**15 - 1
    orders = []
    for _ in range(2):
        made = house.makes(trials=10, seed=seed)
        joined = house.asks("join", test=made["test"])
        state = house.asks("state", **made)
        assert str(seed) not in json.dumps([joined, state])
        sent = {"test": made["test"], "rater": joined["rater"], "answers": [answer("left")] * 10}
        rows = rows_of(house.asks("finish", **sent)["csv"])
        assert {row["seed"] for row in rows} == {str(seed)}
        orders.append([(row["left"], row["right"]) for row in rows])
    assert orders[0] == orders[1]
