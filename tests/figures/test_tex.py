"""The LaTeX of a figure: whoever wrote a name, it is printed and does nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mode_core.figures.making import lay
from mode_core.figures.plan import Pane
from mode_core.figures.tex import escaped
from tests.figures.made import EVIL, Figure, asking, darker, figure, panes

COMMANDS = re.compile(r"\\(?:text[a-z]+\{\}|dots\{\}|[&%$#_{}])|\$\\(?:Delta|infty|times)\$")


@given(st.text())
def test_nothing_of_a_text_is_a_command(text: str) -> None:
    done = escaped(text)
    plain = COMMANDS.sub("", done)
    assert not set(plain) & set("\\{}$&#^_%~<>|\n\r\t")
    assert done.isprintable()


def test_letters_that_latex_writes_stay() -> None:
    assert (
        escaped("Müller\u2013Łukasz, 50 % \u00d7 ∞") == r"Müller--Łukasz, 50 \% $\times$ $\infty$"
    )
    assert escaped("日本\u202e") == "???"
    assert escaped("a\\b^2 ~c") == r"a\textbackslash{}b\textasciicircum{}2 \textasciitilde{}c"


def tex_of(one: Figure) -> str:
    return lay(one, asking(one)).drawn("tex").decode()


@pytest.fixture
def hostile() -> Figure:
    shown = (*panes(2), Pane(EVIL, darker(9)))
    one = figure(((0, 0, 120, 90), (120, 90, 60, 45)), shown)
    object.__setattr__(one, "title", EVIL)
    object.__setattr__(one, "credit", "}\\end{document}")
    return one


def test_a_figure_is_included_at_its_width_with_all_that_a_reader_must_know(
    hostile: Figure,
) -> None:
    tex = tex_of(hostile)
    assert r"\includegraphics[width=3.25in]{mode-figure.pdf}" in tex
    assert tex.startswith("\\begin{figure}\n")
    assert tex.endswith("\\end{figure}\n")
    (caption,) = re.findall(r"^  \\caption\{(.*)\}$", tex, re.M)
    assert caption.startswith(r"Crops (a), (b) of \emph{\textbackslash{}input\{/etc/passwd\}")
    assert "MoDE-F (0.1000 bpp), MoDE-P (0.1001 bpp)" in caption
    assert "best in bold" in caption
    assert "Not compared" in caption
    assert r"\}\textbackslash{}end\{document\}" in caption
    assert "Weights: MoDE-F, MoDE-P (ours, small)" in caption
    depth = 0
    for mark in re.findall(r"(?<!\\)[{}]", tex.replace("\\\\", "")):
        depth += 1 if mark == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_wide_figures_span_both_columns() -> None:
    assert "\\begin{figure*}\n" in tex_of(figure(width_in=7.16))
    assert "\\begin{figure}\n" in tex_of(figure(width_in=3.5))


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex here")
def test_latex_takes_it(hostile: Figure, tmp_path: Path) -> None:
    one = lay(hostile, asking(hostile))
    (tmp_path / "mode-figure.pdf").write_bytes(one.drawn("pdf"))
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{graphicx}\begin{document}"
    text = f"{head}\n{one.drawn('tex').decode()}\n\\end{{document}}"
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_caption_names_as_many_panes_as_there_are_cells() -> None:
    twins = (Pane("twin", darker(1)), Pane("twin", darker(4)))
    order = tex_of(figure(shown=twins)).partition("the original, ")[2].partition(". ")[0]
    assert order.count("twin") == 2
