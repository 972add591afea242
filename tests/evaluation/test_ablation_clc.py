"""The variants of CLC are measured by files, against the ELIC beneath."""

from __future__ import annotations

import sys

import pytest

from mode_core.codecs.clc.training import ABLATIONS
from tests.conftest import ROOT, make_photo
from tests.made_up.toys import lively_clc, toy_clc, toy_elic

sys.path.insert(0, str(ROOT / "tools"))
from ablation_clc import Table, variants
from clc_pieces import ALTERED
from real_files import against, curves


def test_every_variant_is_a_width() -> None:
    assert set(variants()) == {"", *ABLATIONS}


def test_what_starts_as_its_elic_gains_and_loses_nothing() -> None:
    photos = [make_photo(64, 64)]
    elic = toy_elic()
    table = Table(elic, photos, [], 0)
    reference = table.whole.elic
    net = toy_clc(elic)
    table.known[net.config.entries] = table.whole
    row = table.row("everything", net, {"steps": "7"})
    assert row["crops_bd_rate"] == row["bd_rate"]
    assert row["bd_rate"] == pytest.approx(0, abs=0.05)
    assert (row["steps"], row["photos"], row["entries"]) == ("7", 1, 12)
    other = lively_clc(toy_elic())
    assert next(curves(other, "clc", photos)) != reference[0]
    dearer = [[(1.1 * bpp, value) for bpp, value in points] for points in reference]
    assert against(reference, dearer) == pytest.approx([10])


def test_other_pictures_of_the_same_are_others_of_the_same_size() -> None:
    photo = make_photo(64, 64)
    for alter in ALTERED.values():
        other = alter(photo)
        assert (other.shape, other.dtype) == (photo.shape, photo.dtype)
        assert (other != photo).any()
    assert (ALTERED["moved by 16"](photo)[:48, :48] == photo[16:, 16:]).all()
