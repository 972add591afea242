"""Public weights beside the bundled ones: a choice, with their licence wherever they show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from app.about import about_page
from app.explorer.curves import live_curves, our_curves
from app.explorer.figure import styles
from app.explorer.library import Library
from app.explorer.view import Wish as RDWish
from app.explorer.view import answer
from app.panes.names import DEFAULT_PANES, default_panes
from app.panes.weights import licence_of, maker_name, public_makers
from app.server import jobs as work
from app.server.demands import check_request
from app.server.jobs import Job
from app.server.opening import BPP, PICTURE, opening
from app.server.service import Service
from app.server.store import Decoded, StoredFile
from app.settings import Settings
from app.viewer.component import catalogue
from app.viewer.exports import Wish, table
from app.viewer.figures import Figures
from app.viewer.figures import Wish as FigureWish
from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.codecs.catalogue import licence_of as licence_of_set
from mode_core.codecs.registry import load_codec
from mode_core.errors import WeightsUnavailable
from mode_core.pictures.files import png_bytes
from mode_core.types import Image, Reconstruction
from mode_core.weights import sets
from mode_core.weights.sets import FOLDER_VARIABLE, all_weights
from tests.made_up.fake_runner import FakeRunner, last
from tests.made_up.illm_nets import published, small
from tests.made_up.public_nets import save
from tests.made_up.results import made_up_rows

PUBLIC, LICENCE = "ms-illm.public", "CC-BY-NC 4.0"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with one small MS-ILLM, imported as its authors' would be."""
    home = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(home))
        file = save(published(small()), tmp_path_factory.mktemp("net") / "msillm.ckpt")
        import_checkpoint("ms-illm", Origin(file), "msillm", "ms-illm-3")
        load_codec.cache_clear()
        yield home
    load_codec.cache_clear()


def menu() -> set[str]:
    return {choice["codec"] for choice in catalogue()["choices"]}


def test_a_codec_that_waits_for_its_weights_is_not_in_the_menu(
    toy_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert {"elic", "vq", "mode", "hdc", "jpeg"} <= menu()
    assert not {"dlf", "ms-illm"} & menu()
    # where nothing is bundled, the menu says what there could be
    monkeypatch.setattr(sets, "BUNDLED", tmp_path / "none")
    assert {"dlf", "hdc", "jpeg"} <= menu()


def stored(picture: Reconstruction) -> StoredFile:
    return StoredFile("", picture.file, picture.bitstream)


@pytest.fixture
def service() -> Service:
    return Service(Settings(queue_length=2), FakeRunner())


@pytest.mark.usefixtures("home")
def test_without_imported_weights_nothing_on_the_page_speaks_of_them() -> None:
    assert public_makers() == []
    assert all("group" not in one and "terms" not in one for one in catalogue()["choices"])
    assert "public" not in about_page().split("## Other people")[0]
    assert " is here. " not in about_page()


@pytest.mark.weights
@pytest.mark.usefixtures("imported")
def test_a_codec_offers_its_bundled_and_its_public_weights() -> None:
    assert public_makers() == [PUBLIC]
    choices = {one["id"]: one for one in catalogue()["choices"]}
    assert choices["ms-illm"]["group"].endswith(" (bundled)")
    assert choices[PUBLIC]["group"] == "public (authors' weights)"
    assert choices[PUBLIC]["label"] == "MS-ILLM public"
    assert "non-commercial" in choices[PUBLIC]["terms"]
    assert (choices["jpeg"]["group"], choices["mode-f"]["terms"]) == ("", "")


@pytest.mark.usefixtures("imported")
def test_public_weights_make_files_that_open_as_theirs(photo: Image) -> None:
    made = work.run_job(Job(PUBLIC, ("",), 0.3, photo))
    assert made.error == ""
    again = work.open_file(stored(made.pictures[0]))
    for one in (made, again):
        assert (one.codec, one.pictures[0].label) == (PUBLIC, "MS-ILLM public")
    assert np.array_equal(again.pictures[0].image, made.pictures[0].image)


@pytest.mark.usefixtures("imported")
def test_the_licence_stands_in_panes_tables_and_figures(service: Service, photo: Image) -> None:
    key = service.add_photo(png_bytes(photo)).key
    shown = last(service.compare(key, ["original", "ms-illm", PUBLIC], 0.3)).as_json()["panes"]
    assert [pane["licence"] for pane in shown] == ["", "", LICENCE]
    assert shown[1]["key"] != shown[2]["key"]
    keys = tuple(pane["key"] for pane in shown[1:])
    for kind in ("markdown", "latex", "csv"):
        lines = [line for line in table(service, Wish(kind, key, keys)).splitlines()]
        assert [LICENCE in line for line in lines].count(True) == 1
    asked = {"kind": "tex", "picture": key, "keys": [*keys], "crops": [[0, 0, 30, 30]]}
    wish = FigureWish.parse(asked | {"options": {"metrics": ["psnr"]}})
    tex = Figures(service).answer(wish, "", lambda: True).decode()
    assert f"{PUBLIC} (authors' weights: {LICENCE})" in tex


def test_measured_public_curves_are_their_own_and_carry_the_licence() -> None:
    ours = [row for row in made_up_rows() if row.codec == "ms-illm"]
    theirs = [row._replace(profile="public") for row in ours]
    curves = our_curves([*ours, *theirs])
    assert [(one.label, one.licence) for one in curves] == [
        ("MS-ILLM", ""),
        ("MS-ILLM public", LICENCE),
    ]
    assert len({one.group for one in curves}) == 2
    looks = styles(curves, [])
    assert len({look.symbol for look in looks.values()}) == 2
    told = answer(Library((), tuple(curves), ()), RDWish())["curves"]
    assert [one["licence"] for one in told] == ["", LICENCE]
    (now,) = live_curves({"rows": [{"codec": PUBLIC, "bpp": 0.1, "psnr": 30}]})
    assert (now.label, now.licence) == ("MS-ILLM public", LICENCE)


@pytest.mark.usefixtures("imported")
def test_about_states_the_terms_of_public_weights_that_are_here() -> None:
    (line,) = [line for line in about_page().splitlines() if "**MS-ILLM public**" in line]
    assert line.startswith(
        "- **MS-ILLM public** is here, from https://github.com/facebookresearch/"
    )
    assert ". Weights: CC-BY-NC 4.0: " in line
    assert "non-commercial use only" in line


@pytest.mark.usefixtures("imported")
def test_terms_outlive_the_card(imported: Path) -> None:
    """The licence is in the shards as well; and what is not ours is never called ours."""
    (found,) = [one for one in all_weights() if one.is_public]
    card = found.folder / "card.json"
    whole = card.read_text()
    card.write_text("{broken")
    assert licence_of(PUBLIC) == LICENCE
    card.write_text(whole)  # other tests read it too
    facts = {key: value for key, value in found.facts.items() if key != "licence"}
    assert licence_of_set(replace(found, facts=facts)) == LICENCE
    assert licence_of_set(replace(found, codec="mode", facts=facts)) == "none stated"


@pytest.mark.usefixtures("imported")
def test_the_terms_travel_in_every_picture(photo: Image) -> None:
    ours, theirs = (work.run_job(Job(id, ("",), 0.3, photo)) for id in ("jpeg", PUBLIC))
    again = work.open_file(stored(theirs.pictures[0]))
    kept = [Decoded.of(one.pictures[0]) for one in (ours, theirs, again)]
    notes = [Pillow.open(BytesIO(one.png)).info for one in kept]
    assert notes == [{}, *[{"Comment": f"weights ms-illm-3: {LICENCE}"}] * 2]
    assert [one.maker for one in kept] == ["jpeg", PUBLIC, PUBLIC]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "pane", [PUBLIC, "jpeg.public", "ms-illm.public/x", "elic.publc", "hdc.public"]
)
def test_weights_that_are_not_here_leave_the_other_panes_alone(pane: str, photo: Image) -> None:
    check_request(["original", "jpeg", pane], 0.3)
    assert "are not on this server" in work.run_job(Job(pane, ("",), 0.3, photo)).error


