"""Our VQ expert's tokens: what a stream holds, and what one costs that is too short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from mode_core.codecs.registry import load_codec
from mode_core.codecs.vq.net import SHARES, Vq, sending_order
from mode_core.errors import BitstreamError
from mode_core.stream.container import Bitstream
from mode_core.stream.entropy import SymbolWriter, token_tables
from mode_core.types import Target
from tests.made_up.toys import TOY_VQ, enliven

PORTION = 2048


@pytest.fixture(scope="module")
def net() -> Vq:
    """A prior that sees three places far, with opinions."""
    torch.manual_seed(5)
    deep = Vq(replace(TOY_VQ, prior_blocks=3))
    enliven(deep)
    return deep.eval()


def whole_map_payload(net: Vq, tokens: Tensor, quality: int) -> bytes:
    """The stream as files have always held it: the prior looks at the whole map in every step."""
    writer, known = SymbolWriter(), torch.full(tokens.shape, net.config.codes)
    for places in sending_order(tokens.shape[1], tokens.shape[2], quality):
        features = net.prior.features(known, torch.float64)
        for part in places.split(PORTION) if len(places) else ():
            tables = token_tables(net.prior.out(features)[0].flatten(1).t()[part])
            symbols = tokens.flatten()[part].numpy().astype(np.int32)
            writer.put(symbols, np.arange(len(part), dtype=np.int32), tables)
        known.view(-1)[places] = tokens.flatten()[places]
    return writer.payload()


@pytest.mark.parametrize("grid", [(1, 1), (3, 40), (8, 9), (10, 12), (100, 101)])
@torch.inference_mode()
def test_the_first_step_is_coded_as_by_a_prior_that_sees_the_whole_map(
    net: Vq, grid: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(net.config.codes, (1, *grid), generator=generator)
    for quality in (0, SHARES // 2, SHARES - 1):
        payload, check = net.write(tokens, quality)
        assert payload == whole_map_payload(net, tokens, quality)
        known, found = net.read(payload, quality, grid)
        assert found == check
        assert torch.equal(known[known < net.config.codes], tokens[known < net.config.codes])


@torch.inference_mode()
def test_places_at_a_border_have_tables_of_their_own(net: Vq) -> None:
    """Without that the test above could not fail."""
    nothing = torch.full((1, 20, 20), net.config.codes)
    logits = net.prior.out(net.prior.features(nothing, torch.float64))[0]
    assert not torch.equal(logits[:, 0, 0], logits[:, 10, 10])
    assert not torch.equal(logits[:, 0, 10], logits[:, 10, 0])


@pytest.mark.parametrize("quality", [0, SHARES - 1])
@torch.inference_mode()
def test_a_stream_too_short_for_its_picture_is_refused_before_the_prior_sees_the_map(
    net: Vq, quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    features = net.prior.features

    def counted(tokens: Tensor, *dtype: torch.dtype) -> Tensor:
        seen.append(tokens.numel())
        return features(tokens, *dtype)

    monkeypatch.setattr(net.prior, "features", counted)
    with pytest.raises(BitstreamError, match="too short to hold"):
        net.read(b"\1", quality, (313, 313))
    assert sum(seen) <= (2 * net.config.prior_blocks + 1) ** 2


@pytest.mark.weights
@pytest.mark.parametrize("id", ["vq", "mode"])
@pytest.mark.parametrize("side", [16, 80, 300, 1100])
def test_flat_pictures_of_every_size_come_back_from_the_smallest_file(id: str, side: int) -> None:
    codec = load_codec(id)
    for colour in (0, 128, 255) if side < 1000 else (128,):
        flat = np.full((side, side, 3), colour, np.uint8)
        file = codec.encode(flat, Target(quality=0)).to_bytes()
        assert codec.decode(Bitstream.from_bytes(file)).shape == flat.shape
