"""What files would take is reckoned so well that a search writes few of them, and ends the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mode_core.codecs.rates import nearest_quality
from mode_core.codecs.registry import load_codec
from mode_core.codecs.tiles import to_tensor
from mode_core.stream.container import Stream
from mode_core.stream.entropy import (
    CdfTables,
    SymbolWriter,
    gaussian_tables,
    symbol_bits,
    token_bits,
    token_tables,
)
from mode_core.types import Image, Target
from tests.conftest import make_photo


class Written:
    """A codec that counts the full writes of a picture, each quality of which is made once."""

    def __init__(self, id: str, image: Image) -> None:
        self.codec: Any = load_codec(id)
        self.image, self.asked = image, list[int]()
        self.system = self.codec.system
        self.analysed = self.system.analyse(to_tensor(image, self.system.stride))
        self.sizes = self.system.sizes(self.analysed)
        self._known: dict[int, int] = {}

    def header(self) -> int:
        empty = (Stream(b""),) * len(self.codec.info.streams)
        return len(self.codec._file(self.image, 0, empty, Target(bpp=1.0)).to_bytes())

    def size(self, quality: int) -> int:
        self.asked.append(quality)
        if quality not in self._known:
            streams = self.system.write(self.analysed, quality)
            file = self.codec._file(self.image, quality, streams, Target(bpp=1.0))
            self._known[quality] = len(file.to_bytes())
        return self._known[quality]

    def search(self, wanted: float, reckoning: bool) -> tuple[int, int]:
        """The quality found, and the files that it took."""
        self.asked.clear()
        header, sizes = self.header(), self.sizes
        estimate = (lambda quality, near: header + sizes(quality, near)) if reckoning else None
        found = nearest_quality(self.size, self.system.qualities, wanted, estimate=estimate)
        return found, len(self.asked)


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


PICTURES = {
    "one pixel": make_photo(1, 1),
    "flat": np.full((40, 90, 3), 90, np.uint8),
    "photo": make_photo(131, 190),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("id", ["elic", "vq", "mode", "clc", "hdc"])
def test_toys_end_at_the_quality_of_a_search_by_files_alone(
    id: str, picture: str, toy_weights: Any
) -> None:
    written = Written(id, PICTURES[picture])
    low, high = (written.size(written.system.qualities[end]) for end in (0, -1))
    for wanted in (low / 2, low, *np.geomspace(low + 1, high + 1, 5)[1:4], high, 2.0 * high):
        found, _ = written.search(wanted, reckoning=True)
        assert found == written.search(wanted, reckoning=False)[0]


@pytest.mark.weights
@pytest.mark.parametrize("id", ["elic", "ms-illm", "mode"])
def test_a_photo_takes_few_files_and_the_estimate_is_near(id: str) -> None:
    written = Written(id, make_photo(256, 320))
    low, high = (written.size(written.system.qualities[end]) for end in (0, -1))
    for share in (0.3, 0.55, 0.8, 1.1):
        wanted = low * (high / low) ** share
        found, files = written.search(wanted, reckoning=True)
        assert files <= 3
        assert found == written.search(wanted, reckoning=False)[0]
        reckoned = written.header() + written.sizes(found, found)
        assert reckoned == pytest.approx(written.size(found), rel=0.005, abs=6)


def test_a_look_is_taken_once_for_all_qualities_around_it(toy_weights: Any) -> None:
    written = Written("elic", make_photo(64, 64))
    walked: list[int] = []
    walk = written.sizes._walk
    written.sizes._walk = lambda look, quality: (walked.append(quality), walk(look, quality))
    for quality in (90, 91, 95, 90):
        written.sizes(quality, 92)
    assert walked == [92]


def length(symbols: list[int], index: int, tables: CdfTables) -> float:
    """Bits for each symbol in a stream of many."""
    writer = SymbolWriter()
    many = np.array(symbols * 500, np.int32)
    writer.put(many, np.full(len(many), index, np.int32), tables)
    return 8 * len(writer.payload()) / 500


@pytest.mark.parametrize("symbols", [[0, 1, -1], [3, -4], [60, -70], [700, -900], [5000], [-8191]])
def test_bits_of_symbols_are_what_the_coder_takes(symbols: list[int]) -> None:
    tables = gaussian_tables()
    for index in (0, 9, 30, 63):
        reckoned = symbol_bits(np.array(symbols), tables, index).sum()
        assert length(symbols, index, tables) == pytest.approx(reckoned, rel=0.01, abs=0.15)


def test_bits_of_tokens_are_what_their_tables_say() -> None:
    logits = torch.randn(6, 200, generator=torch.Generator().manual_seed(1)) * 5
    rows, tokens = torch.tensor([0, 3, 5, 5]), torch.tensor([7, 199, 0, int(logits[5].argmax())])
    tables = token_tables(logits.double())
    expected = [
        symbol_bits(np.array([token]), tables, row)[0]
        for row, token in zip(rows.tolist(), tokens.tolist(), strict=True)
    ]
    assert token_bits(logits, rows, tokens).numpy() == pytest.approx(expected, abs=0.2)