@pytest.mark.usefixtures("imported")
def test_a_damaged_set_takes_nothing_from_the_others_of_its_family(
    imported: Path, photo: Image
) -> None:
    broken = imported / "ms-illm-4"
    broken.mkdir()
    shard = (imported / "ms-illm-3" / "00.safetensors").read_bytes()
    (broken / "00.safetensors").write_bytes(shard[:-9])
    load_codec.cache_clear()
    assert work.run_job(Job(PUBLIC, ("",), 8, photo)).error == ""


def test_public_weights_stand_in_where_none_are_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    def need(maker: str) -> None:
        if maker == "dlf":
            raise WeightsUnavailable("none here")

    monkeypatch.setattr("app.panes.names.need_weights", need)
    monkeypatch.setattr("app.panes.names.public_makers", lambda: [PUBLIC])
    assert default_panes()[1] == "Without DLF: none here"
    monkeypatch.setattr("app.panes.names.public_makers", lambda: ["dlf.public", PUBLIC])
    panes, missing = default_panes()
    assert missing == ""
    assert "ms-illm" in panes
    assert "dlf.public" in panes


def test_a_page_may_open_with_authors_weights_where_they_are_here(
    monkeypatch: pytest.MonkeyPatch, photo: Image
) -> None:
    monkeypatch.setattr("app.panes.names.need_weights", lambda maker: None)
    monkeypatch.setattr("app.panes.names.public_makers", lambda: [PUBLIC, "mode.public"])
    theirs = ("original", "mode.public-f", "mode.public-p", "elic", PUBLIC, "dlf")
    assert default_panes("public") == (theirs, "")
    assert default_panes() == (DEFAULT_PANES, "")
    service = Service(Settings(profile="public"), FakeRunner())
    for _ in range(2):
        first = opening(service)["panes"]
        assert [pane["id"] for pane in first] == [*theirs]
        assert {pane["state"] for pane in first[1:]} == {"waiting"}  # though it is in memory then
        last(service.compare(PICTURE, (), BPP))
    key = service.add_photo(png_bytes(photo)).key
    assert [slot.id for slot in last(service.compare(key, [], 0.3)).slots] == [*theirs]
    named = last(service.compare(key, ["ms-illm", "dlf"], 0.3))
    assert [slot.id for slot in named.slots] == ["ms-illm", "dlf"]


def test_a_profile_that_does_not_exist_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE_PROFILE", "public")
    assert Settings.from_environment().profile == "public"
    monkeypatch.setenv("MODE_PROFILE", "publik")
    with pytest.raises(SystemExit, match="MODE_PROFILE is 'publik'; it must be public"):
        Settings.from_environment()


def test_names_of_makers() -> None:
    assert maker_name("ms-illm", "tiny") == "ms-illm"
    assert maker_name("ms-illm", "public-nogan") == "ms-illm.public-nogan"
    assert licence_of("elic.public") == "no licence stated"
    assert licence_of("elic") == ""
