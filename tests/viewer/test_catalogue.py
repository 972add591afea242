"""What scripts are told beforehand: nothing that the server knows is written there again."""

from __future__ import annotations

import pytest

from app.panes.names import parse_pane
from app.server.service import BadRequest, check_request
from app.viewer.component import catalogue
from mode_core.metrics.table import MEASURABLE
from mode_core.types import Anchor

KNOWN = catalogue()


def test_every_choice_names_its_codec_and_anchor() -> None:
    for one in KNOWN["choices"]:
        if one["id"] != "original":
            assert parse_pane(one["id"]) == (one["codec"], one["anchor"])
            check_request([one["id"]], 0.1)


def test_the_panes_of_a_blend_are_what_the_server_takes_them_for() -> None:
    for one in KNOWN["blends"]:
        assert parse_pane(one["fidelity"]) == (one["codec"], str(Anchor.FIDELITY))
        assert parse_pane(one["perception"]) == (one["codec"], str(Anchor.PERCEPTION))
        assert parse_pane(f"{one['prefix']}0.35") == (one["codec"], "0.35")


def test_every_metric_has_a_column_and_a_stand_in_follows_what_it_stands_for() -> None:
    keys = [one["key"] for one in KNOWN["metrics"]]
    assert keys == list(MEASURABLE)
    for one in KNOWN["metrics"]:
        assert one["better"] in ("higher", "lower", "")
        if other := one["stands_in_for"]:
            assert keys.index(one["key"]) == keys.index(other) + 1


def test_the_limits_are_the_servers_own() -> None:
    (least, most), panes = KNOWN["limits"]["bpp"], KNOWN["limits"]["panes"]
    for bpp in (least, most):
        check_request(["jpeg"] * panes, bpp)
    for count, bpp in ((1, least / 2), (1, most * 2), (panes + 1, least)):
        with pytest.raises(BadRequest):
            check_request(["jpeg"] * count, bpp)
