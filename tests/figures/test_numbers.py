"""Numbers of a figure: of exactly what is seen, with what is best and what is not compared."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mode_core.figures.making import Laid, lay
from mode_core.figures.numbers import DASH
from mode_core.figures.plan import Pane
from mode_core.figures.words import credits_of, footnotes
from mode_core.metrics import Measured
from mode_core.metrics.fidelity import psnr
from tests.figures.made import BPP, PHOTO, SIZE, asking, darker, figure, laid, panes

TWO = ((100, 60, 120, 90), (10, 150, 61, 47))


def texts(one: Laid, key: str = "psnr") -> list[list[str]]:
    return [[pane[key].text for pane in part] for part in one.numbers.shown]


def test_numbers_of_crops_are_of_exactly_the_pixels_that_are_seen() -> None:
    one = laid(TWO)
    for cut, shown in zip(one.grid.cuts, texts(one), strict=True):
        wanted = [psnr(cut.box.of(PHOTO), cut.box.of(pane.image)) for pane in one.figure.panes]
        assert shown == [f"{value:.2f}" for value in wanted]
    assert texts(one)[0] != texts(one)[1]


def test_numbers_of_the_picture_stand_once() -> None:
    one = laid(TWO, of="picture")
    assert texts(one) == [[f"{psnr(PHOTO, pane.image):.2f}" for pane in one.figure.panes]]
    drawn = [word.text for word in one.page.words]
    assert drawn.count(texts(one)[0][0]) == 1
    assert "PSNR of the whole picture, 360 \u00d7 240 pixels" in " ".join(drawn)


def test_the_best_of_equal_sizes_is_bold_and_ties_are_both() -> None:
    shown = (
        Pane("A", darker(2), SIZE, BPP),
        Pane("B", darker(2), SIZE, BPP),
        Pane("C", darker(5), SIZE, BPP),
        Pane("D", darker(1), 2 * SIZE, BPP),
        Pane("E", darker(1)),
    )
    one = laid(shown=shown)
    assert [pane["psnr"].best for pane in one.numbers.shown[0]] == [True, True, False, False, False]
    bold = [word.text for word in one.page.words if word.bold]
    assert bold == [texts(one)[0][0]] * 2
    labels = [word.text for word in one.page.words]
    assert {"A", "D*", "E*"} <= {*labels}
    assert f"{2 * BPP:.4f}" in labels  # its true rate
    (said,) = [line for line in footnotes(one.figure, one.numbers) if line.startswith("*")]
    assert said == "* Not compared: more than 10% off the size of 0.1 bpp or of unknown size."


def test_a_pane_at_a_rate_of_its_own_is_not_compared() -> None:
    own = Pane("A at 0.2 bpp", darker(1), 2 * SIZE, 2 * BPP)
    one = figure(shown=(own, *panes(2)))
    assert [one.competes(pane) for pane in one.panes] == [False, True, True]
    near = replace(own, bytes_file=round(1.05 * SIZE), target_bpp=1.05 * BPP)
    assert figure(shown=(near,)).competes(near)


def test_without_a_common_rate_only_like_sizes_are_compared_and_it_says_how_others_differ() -> None:
    shown = (
        Pane("A at 0.2 bpp", darker(1), 2 * SIZE, 2 * BPP),
        Pane("B", darker(2), SIZE, BPP),
        Pane("C", darker(3), SIZE),
        Pane("D", darker(4), round(0.5 * SIZE)),
    )
    one = replace(figure(shown=shown), bpp=0.0)
    assert [one.competes(pane) for pane in one.panes] == [False, True, True, False]
    said = footnotes(one, lay(one, asking(one)).numbers)[-1]
    assert said == (
        "* Not compared: more than 10% off the size of B (A at 0.2 bpp +100%, D \u221250%)."
    )
    best = [pane["psnr"].best for pane in lay(one, asking(one)).numbers.shown[0]]
    assert best == [False, True, False, False]


def test_the_footnote_is_true_of_a_pane_that_misses_a_target_of_its_own_alone() -> None:
    missed = Pane("A at 0.105 bpp", darker(1), round(0.93 * SIZE), 1.05 * BPP)
    one = figure(shown=(missed, *panes(2)))
    said = footnotes(one, lay(one, asking(one)).numbers)[-1]
    assert said == "* Not compared: more than 10% off the size that was asked for."
    alone = replace(one, bpp=0.0, panes=(missed, Pane("B", darker(2))))
    said = footnotes(alone, lay(alone, asking(alone)).numbers)[-1]
    assert said.endswith("off the size that was asked for or of unknown size.")


def test_one_pane_alone_is_never_the_best() -> None:
    one = laid(shown=panes(1))
    assert not one.numbers.shown[0][0]["psnr"].best
    assert "bold" not in " ".join(footnotes(one.figure, one.numbers))


def test_what_cannot_be_measured_at_that_size_is_a_dash_with_one_footnote() -> None:
    one = laid(((0, 0, 120, 90), (0, 0, 240, 180)), metrics=["psnr", "ms_ssim", "ssimulacra2"])
    assert texts(one, "ms_ssim")[0] == [DASH] * 3
    assert DASH not in texts(one, "ms_ssim")[1]
    said = " ".join(footnotes(one.figure, one.numbers))
    assert said.count("not measured at this size") == 1
    assert "MS-SSIM needs sides of 161 pixels; SSIMULACRA2 needs sides of 113 pixels" in said


def test_what_failed_for_another_reason_is_told_whoever_makes_the_figure() -> None:
    one = figure()
    lost = lay(one, lambda at, part, keys: Measured({}, dict.fromkeys(keys, "busy")))
    assert texts(lost) == [[DASH] * 3]
    assert "No PSNR: busy." in lost.hints


def test_an_equal_picture_has_an_infinite_psnr() -> None:
    assert texts(laid(shown=(Pane("A", PHOTO, SIZE, BPP), *panes(1))))[0][0] == "∞"


def test_credits_name_the_photographer_and_every_licence_once() -> None:
    theirs = Pane("ILLM public", darker(2), SIZE, BPP, "authors' weights", "CC-BY-NC 4.0")
    one = figure(shown=(*panes(2), theirs))
    assert credits_of(one) == [
        "Photograph: Cat, A. Person, CC0.",
        "Weights: MoDE-F, MoDE-P (ours, small); ILLM public (authors' weights: CC-BY-NC 4.0).",
    ]
    drawn = " ".join(word.text for word in lay(one, asking(one)).page.words)
    assert "(authors' weights: CC-BY-NC 4.0)." in drawn
    assert drawn.count("ours, small") == 3  # below both panes, and at the end


@pytest.mark.parametrize("metrics", [[], ["psnr"], ["psnr", "ms_ssim"]])
def test_any_number_of_metrics_can_be_shown(metrics: list[str]) -> None:
    one = laid(((0, 0, 240, 180),), metrics=metrics)
    names = [word.text.split()[0] for word in one.page.words]
    assert ("PSNR" in names, "MS-SSIM" in names) == ("psnr" in metrics, "ms_ssim" in metrics)
    assert names.count("bpp") == 3


def test_nan_is_no_number() -> None:
    one = figure()
    nan = lay(one, lambda at, part, keys: Measured({"psnr": math.nan}, {}))
    assert texts(nan) == [[DASH] * 3]
