"""The manifest of a figure: read as it was written, and checked, whoever wrote it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mode_core.errors import ModeError
from mode_core.figures.making import make
from mode_core.figures.manifest import MAX_BYTES, read_record, to_json
from mode_core.figures.record import (
    Record,
    Source,
    commands,
    file_hash,
    pixels_hash,
    record_of,
)
from tests.conftest import ROOT
from tests.figures.made import EVIL, PHOTO, Pane, asking, darker, figure, panes

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def record() -> Record:
    one = figure(shown=(*panes(2), Pane(EVIL, darker(9))))
    made = make(one, asking(one))
    sources = [
        Source("a" * 64, "mode", "", "perception", 0.1, "b" * 64, "01020304"),
        Source("a" * 64, "ms-illm", "public", "", 0.1, "c" * 64, "01020305"),
        Source(pixels_hash(darker(9))),
    ]
    return record_of(one, sources, "d" * 64, made.numbers.texts(), made.files)


@pytest.fixture
def facts(record: Record) -> Facts:
    found: Facts = json.loads(to_json(record))
    return found


def test_a_manifest_is_read_as_it_was_written(record: Record) -> None:
    assert read_record(to_json(record)) == record


def test_it_names_hashes_weights_and_commands(facts: Facts, record: Record) -> None:
    assert facts["picture"]["pixels_sha256"] == pixels_hash(PHOTO)
    assert facts["panes"][0]["weights"] == "01020304"
    assert facts["panes"][2] == {
        "label": EVIL,
        "bytes": None,
        "pixels_sha256": pixels_hash(darker(9)),
    }
    assert set(facts["files"]) == {"mode-figure.pdf", "mode-figure.png", "mode-figure.tex"}
    assert "pillow" in facts["versions"]
    run = "python -m mode_core"
    assert commands(record) == [
        f"{run} encode original.png mode-0.1.mode --codec mode --bpp 0.1",
        f"{run} decode mode-0.1.mode mode-0.1-perception.png --anchor perception",
        f"{run} encode original.png ms-illm-public-0.1.mode --codec ms-illm --bpp 0.1 "
        "--profile public",
        f"{run} decode ms-illm-public-0.1.mode ms-illm-public-0.1.png --profile public",
        f"{run} figure mode-figure.json --pictures .",
    ]


def replaced(facts: Facts, path: str, value: object) -> bytes:
    *way, last = path.split(".")
    inside: Any = facts
    for step in way:
        inside = inside[int(step) if step.isdigit() else step]
    inside[int(last) if last.isdigit() else last] = value
    return json.dumps(facts).encode()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", "other", "no manifest of a figure"),
        ("version", 2, "has version 2; this program reads 1"),
        ("version", [[]], "has version"),
        ("picture", [], "picture must be named values"),
        ("picture.width", 10**9, "megapixels"),
        ("picture.width", "360", "no whole number"),
        ("picture.title", "x" * 301, "up to 300 letters"),
        ("picture.pixels_sha256", "../../etc/passwd", "no SHA-256"),
        ("bpp", -1, "is no rate"),
        ("bpp", 1e300, "is no rate"),
        ("crops", [], "1 to 4 crops"),
        ("crops", [[0, 0, 9, 9]] * 5, "1 to 4 crops"),
        ("crops.0", [0, 0, True, 9], "a crop is"),
        ("crops.0", [0, 0, 1.5, 9], "a crop is"),
        ("options.width_in", 1e9, "inches wide"),
        ("options.more", 1, "options of a figure"),
        ("panes", [{}] * 13, "1 to 12 panes"),
        ("panes.0", None, "a pane must be"),
        ("panes.0.codec", "os.system", "there is no codec"),
        ("panes.0.profile", "../../x", "no profile of weights"),
        ("panes.0.anchor", "--help", "anchor"),
        ("panes.0.target_bpp", "0.1", "is no rate"),
        ("panes.0.bytes", -5, "no whole number"),
        ("panes.0.file_sha256", "B" * 64, "no SHA-256"),
        ("panes.0.weights", {}, "up to 300 letters"),
        ("files", {}, "files of a figure"),
        ("files", {"../x.pdf": "a" * 64}, "files of a figure"),
        ("versions", {"pillow": 12}, "up to 300 letters"),
    ],
)
def test_what_a_stranger_says_is_checked(facts: Facts, path: str, value: object, said: str) -> None:
    with pytest.raises(ModeError, match=said):
        read_record(replaced(facts, path, value))


@pytest.mark.parametrize("name", ["picture", "bpp", "crops", "options", "panes", "files"])
def test_what_is_missing_is_named(facts: Facts, name: str) -> None:
    del facts[name]
    with pytest.raises(ModeError, match=f"lacks something.*{name}"):
        read_record(json.dumps(facts).encode())


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"{", b"[" * 100_000, b" " * (MAX_BYTES + 1)]
)
def test_files_that_are_no_manifests_are_refused(data: bytes) -> None:
    with pytest.raises(ModeError, match="manifest"):
        read_record(data)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_any_value_in_any_place_is_read_or_refused(record: Record, data: st.DataObject) -> None:
    facts = json.loads(to_json(record))
    some = [f"{a}" for a in facts] + [f"picture.{a}" for a in facts["picture"]]
    some += [f"options.{a}" for a in facts["options"]] + [f"panes.0.{a}" for a in facts["panes"][0]]
    path = data.draw(st.sampled_from(some))
    with suppress(ModeError):  # a sentence; nothing else may be raised
        read_record(replaced(facts, path, data.draw(anything)))


def test_the_example_in_docs_is_what_its_manifest_says() -> None:
    docs = ROOT / "docs"
    record = read_record((docs / "figure.json").read_bytes())
    picture = (docs / "figure.png").read_bytes()
    assert record.files["png"] == file_hash(picture)
    assert len(picture) < 150_000
