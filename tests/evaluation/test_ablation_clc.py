"""The variants of CLC are measured by files, against the ELIC beneath."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mode_core.codecs.clc.net import Clc
from mode_core.codecs.clc.training import ABLATIONS
from tests.conftest import ROOT, make_photo
from tests.made_up.toys import lively_clc, toy_clc, toy_elic

sys.path.insert(0, str(ROOT / "tools"))
import ablation_clc
from ablation_clc import Measured, Table, variants
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
    table.known[net.config.entries] = Measured(elic, [photos[0][::-1], photos[0][:, ::-1]])
    row = table.row("everything", net, {"steps": "7"})
    assert row["bd_rate"] == pytest.approx(0, abs=0.05)
    assert row["crops_bd_rate"] == pytest.approx(0, abs=0.05)
    assert row["crops"] == 2
    assert (row["steps"], row["photos"], row["entries"]) == ("7", 1, 12)
    other = lively_clc(toy_elic())
    assert next(curves(other, "clc", photos)) != reference[0]
    dearer = [[(1.1 * bpp, value) for bpp, value in points] for points in reference]
    assert against(reference, dearer) == pytest.approx([10])


def test_the_bundled_set_is_measured_with_ever_more_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = []

    def bundled(run: None) -> tuple[Clc, dict[str, str]]:
        nets.append(toy_clc(toy_elic()))
        return nets[-1], {"steps": "9"}

    monkeypatch.setattr(ablation_clc, "network", bundled)
    photos = [make_photo(64, 64)]
    table = Table(toy_elic(), photos, [], 0)
    table.known[toy_clc(toy_elic()).config.entries] = table.whole
    names = [row["variant"] for row in ablation_clc.rows_of_bundled(table)]
    assert names == ["bundled", *(f"bundled, noise 0.{share}" for share in range(1, 6))]
    entries = [net.dictionary.entries.float() for net in nets]
    away = [float((other - entries[0]).abs().mean()) for other in entries]
    assert away == sorted(set(away))


def test_other_pictures_of_the_same_are_others_of_the_same_size() -> None:
    photo = make_photo(64, 64)
    for alter in ALTERED.values():
        other = alter(photo)
        assert (other.shape, other.dtype) == (photo.shape, photo.dtype)
        assert (other != photo).any()
    assert float(ALTERED["darker"](photo).mean()) == pytest.approx(0.9 * photo.mean(), rel=0.01)
    far = np.abs(ALTERED["through JPEG 75"](photo).astype(int) - photo).mean()
    assert 0 < far < 8
    assert (ALTERED["moved by 16"](photo)[:48, :48] == photo[16:, 16:]).all()
