"""Coder tables of imported weights are integers in their files, and nothing makes them anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.codecs.learned import FixedRateCodec
from mode_core.codecs.ms_illm.net import MsIllm
from mode_core.codecs.networks import load_net
from mode_core.codecs.registry import find_codec
from mode_core.layers import factorised
from mode_core.stream.container import Bitstream
from mode_core.types import Target
from tests.conftest import make_photo
from tests.made_up import illm_nets
from tests.made_up.illm_nets import NARROW, likely
from tests.made_up.public_nets import chandelier_names, reference, save


def published(codec: str) -> dict[str, Tensor]:
    """A state dict as authors have it."""
    if codec == "elic":
        return chandelier_names(reference("chandelier"))
    torch.manual_seed(0)
    return illm_nets.published(likely(MsIllm(NARROW)))


@pytest.mark.parametrize("codec", ["elic", "ms-illm"])
def test_tables_are_data(
    codec: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(published(codec), tmp_path / "a.ckpt")
    found = import_checkpoint(codec, Origin(file), "", "a")
    net = load_net(found)
    assert net.prior_tables.cdf.dtype == torch.int32
    assert int(net.prior_tables.size.min()) > 2

    def anew(_: object) -> None:
        raise AssertionError("the tables were made anew")

    monkeypatch.setattr(factorised, "integer_tables", anew)
    photo = make_photo(70, 90)
    made = FixedRateCodec(find_codec(codec), found).encode(photo, Target(quality=0))
    data = made.to_bytes()
    decoded = FixedRateCodec(find_codec(codec), found).decode(Bitstream.from_bytes(data))
    assert decoded.shape == photo.shape
    # other tables are other files: it is these that are used
    with torch.no_grad():
        net.prior_tables.cdf[:, 1:-1] = net.prior_tables.cdf[:, 1:-1].flip(0)
        net.prior_tables.size.copy_(net.prior_tables.size.flip(0))
    x = torch.from_numpy(np.ascontiguousarray(make_photo(64, 64))).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        other = net.write(net.analyse(x), 0)
        assert other != load_net(found).write(net.analyse(x), 0)
