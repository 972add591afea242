"""Coder tables of imported weights are integers in their files, and nothing makes them anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mode_core.bitstream import Bitstream
from mode_core.codecs.public import FixedRateCodec
from mode_core.imports.convert import Origin, import_checkpoint
from mode_core.nets import factorised
from mode_core.nets.illm import MsIllm
from mode_core.registry import find_codec
from mode_core.types import Target
from mode_core.weights import FOLDER_VARIABLE, load_net
from tests import illm_nets
from tests.conftest import make_photo
from tests.illm_nets import NARROW, likely
from tests.public_nets import chandelier_names, reference, save


def published(codec: str) -> dict[str, Tensor]:
    """A state dict as authors have it."""
    if codec == "elic":
        return chandelier_names(reference("chandelier"))
    torch.manual_seed(0)
    return illm_nets.published(likely(MsIllm(NARROW)))


@pytest.mark.parametrize("codec", ["elic", "ms-illm"])
def test_tables_are_data(codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
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
