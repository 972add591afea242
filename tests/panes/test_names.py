"""Names of panes, also where one codec's id begins with another's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.panes import names
from app.panes.names import bytes_text, file_stem, own_panes, pane_id, pane_label, parse_pane
from app.server.demands import check_request
from mode_core.codecs.registry import CODECS


def test_the_longest_maker_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {
        "mode-x": replace(CODECS["mode"], id="mode-x"),
        "mode-lite": replace(CODECS["elic"], id="mode-lite"),
    }
    monkeypatch.setattr(names, "CODECS", {**CODECS, **more})
    assert names.parse_pane("mode-x-f") == ("mode-x", "fidelity")
    assert names.parse_pane("mode-lite") == ("mode-lite", "")
    assert names.parse_pane("mode-sq-expert") == ("mode", "sq-expert")
    assert names.parse_pane("mode.public-f") == ("mode.public", "fidelity")


def test_pane_names_lead_back_to_codec_and_anchor() -> None:
    for info in CODECS.values():
        for anchor in info.outputs:
            text = "" if anchor is None else str(anchor)
            assert parse_pane(pane_id(info.id, text)) == (info.id, text)
    assert pane_label("mode-p") == "MoDE-P"
    assert parse_pane("mode-0.35") == ("mode", "0.35")


def test_every_pane_that_is_offered_can_be_asked_for() -> None:
    """A codec may stand on experts and still decode in one way only."""
    for pane in own_panes():
        check_request([pane], 0.5)


def test_words_for_sizes_and_names() -> None:
    assert (bytes_text(999), bytes_text(4971)) == ("999 B", "4\u202f971 B")
    assert (bytes_text(123_400), bytes_text(5_100_000)) == ("123.4 kB", "5.1 MB")
    assert file_stem('<img src="x">/../é') == "img-src--x"
