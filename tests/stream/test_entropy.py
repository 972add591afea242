"""Real bytes from integers: exact both ways, close to the information, never out of bounds."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mode_core.errors import BitstreamError
from mode_core.stream import entropy
from mode_core.stream.entropy import SYMBOL_LIMIT, SymbolReader, SymbolWriter


def test_tables_are_frozen_by_value() -> None:
    tables = entropy.gaussian_tables()
    flat = np.concatenate([np.array(cdf, np.int32) for cdf in tables.cdfs])
    digest = hashlib.sha256(flat.tobytes() + entropy.exp_table().numpy().tobytes()).hexdigest()
    assert digest[:16] == "a1f79858f5c41f25"
    assert all(cdf[0] == 0 and cdf[-1] == 1 << 16 for cdf in tables.cdfs)
    assert all(np.diff(cdf).min() >= 1 for cdf in tables.cdfs)


@pytest.mark.parametrize("scale", [0, 10, 20, 40, 63])
def test_payload_is_within_two_percent_of_the_information(scale: int) -> None:
    torch.manual_seed(scale)
    index = torch.full((20_000,), float(scale), dtype=torch.float64)
    sigma = entropy.SCALE_LOW * np.exp(entropy.LOG_SCALE_STEP * scale)
    values = torch.randn(20_000, dtype=torch.float64) * sigma
    writer = SymbolWriter()
    symbols = writer.code(index, torch.zeros_like(values), values)
    mass = torch.special.ndtr((symbols + 0.5) / sigma) - torch.special.ndtr((symbols - 0.5) / sigma)
    information = float(-mass.clamp_min(1e-12).log2().sum())
    assert information - 1 <= 8 * len(writer.payload()) <= 1.02 * information + 64


@given(
    st.lists(st.tuples(st.integers(0, 63), st.integers(-SYMBOL_LIMIT, SYMBOL_LIMIT)), max_size=50)
)
@settings(max_examples=150, deadline=None)
def test_any_symbols_come_back(pairs: list[tuple[int, int]]) -> None:
    index, values = (torch.tensor([pair[k] for pair in pairs], dtype=torch.float64) for k in (0, 1))
    writer = SymbolWriter()
    written = writer.code(index, torch.zeros_like(values), values)
    reader = SymbolReader(writer.payload(), len(pairs))
    read = reader.code(index, torch.zeros_like(values))
    assert torch.equal(read, written)
    assert torch.equal(written, values)
    assert reader.check == writer.check


def test_symbols_that_are_handed_on_in_between_make_the_same_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A large picture's would take a gigabyte as lists, all at once."""
    torch.manual_seed(0)
    index, values = torch.randint(0, 64, (40, 30)).double(), torch.randint(-9, 9, (40, 30)).double()
    streams = []
    for at_once in (10**6, 100):
        monkeypatch.setattr(entropy, "_AT_ONCE", at_once)
        writer = SymbolWriter()
        for row, numbers in zip(index, values, strict=True):
            writer.code(row, torch.zeros_like(numbers), numbers)
            assert sum(len(part) for part, _ in writer._waiting) < at_once
        streams.append((writer.payload(), writer.check))
    assert streams[0] == streams[1]


@given(st.binary(max_size=400), st.integers(1, 300), st.integers(0, 63))
@settings(max_examples=300, deadline=None)
def test_hostile_bytes_give_symbols_or_a_typed_error(data: bytes, count: int, scale: int) -> None:
    reader = SymbolReader(data, count)
    index = torch.full((count,), float(scale), dtype=torch.float64)
    try:
        symbols = reader.code(index, torch.zeros_like(index))
    except BitstreamError:
        return
    assert symbols.shape == (count,)
    assert symbols.abs().max() <= SYMBOL_LIMIT


def test_the_first_symbols_stop_a_stream_of_another_size() -> None:
    writer = SymbolWriter()
    values = torch.randn(500, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3
    index = torch.full((500,), 27.0, dtype=torch.float64)
    writer.code(index, torch.zeros_like(values), values)
    payload = writer.payload()
    stopped = 0
    for scale in range(64):
        reader, other = SymbolReader(payload, 500), torch.full((500,), float(scale))
        try:
            reader.code(other, torch.zeros(500))
        except BitstreamError:
            stopped += 1
    assert stopped >= 61


def test_reading_more_than_announced_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="announced"):
        SymbolReader(b"", 1).code(torch.zeros(2), torch.zeros(2))


def test_token_tables_follow_the_softmax() -> None:
    torch.manual_seed(0)
    logits = (torch.randn(5, 64, dtype=torch.float64) * 3 * 1024).round() / 1024
    tables = entropy.token_tables(logits)
    shares = torch.tensor(tables.cdfs, dtype=torch.float64).diff(dim=1)[:, :-1] / (1 << 16)
    divergence = (shares * (shares / logits.softmax(1)).log()).sum(1)
    assert divergence.max() < 0.005


@given(st.lists(st.integers(0, 1 << 30), min_size=2, max_size=40).filter(any))
def test_every_symbol_keeps_a_count(weights: list[int]) -> None:
    (cdf,) = entropy.frequencies_to_tables(torch.tensor([weights])).cdfs
    assert cdf[0] == 0
    assert cdf[-1] == 1 << 16
    assert min(np.diff(cdf)) >= 1


@pytest.mark.parametrize("scale", [0, 4, 20, 63])
def test_the_likeliest_symbols_of_all_are_never_too_short(scale: int) -> None:
    """A stream of nothing but the cheapest symbols is the shortest that a writer can make."""
    index = torch.full((300_000,), float(scale), dtype=torch.float64)
    zeros = torch.zeros_like(index)
    writer = SymbolWriter()
    writer.code(index, zeros, zeros)
    payload = writer.payload()
    assert torch.equal(SymbolReader(payload, len(index)).code(index, zeros), zeros)
    information = len(index) * entropy.gaussian_tables().least[scale] / 8
    assert information <= len(payload) + 1 <= information + 14


def test_the_likeliest_tokens_are_never_too_short() -> None:
    weights = torch.ones(4000, 64, dtype=torch.int64)
    weights[:, 7] = 1 << 30
    tables, index = entropy.frequencies_to_tables(weights), np.arange(4000, dtype=np.int32)
    writer = SymbolWriter()
    writer.put(np.full(4000, 7, np.int32), index, tables)
    assert set(SymbolReader(writer.payload(), 4000).take(index, tables)) == {7}


def test_a_stream_that_is_too_short_for_its_symbols_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = SymbolReader(b"abc", 100_000)
    monkeypatch.setattr(reader, "_decoder", None)
    index = torch.full((100_000,), 20.0, dtype=torch.float64)
    with pytest.raises(BitstreamError, match="too short to hold a picture"):
        reader.code(index, torch.zeros_like(index))
