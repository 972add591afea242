"""Pictures that were decoded elsewhere: beside which original, of what size, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from app.panes.names import LONGEST_NAME, opened_pane, plain_name
from app.server.collection import sorted_out
from app.server.demands import OPENED_FOR_ANOTHER, OPENED_GONE, BadRequest, Expired
from app.server.elsewhere import Elsewhere, View
from app.server.service import Service
from app.server.store import Opened, Photo
from app.settings import MEBIBYTE, Settings
from app.viewer.exports import Wish, table
from app.viewer.region import region_metrics
from mode_core.errors import ModeError
from mode_core.metrics import measure
from mode_core.pictures.files import png_bytes
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner, last
from tests.made_up.zips import zip_of

EVIL = "=cmd()<img src=x onerror=alert(1)>\u202e\n" + 80 * "x"
SIDE = 48


def png(step: int = 0, side: int = SIDE) -> bytes:
    return png_bytes(make_photo(side, side) // 2 + step)


@pytest.fixture
def service() -> Service:
    return Service(Settings(), FakeRunner())


@pytest.fixture
def elsewhere(service: Service) -> Elsewhere:
    return Elsewhere(service)


@pytest.fixture
def photo(service: Service) -> Photo:
    return service.add_photo(png_bytes(make_photo(SIDE, SIDE)))


def opened(elsewhere: Elsewhere, photo: Photo, size: object = None, name: str = "theirs") -> Opened:
    picture = elsewhere.service.add_photo(png())
    return elsewhere.open(photo, picture, name, size)


def test_it_stands_beside_our_codecs_with_the_same_metrics(
    elsewhere: Elsewhere, photo: Photo
) -> None:
    one = opened(elsewhere, photo, 288)
    end = last(elsewhere.service.compare(photo.key, ["original", opened_pane(one.key), "jpeg"], 1))
    _, theirs, ours = end.as_json()["panes"]
    assert (theirs["label"], theirs["opened"], theirs["codec"]) == ("theirs", True, "")
    assert (theirs["bytes"], theirs["bpp"], theirs["deviation"]) == (288, 1.0, 0.0)
    assert theirs["metrics"]["psnr"] == measure(photo.pixels, one.pixels, ["psnr"]).values["psnr"]
    assert theirs["missing"] == ours["missing"]
    assert (ours["state"], ours["opened"]) == ("ready", False)


def test_its_quick_metrics_do_not_wait_for_codecs(elsewhere: Elsewhere, photo: Photo) -> None:
    one = opened(elsewhere, photo)
    seen = elsewhere.service.compare(photo.key, [opened_pane(one.key), "jpeg"], 0.1)
    first = next(snapshot for snapshot in seen if snapshot.slots[0].measured)
    assert first.slots[1].state == "waiting"


def test_a_size_that_nobody_gave_is_unknown(elsewhere: Elsewhere, photo: Photo) -> None:
    one = opened(elsewhere, photo)
    pane = last(elsewhere.service.compare(photo.key, [opened_pane(one.key)], 0.1)).as_json()
    row = pane["panes"][0]
    assert (row["bytes"], row["bpp"], row["deviation"], row["bytes_text"]) == (None, None, None, "")


@pytest.mark.parametrize("size", [0, -1, 1.5, "12", True, 10**13])
def test_a_size_that_cannot_be_is_refused(elsewhere: Elsewhere, photo: Photo, size: object) -> None:
    with pytest.raises(BadRequest, match="whole number above 0"):
        opened(elsewhere, photo, size)


def test_a_typed_size_makes_another_pane_and_measures_nothing_again(
    elsewhere: Elsewhere, photo: Photo
) -> None:
    one = opened(elsewhere, photo)
    last(elsewhere.service.compare(photo.key, [opened_pane(one.key)], 0.1))
    sized = elsewhere.resized(one.key, 100)
    assert (sized.file_bytes, sized.measured_as) == (100, one.measured_as)
    assert sized.key != one.key
    assert elsewhere.service.measured(sized)["psnr"] > 5


def test_it_fits_its_own_original_alone(elsewhere: Elsewhere, photo: Photo) -> None:
    service = elsewhere.service
    small = service.add_photo(png(side=32))
    with pytest.raises(BadRequest, match="theirs is 48 x 48 pixels, and the original is 32 x 32"):
        elsewhere.open(small, service.add_photo(png()), "theirs", None)
    pane = opened_pane(opened(elsewhere, photo).key)
    other = service.add_photo(png_bytes(make_photo(SIDE, SIDE, seed=3)))
    (slot,) = last(service.compare(other.key, [pane], 0.1)).slots
    assert (slot.state, slot.error) == ("failed", OPENED_FOR_ANOTHER)


def test_who_guesses_a_key_sees_nothing(elsewhere: Elsewhere, photo: Photo) -> None:
    (slot,) = last(elsewhere.service.compare(photo.key, [opened_pane(32 * "a")], 0.1)).slots
    assert (slot.state, slot.error, slot.key) == ("failed", OPENED_GONE, "")
    with pytest.raises(Expired):
        elsewhere.resized(32 * "a", 5)
    with pytest.raises(Expired):
        elsewhere.collection(32 * "a")


def test_it_counts_in_its_visitors_share() -> None:
    service = Service(Settings(cache_bytes=MEBIBYTE), FakeRunner())
    photo = service.add_photo(png_bytes(make_photo(SIDE, SIDE)), "quiet")
    kept = opened(Elsewhere(service), photo)
    elsewhere = Elsewhere(service)
    for step in range(60):
        picture = service.add_photo(png(step), "greedy")
        elsewhere.open(photo, picture, f"{step}", None, "greedy")
    assert service.store.size <= MEBIBYTE
    assert service.store.get(kept.key) is kept


@pytest.mark.parametrize("text", ["", " \n\t", "\u202e\u200b", "\0"])
def test_a_name_is_never_empty(text: str) -> None:
    assert plain_name(text) == "Opened picture"


def test_a_strangers_name_is_short_and_runs_nowhere(elsewhere: Elsewhere, photo: Photo) -> None:
    one = opened(elsewhere, photo, 288, EVIL)
    assert len(one.name) <= LONGEST_NAME
    assert one.name.isprintable()
    wish = {"picture": photo.key, "keys": [one.key], "bpp": 1.0}
    copies = {
        kind: table(elsewhere.service, Wish.parse({**wish, "kind": kind}))
        for kind in ("csv", "markdown", "latex")
    }
    assert copies["csv"].splitlines()[1].startswith("'=cmd()")
    assert "\\<img" in copies["markdown"]
    assert "(opened)" in copies["latex"]


def test_copies_hold_no_size_that_was_not_given(elsewhere: Elsewhere, photo: Photo) -> None:
    keys = [opened(elsewhere, photo, name=name).key for name in "ab"]
    wish = Wish.parse({"kind": "csv", "picture": photo.key, "keys": keys, "bpp": 0.1})
    assert "bpp" not in table(elsewhere.service, wish)


def test_without_a_known_size_nothing_is_best(elsewhere: Elsewhere, photo: Photo) -> None:
    panes = [opened_pane(opened(elsewhere, photo, size).key) for size in (288, 290, 600, None)]
    last(elsewhere.service.compare(photo.key, panes, 1.0))
    keys = [pane.removeprefix("opened-") for pane in panes]
    wish = Wish.parse({"kind": "markdown", "picture": photo.key, "keys": keys, "bpp": 1.0})
    bold = ["**" in line for line in table(elsewhere.service, wish).splitlines()[2:6]]
    assert bold == [True, True, False, False]


def test_its_region_is_measured_as_that_of_a_codec(elsewhere: Elsewhere, photo: Photo) -> None:
    one = opened(elsewhere, photo)
    found = region_metrics(elsewhere.service, photo.key, [one.key], [0, 0, 16, 16], slow=False)
    crops = photo.pixels[:16, :16], one.pixels[:16, :16]
    assert found[one.key]["metrics"]["psnr"] == measure(*crops, ["psnr"]).values["psnr"]


# Many at once


def images_of(
    files: Mapping[str, bytes],
) -> tuple[dict[str, tuple[str, dict[str, object]]], list[str]]:
    images, _, said = sorted_out(list(files.items()), MEBIBYTE)
    found = {
        one.name: (one.original, {m.name: m.file_bytes for m in one.members}) for one in images
    }
    return found, said


def test_folders_say_codec_rate_and_image() -> None:
    sizes = b"codec,rate,image,bytes\nelic,0.1,a,100\nelic,0.2,a.png,200\nelic,0.1,b,300\n"
    files = {
        "sizes.csv": sizes,
        "original/a.png": png(),
        "elic/0.1/a.png": png(1),
        "elic/0.2/a.png": png(2),
        "elic/0.1/b.png": png(3),
        "vtm/22/a.png": png(4),
        "vtm/22/a.bin": bytes(77),
    }
    wrapped = {f"set/{name}": data for name, data in files.items()}
    for sent in ({"all.zip": zip_of(files)}, {"all.zip": zip_of(wrapped)}):
        images, said = images_of(sent)
        assert images["a"] == (
            "original/a.png",
            {"elic 0.1": 100, "elic 0.2": 200, "vtm 22": 77},
        )
        assert images["b"] == ("", {"elic 0.1": 300})
        assert not said


def test_side_by_side_they_are_of_one_image() -> None:
    files = {"kodim01.png": png(), "kodim01_elic.png": png(1), "kodim01_vtm.png": png(2)}
    images, said = images_of(
        {**files, "sizes.csv": b"name,bytes\nkodim01_elic,5\nkodim01_vtm.png,6"}
    )
    assert images == {"kodim01": ("kodim01.png", {"kodim01_elic": 5, "kodim01_vtm": 6})}
    assert not said
    images, _ = images_of(files)
    assert images == {"kodim01": ("kodim01.png", {"kodim01_elic": None, "kodim01_vtm": None})}
    images, _ = images_of({"one.png": png(), "two.png": png(1)})
    assert images == {"": ("", {"one": None, "two": None})}


def test_the_other_file_of_a_name_is_its_bitstream() -> None:
    files = {"a.png": png(), "a.bin": bytes(9), "b.webp": bytes(4), "b.vvc": bytes(8)}
    images, said = images_of({**files, "c.png": png(), "c.bin": b"1", "c.log": b"2"})
    assert images == {"": ("", {"a": 9, "b": 8, "c": None})}
    assert said == ["2 files could be the bitstream of c.png; give bytes in sizes.csv"]


@pytest.mark.parametrize("ending", ["jpg", "webp", "avif", "jxl"])
def test_a_codec_of_pictures_has_its_own_files_beside_what_it_decoded(ending: str) -> None:
    files = {"original/a.png": png(), "theirs/q5/a.png": png(1), f"theirs/q5/a.{ending}": bytes(9)}
    for sent in (files, {f"set/{path}": data for path, data in files.items()}):
        images, said = images_of({"all.zip": zip_of(sent)})
        assert images == {"a": ("original/a.png", {"theirs q5": 9})}
        assert not said


def test_two_pictures_of_one_name_side_by_side_are_both_shown() -> None:
    files = {"photo.png": png(), "photo.jpg": png(1)}
    table = b"name,bytes\nphoto.jpg,9\nphoto.png,8\n"
    for sent in ({**files, "sizes.csv": table}, {"a.zip": zip_of({**files, "sizes.csv": table})}):
        images, said = images_of(sent)
        assert images == {"": ("", {"photo.png": 8, "photo.jpg": 9})}
        assert not said
    images, said = images_of({**files, "photo.bin": bytes(9)})
    assert images == {"": ("", {"photo.png": None, "photo.jpg": None})}
    assert said == [
        "photo.bin could be the bitstream of photo.png or photo.jpg; give bytes in sizes.csv"
    ]


def test_zips_without_codecs_are_a_codec_each_by_their_names() -> None:
    """With tables of their own, in which the same names have other sizes."""
    zips = {
        f"{codec}.zip": zip_of(
            {
                **{f"{folder}kodim0{n}.png": png(step + n) for n in (1, 2)},
                f"{folder}sizes.csv": f"name,bytes\nkodim01,{step}\nkodim02,{step + 1}\n".encode(),
            }
        )
        for codec, folder, step in (("elic", "", 10), ("vvc", "vvc/", 20), ("dlf", "", 30))
    }
    originals = {"originals.zip": zip_of({f"kodim0{n}.png": png(n) for n in (1, 2)})}
    images, said = images_of({**zips, **originals})
    assert images == {
        f"kodim0{n}": (
            f"originals/kodim0{n}.png",
            {"elic": 9 + n, "vvc": 19 + n, "dlf": 29 + n},
        )
        for n in (1, 2)
    }
    assert not said
    loose = {f"kodim0{n}.png": png(n) for n in (1, 2)}
    images, said = images_of({"elic.zip": zips["elic.zip"], **loose})
    assert images["kodim01"] == ("kodim01.png", {"elic": 10})
    assert not said


def test_zips_of_one_image_each_are_that_image_by_their_names() -> None:
    zips = {
        f"kodim0{n}.zip": zip_of(
            {"original.png": png(n), "elic.png": png(n + 9), "elic.bin": bytes(n)}
        )
        for n in (1, 2)
    }
    images, said = images_of(zips)
    assert images == {f"kodim0{n}": (f"original/kodim0{n}.png", {"elic": n}) for n in (1, 2)}
    assert not said


@pytest.mark.parametrize("folder", ["0.1/", "elic/0.1/"])
def test_zips_with_the_same_folders_are_told_apart_by_their_names(folder: str) -> None:
    zips = {
        f"{zip}.zip": zip_of({f"{folder}a.png": png(step), "original/a.png": png()})
        for zip, step in (("old", 1), ("new", 2))
    }
    images, said = images_of(zips)
    (original, made) = images["a"]
    assert (original, list(images)) == ("original/a.png", ["a"])
    assert list(made) == [f"{zip} {' '.join(folder.split('/'))}".strip() for zip in ("old", "new")]
    assert not said


def test_of_two_files_at_one_place_one_is_left_out_and_named() -> None:
    twice = [("elic.zip", zip_of({"a.png": png(step)})) for step in (1, 1, 2)]
    images, _, said = sorted_out(twice, MEBIBYTE)
    assert len(images[0].members) == 1
    assert said == [
        "two files are called elic/a.png, and that of elic.zip was left out; give it another name"
    ]
    _, _, said = sorted_out([("a.png", png()), ("a.png", png(1)), ("b.png", png())], MEBIBYTE)
    assert said == ["two files are called a.png, and the second was left out; give it another name"]


@pytest.mark.parametrize("folder", ["", "elic/0.1/"])
def test_a_zip_that_came_twice_came_once(folder: str) -> None:
    files = {f"{folder}k1.png": png(1), "original.png": png(), "sizes.csv": b"name,bytes\nk1,9\n"}
    if folder:
        files["sizes.csv"] = b"codec,rate,image,bytes\nelic,0.1,k1,9\n"
    once = [("elic.zip", zip_of(files))]
    assert sorted_out(2 * once, MEBIBYTE) == sorted_out(once, MEBIBYTE)
    copy = [*once, ("elic (1).zip", once[0][1])]  # as browsers call what is fetched again
    assert sorted_out(copy, MEBIBYTE)[2] == []


def test_tables_that_differ_are_told_with_what_they_say() -> None:
    zips = [
        (
            f"{size}.zip",
            zip_of({"elic/1/a.png": png(), "sizes.csv": b"name,bytes\nelic/1/a.png,%d" % size}),
        )
        for size in (5, 6)
    ]
    images, _, said = sorted_out(zips, MEBIBYTE)
    assert images[0].members[0].file_bytes == 5
    assert said == ["files sizes.csv give elic/1/a.png 5 and 6 bytes; the first is believed"]


def test_names_that_differ_in_large_letters_or_zeros_are_one_where_that_is_clear() -> None:
    files = {
        "Original/K1.PNG": png(),
        "ELIC/0.10/k1.png": png(1),
        "vvc/22/k1.png": png(2),
        "vvc/22/K1.bin": bytes(7),
    }
    for line in ("elic,0.1,k1", "Elic,.1,K1.png"):
        table = f"codec,rate,image,bytes\n{line},9\n".encode()
        images, said = images_of({"all.zip": zip_of({**files, "sizes.csv": table})})
        assert images == {"K1": ("Original/K1.PNG", {"ELIC 0.10": 9, "vvc 22": 7})}
        assert not said
    elic = zip_of({"k1.png": png(1), "Sizes.csv": b"name,bytes\nK1.PNG,9\n"})
    images, said = images_of({"elic.zip": elic, "K1.PNG": png()})
    assert (images, said) == ({"K1": ("K1.PNG", {"elic": 9})}, [])


def test_names_side_by_side_that_differ_in_large_letters_are_two() -> None:
    rates = {"e/0.1/a.png": png(1), "e/0.10/a.png": png(2)}
    files = {f"original/{name}.png": png() for name in "aA"} | {"e/0.1/A.png": png(3)} | rates
    table = b"codec,rate,image,bytes\ne,0.10,a,1\ne,0.1,A,2\n"
    images, said = images_of({"all.zip": zip_of({**files, "sizes.csv": table})})
    assert images == {
        "a": ("original/a.png", {"e 0.1": None, "e 0.10": 1}),
        "A": ("original/A.png", {"e 0.1": 2}),
    }
    assert not said


LAYOUTS = {
    "codecs without rates": ({"vvc/a.png": png(1)}, b"codec,rate,image,bytes\nvvc,,a,7\n", "vvc"),
    "a codec": ({"vvc/1/a.png": png(1)}, b"codec,rate,image,bytes\nvvc,1,a,7\n", "vvc 1"),
}


@pytest.mark.parametrize("litter", [False, True])
@pytest.mark.parametrize("wrapper", ["", "set/", "my/set/", "vvc/"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_around_everything_hides_nothing(layout: str, wrapper: str, litter: bool) -> None:
    files, table, name = LAYOUTS[layout]
    sent = {f"{wrapper}{path}": data for path, data in files.items()}
    sent[f"{wrapper}original/a.png"] = png()
    if litter:
        left = (
            "__MACOSX/._set",
            "__MACOSX/set/._a.png",
            ".DS_Store",
            "set/.DS_Store",
            "set/Icon\r",
        )
        sent |= dict.fromkeys(left, b"left behind")
    for place in ("", wrapper):  # beside the folder, or in it
        images, said = images_of({"all.zip": zip_of({**sent, f"{place}sizes.csv": table})})
        assert images == {"a": ("original/a.png", {name: 7})}
        assert not said


def test_a_codec_that_is_the_only_folder_keeps_its_name_where_the_table_has_it() -> None:
    table = b"codec,rate,image,bytes\nvvc,1,a,7\nvvc,2,a,8\n"
    files = {"vvc/1/a.png": png(1), "vvc/2/a.png": png(2)}
    for place in ("", "vvc/"):
        images, said = images_of({"x.zip": zip_of({**files, f"{place}sizes.csv": table})})
        assert images == {"a": ("", {"vvc 1": 7, "vvc 2": 8})}
        assert not said


def test_what_systems_leave_behind_is_no_file_of_anybody() -> None:
    _, said = images_of({".DS_Store": b"x", "a.png": png(), "b.png": png(1)})
    assert not said


def test_images_with_long_names_are_told_apart() -> None:
    start = "the same beginning of a name that is longer than sixty letters are"
    ends = ("", " one", " two", f"{30 * '-'}1{30 * '-'}", f"{30 * '-'}2{30 * '-'}")
    files = {f"original/{start}{end}.png": png(at) for at, end in enumerate(ends)}
    images, _, _ = sorted_out([("a.zip", zip_of(files))], MEBIBYTE)
    assert len({one.name for one in images}) == len(images) == len(ends)
    assert all(len(one.name) <= LONGEST_NAME for one in images)


def test_everything_that_is_wrong_with_sizes_is_said_at_once() -> None:
    table = b"name,bytes\na,12\nnobody,5\na,13\nb,ten\nc,0\n"
    images, said = images_of({"a.png": png(), "b.png": png(1), "sizes.csv": table})
    assert images == {"": ("", {"a": 12, "b": None})}
    assert said == [
        "sizes.csv, line 4: the same picture stands there twice",
        "sizes.csv, line 5: bytes is ten, and must be a whole number",
        "sizes.csv, line 6: bytes is 0, and must be a whole number",
        "sizes.csv names nobody, and there is no such picture",
    ]


def test_one_name_of_several_codecs_takes_nobodys_size() -> None:
    table = b"codec,rate,image,bytes\nelic,1,a,12\nvtm,1,a,13\n"
    images, said = images_of({"a.png": png(), "b.png": png(1), "sizes.csv": table})
    assert images == {"": ("", {"a": None, "b": None})}
    assert len(said) == 2


def view_of(elsewhere: Elsewhere, files: Mapping[str, bytes], photo: Photo | None = None) -> View:
    collection, _ = elsewhere.collect(list(files.items()))
    return elsewhere.view(collection, collection.images[0], photo)


def test_an_image_opens_beside_its_own_original(elsewhere: Elsewhere) -> None:
    files = {"original.png": png(9), "a.png": png(), "a.bin": bytes(50)}
    view = view_of(elsewhere, files)
    assert np.array_equal(view.photo.pixels, make_photo(SIDE, SIDE) // 2 + 9)
    assert [(one.name, one.file_bytes, one.photo) for one in view.panes] == [
        ("a", 50, view.photo.key)
    ]


def test_without_one_it_needs_one_that_is_open(elsewhere: Elsewhere, photo: Photo) -> None:
    files = {"one.png": png(), "two.png": png(1)}
    with pytest.raises(BadRequest, match="no original came with these pictures; open it first"):
        view_of(elsewhere, files)
    assert len(view_of(elsewhere, files, photo).panes) == 2


def test_what_cannot_be_read_or_does_not_fit_is_named_and_the_rest_opens(
    elsewhere: Elsewhere,
) -> None:
    files = {"original.png": png(), "a.png": png(1), "small.png": png(1, 32), "text.png": b"text"}
    collection, said = elsewhere.collect(list(files.items()))
    (image,) = collection.images
    assert [one.name for one in image.members] == ["a"]
    assert sorted(words.split()[0] for words in said) == ["small.png", "text.png"]
    with pytest.raises(ModeError, match=r"text\.png is not a picture"):
        elsewhere.collect([("text.png", b"text"), ("more.png", b"")])


def test_more_than_a_screen_holds_are_counted(elsewhere: Elsewhere) -> None:
    files = {"original.png": png()} | {f"{at}.png": png(at % 90) for at in range(45)}
    view = view_of(elsewhere, files)
    assert len(view.panes) == 39
    assert view.said == ("45 pictures are of this image; the first 39 are shown",)
