"""Names of panes, also where one codec's id begins with another's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.panes import names
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
