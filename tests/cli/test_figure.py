"""`figure`: the same bytes from a manifest, and what is said where that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mode_core.codecs.roundtrip import decode_all
from mode_core.figures.making import Made, make
from mode_core.figures.manifest import to_json
from mode_core.figures.plan import Crop, Figure, Options, Pane
from mode_core.figures.record import Source, file_hash, pixels_hash, record_of
from mode_core.metrics import measure
from mode_core.pictures.files import read_image, write_png
from mode_core.types import Target
from tests.conftest import Shell, make_photo

MANIFEST = "mode-figure.json"
SEVERAL = ("mode-figure.pdf", "mode-figure.png", "mode-figure.tex")


@pytest.fixture
def made(only_mode: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Made:
    """A figure of three panes, and beside its manifest the pictures that it needs."""
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    write_png("anything.png", make_photo(48, 64))
    write_png("other.png", make_photo(48, 64) // 2)
    Path("notes.txt").write_text("no picture")
    original, elsewhere = read_image("anything.png"), read_image("other.png")
    made = [
        *decode_all("mode", original, Target(bpp=4)),
        *decode_all("jpeg", original, Target(bpp=4)),
    ]
    panes = [Pane(one.label, one.image, len(one.file), 4.0) for one in made]
    sources = [
        Source(
            pixels_hash(one.image),
            one.codec,
            "",
            str(one.anchor or ""),
            4.0,
            file_hash(one.file),
            one.bitstream.weights.hex(),
        )
        for one in made
    ]
    figure = Figure(
        original,
        (*panes, Pane("VVC (opened)", elsewhere, 99)),
        (Crop(3, 4, 40, 30),),
        Options(metrics=("psnr",)),
        4.0,
        "Photo",
    )

    def ask(at: int, part: Crop, keys: Any) -> Any:
        return measure(part.of(original), part.of(figure.panes[at].image), keys)

    drawn = make(figure, ask)
    record = record_of(
        figure, [*sources, Source(pixels_hash(elsewhere))], "", drawn.numbers.texts(), drawn.files
    )
    Path(MANIFEST).write_bytes(to_json(record))
    return drawn


def changed(path: str, value: object) -> None:
    facts = json.loads(Path(MANIFEST).read_text())
    inside: Any = facts
    *way, last = path.split(".")
    for step in way:
        inside = inside[int(step) if step.isdigit() else step]
    inside[last] = value
    Path(MANIFEST).write_text(json.dumps(facts))


def test_a_manifest_makes_the_same_bytes(made: Made, shell: Shell) -> None:
    said = shell.does(f"figure {MANIFEST} --out again")
    assert "the same bytes as in the manifest" in said
    for name in SEVERAL:
        assert (Path("again") / name).read_bytes() == made.files[name.rpartition(".")[2]]
    # files that are there are used instead of being made: their codec is not asked
    encoded = [line for line in shell.err.splitlines() if line.startswith("encoding ")]
    assert encoded == ["encoding MoDE-F at 4 bpp", "encoding JPEG at 4 bpp"]
    shell.does("encode anything.png x.mode --codec jpeg --bpp 4")
    shell.does(f"figure {MANIFEST} --pictures anything.png other.png x.mode --out again")
    assert "encoding JPEG" not in shell.err


def test_pictures_must_be_given_and_only_those_are_looked_at(made: Made, shell: Shell) -> None:
    Path("elsewhere").mkdir()
    Path("other.png").rename("elsewhere/other.png")
    said = shell.refuses(f"figure {MANIFEST} --out again")
    assert "'VVC (opened)', which was made elsewhere" in said
    said = shell.refuses(f"figure {MANIFEST} --pictures elsewhere --out again")
    assert "is the original 'Photo' of 64x48 pixels" in said
    assert "nowhere is not there" in shell.refuses(f"figure {MANIFEST} --pictures nowhere")
    assert not Path("again").exists()


def test_nothing_that_is_another_file_is_overwritten(made: Made, shell: Shell) -> None:
    Path("mode-figure.tex").write_text("mine")
    said = shell.refuses(f"figure {MANIFEST}")
    assert "mode-figure.tex is there and is another one; name another folder with --out" in said
    assert Path("mode-figure.tex").read_text() == "mine"
    assert not Path("mode-figure.pdf").exists()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("panes.0.weights", "ffffffff", "MoDE-F has other weights here"),
        ("panes.2.file_sha256", "a" * 64, "the file of JPEG has other bytes"),
        ("panes.2.bytes", 99, "and the manifest says 99"),
        ("panes.0.pixels_sha256", "a" * 64, "MoDE-F is drawn with other pixels here"),
        ("versions.pillow", "1.0", "(pillow"),
        ("numbers", [], "the numbers are others here"),
    ],
)
def test_what_differs_is_said_in_one_sentence(
    made: Made, shell: Shell, path: str, value: object, said: str
) -> None:
    changed(path, value)
    if path == "panes.0.weights":
        changed("panes.0.file_sha256", "b" * 64)
    changed("files", {name: "0" * 64 for name in SEVERAL})
    told = shell.refuses(f"figure {MANIFEST} --out again")
    assert "the figure was made, but not with the same bytes: " in told
    assert said in told
    assert len([line for line in told.splitlines() if line.startswith("error")]) == 1
    assert sorted(one.name for one in Path("again").iterdir()) == [*SEVERAL]


def test_a_pane_of_another_size_and_a_crop_outside_are_refused(made: Made, shell: Shell) -> None:
    small = np.zeros((8, 9, 3), np.uint8)
    write_png("small.png", small)
    changed("panes.3.pixels_sha256", pixels_hash(small))
    assert "has another size than the original" in shell.refuses(f"figure {MANIFEST} --out again")
    changed("crops", [[0, 0, 640, 480]])
    Path("small.png").unlink()
    changed("panes.3.pixels_sha256", pixels_hash(read_image("other.png")))
    assert "is not inside the picture" in shell.refuses(f"figure {MANIFEST} --out again")


def test_a_metric_that_cannot_be_had_here_is_named(made: Made, shell: Shell) -> None:
    changed("options.metrics", ["psnr", "lpips"])
    assert "the figure shows lpips, which cannot be measured here" in shell.refuses(
        f"figure {MANIFEST} --out again"
    )
