"""The names that `mode_core` promises, and what importing them costs."""

from __future__ import annotations

import inspect

import pytest

import mode_core
from mode_core.metrics.table import METRICS


def test_public_names_are_sorted_and_each_once() -> None:
    ordered = sorted(mode_core.__all__, key=lambda name: (not name.isupper(), name))
    assert mode_core.__all__ == ordered
    assert len(set(ordered)) == len(ordered)


@pytest.mark.parametrize("name", mode_core.__all__)
def test_public_functions_say_what_they_give(name: str) -> None:
    value = getattr(mode_core, name)
    if inspect.isfunction(inspect.unwrap(value)):
        assert value.__doc__
        assert "return" in inspect.unwrap(value).__annotations__


def test_the_exported_metrics_are_those_that_can_be_computed() -> None:
    names = [metric.name for metric in mode_core.METRICS.values()]
    assert names == list(mode_core.METRICS) == [key for key in METRICS if key in names]
    assert {"psnr", "ms_ssim", "lpips", "dists"} <= {*names}
    assert not {"lpips_vgg", "lpips_unknown", "fid"} & {*names}


def test_the_promised_import_line_works() -> None:
    from mode_core import Anchor, Bitstream, Target, bd_rate, load_codec, read_image, roundtrip

    assert all((Anchor, Bitstream, Target, bd_rate, load_codec, read_image, roundtrip))
