"""Integers into bytes and back: CompressAI's rANS over stored integer tables.

The tables are data (`tables.npz`), not computed here: two machines never disagree about them.
Writer and reader share one method, `code`, so a codec walks its latents with the same lines in both
directions: the writer is given values and returns the integers it wrote, the reader reads them.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.errors import BitstreamError, DecoderDrift
from mode_core.stream.rans import range_coder

SCALES = 64
SCALE_LOW, SCALE_HIGH = 0.11, 256.0
LOG_SCALE_STEP = math.log(SCALE_HIGH / SCALE_LOW) / (SCALES - 1)
SYMBOL_LIMIT = 8191
EXP_STEPS = 64
"""Steps per nat of the stored exponential table."""
DRIFT = (
    "the stream decodes to other values than were written: the file is damaged, or this program "
    "computes differently from the one that wrote it"
)
_UNSENT = 16
"""Bytes by which a stream may be shorter than its symbols: the coder starts with 31 bits in hand,
and zeros at the end are not sent."""
_CODER = range_coder()
_TABLES = Path(__file__).with_name("tables.npz")
_TOTAL = 1 << 16


@dataclass(frozen=True, slots=True)
class CdfTables:
    """Cumulative 16-bit frequencies in the form that CompressAI's coder takes."""

    cdfs: list[list[int]]
    sizes: list[int]
    offsets: list[int]
    least: npt.NDArray[np.float64]
    """Bits of each table's likeliest symbol: with this table nothing takes less."""

    def to(self, index: npt.NDArray[np.int32]) -> tuple[list[list[int]], list[int], list[int]]:
        """What the coder takes, as far as these indices reach: the last tables are the longest."""
        reach = int(index.max()) + 1 if index.size else 1
        return self.cdfs[:reach], self.sizes[:reach], self.offsets[:reach]

    @classmethod
    def of(cls, cdfs: list[list[int]], sizes: list[int], offsets: list[int]) -> CdfTables:
        """The tables, with what they take at least."""
        likeliest = [max(np.diff(cdf[:size])) for cdf, size in zip(cdfs, sizes, strict=True)]
        return cls(cdfs, sizes, offsets, _bits(np.array(likeliest)))


def _bits(counts: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    bits: npt.NDArray[np.float64] = math.log2(_TOTAL) - np.log2(counts)
    return bits


SURPRISE = 1
"""The largest integer that may be lost where 0 is all but sure; it would take 16 bits or more."""
WHOLE = CdfTables.of([[0, _TOTAL - 1024, _TOTAL - 1, _TOTAL]], [4], [0])
"""For a symbol that says whether nothing is skipped, which is seldom: 0 takes a fiftieth bit."""
_CERTAIN = CdfTables.of([[0, _TOTAL - 1, _TOTAL]], [3], [0])


@cache
def gaussian_tables() -> CdfTables:
    """Zero-mean Gaussians rounded to integers, one for each of the 64 scales."""
    with np.load(_TABLES) as stored:
        flat, sizes, offsets = (stored[name].tolist() for name in ("cdf", "sizes", "offsets"))
    ends = np.cumsum(sizes).tolist()
    cdfs = [flat[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return CdfTables.of(cdfs, sizes, offsets)


@cache
def exp_table() -> Tensor:
    """2^30 exp(-i/64) as integers, so that a softmax needs no exponential."""
    with np.load(_TABLES) as stored:
        return torch.from_numpy(stored["exp"].astype(np.int64))


_AT_ONCE = 1 << 20
"""So many symbols are handed on at most before more come: as lists they take ten times the room."""


class _Checked:
    _check = 0
    skips = False
    """Whether what has the narrowest of the Gaussian tables is taken for 0, and not coded."""

    @property
    def check(self) -> int:
        """The CRC-16 of all symbols so far, never 0."""
        return self._check & 0xFFFF or 1


class SymbolWriter(_Checked):
    """Codes values into one rANS stream."""

    def __init__(self) -> None:
        self._encoder = _CODER.BufferedRansEncoder()
        self._first = -1
        self.surprised = False
        """Whether something was skipped that is far from 0: then better nothing is."""
        self._waiting: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]] = []
        self._tables = gaussian_tables()

    def code(
        self, index: Tensor, mean: Tensor, values: Tensor | None, tables: CdfTables | None = None
    ) -> Tensor:
        """The integers nearest to values - mean, written with each index's table.

        Of the Gaussian tables, those without a name, the nearest to a fractional index is taken.
        """
        if values is None:
            raise ValueError("a writer needs values")
        symbols = (values - mean).round_().clamp_(-SYMBOL_LIMIT, SYMBOL_LIMIT)
        if self.skips and tables is None:
            return self._put_some(symbols, _integers(scale_index(index)))
        place = scale_index(index) if tables is None else index
        self.put(_integers(symbols), _integers(place), tables or gaussian_tables())
        return symbols

    def _put_some(self, symbols: Tensor, place: npt.NDArray[np.int32]) -> Tensor:
        """Write what has another table than the narrowest; 0 for all that has not."""
        whole = _integers(symbols)
        coded = place > 0
        lost = np.flatnonzero((whole != 0) & ~coded)
        if lost.size:
            self.surprised |= bool(np.abs(whole[lost]).max() > SURPRISE)
            whole[lost] = 0
            symbols.view(-1)[torch.from_numpy(lost)] = 0
        self.put(whole[coded], place[coded], gaussian_tables())
        return symbols

    def put(
        self, symbols: npt.NDArray[np.int32], index: npt.NDArray[np.int32], tables: CdfTables
    ) -> None:
        """Write symbols with any tables."""
        self._note(symbols)
        if tables is not self._tables:
            self._encode()
            self._tables = tables
        self._waiting.append((symbols, index))
        if sum(len(part) for part, _ in self._waiting) >= _AT_ONCE:
            self._encode()

    def _encode(self) -> None:
        """Hand on what waits, at once: the coder takes in all tables each time it is called."""
        if self._waiting:
            symbols, index = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
            self._waiting = []
            self._encoder.encode_with_indexes(
                symbols.tolist(), index.tolist(), *self._tables.to(index)
            )

    def put_tokens(self, tokens: Tensor, rows: Tensor, logits_NK: Tensor) -> None:
        """Write tokens, to the bit as with the tables of these rows of logits.

        Whole tables would be lists of a thousand numbers; a writer needs the token's own part.
        """
        self._encode()
        self._note(_integers(tokens))
        cdf_NK = _cumulated(_token_weights(logits_NK))
        ends = torch.stack([cdf_NK[rows, tokens], cdf_NK[rows, tokens + 1]], 1)
        parts = F.pad(F.pad(ends, (1, 0)), (0, 1), value=_TOTAL).tolist()
        count = len(parts)
        self._encoder.encode_with_indexes(
            [1] * count, list(range(count)), parts, [4] * count, [0] * count
        )

    def _note(self, symbols: npt.NDArray[np.int32]) -> None:
        self._check = zlib.crc32(symbols.tobytes(), self._check)
        if self._first < 0:
            self._first = self._check & 0xFF

    def payload(self) -> bytes:
        """The stream, its first byte the check of the first symbols; the writer is spent."""
        self._encode()
        # CompressAI's flush writes past its buffer when it holds fewer than four symbols; these
        # are all but free, come last and are never read
        self._encoder.encode_with_indexes(
            [0] * 4, [0] * 4, _CERTAIN.cdfs, _CERTAIN.sizes, _CERTAIN.offsets
        )
        # the reader finds zeros behind the stream, so those at its end need not be sent
        return (bytes([max(self._first, 0)]) + bytes(self._encoder.flush())).rstrip(b"\0")


class SymbolReader(_Checked):
    """Reads one rANS stream; cannot read outside it, whatever the bytes say.

    CompressAI's decoder does not know where its buffer ends. Past the end it finds zeros here, of
    which a symbol takes at most 20 bits, so three bytes for each symbol are enough. The check of
    the first symbols stops a damaged or hostile file before it costs time and memory; so does the
    number of bits that all symbols so far take at least.
    """

    def __init__(self, payload: bytes, symbols: int) -> None:
        self._decoder = _CODER.RansDecoder()
        self._decoder.set_stream(payload[1:] + bytes(3 * symbols + 64))
        self._left = symbols
        self._room = 8.0 * (len(payload) + _UNSENT)
        self._first = payload[0] if payload else 0

    def code(
        self,
        index: Tensor,
        mean: Tensor,
        values: Tensor | None = None,
        tables: CdfTables | None = None,
    ) -> Tensor:
        """The integers that were written with these indices."""
        place = _integers(scale_index(index) if tables is None else index)
        if self.skips and tables is None:
            coded = place > 0
            symbols = np.zeros_like(place)
            symbols[coded] = self.take(place[coded], gaussian_tables())
        else:
            symbols = self.take(place, tables or gaussian_tables())
        if symbols.size and max(symbols.max(), -symbols.min()) > SYMBOL_LIMIT:
            raise BitstreamError("the stream is damaged: it decodes to impossible values")
        kind = torch.float32 if index.dtype == torch.float32 else torch.float64
        return torch.from_numpy(symbols).to(index.device, kind).reshape(index.shape)

    def take(self, index: npt.NDArray[np.int32], tables: CdfTables) -> npt.NDArray[np.int32]:
        """Read symbols with any tables."""
        self._left -= index.size
        if self._left < 0:
            raise ValueError("more symbols are read than were announced")
        self._room -= tables.least[index].sum()
        if self._room < 0:
            raise BitstreamError(
                "the stream is too short to hold a picture of the size that the file states"
            )
        read = self._decoder.decode_stream(index.tolist(), *tables.to(index))
        symbols = np.asarray(read, np.int32)
        self._check = zlib.crc32(symbols.tobytes(), self._check)
        if self._first >= 0 and self._first != self._check & 0xFF:
            raise DecoderDrift(DRIFT)
        self._first = -1
        return symbols


Coder = SymbolWriter | SymbolReader


def scale_index(raw: Tensor) -> Tensor:
    """The table for each scale, given in (fractional) table units."""
    return raw.round().clamp_(0, SCALES - 1)


def token_tables(logits_NK: Tensor) -> CdfTables:
    """One table per row for a softmax over K symbols, in integers from start to end."""
    return frequencies_to_tables(_token_weights(logits_NK))


def token_bits(logits_NK: Tensor, rows: Tensor, tokens: Tensor) -> Tensor:
    """About what tokens take with the tables of these rows of logits."""
    share = logits_NK.softmax(1)[rows, tokens]
    return math.log2(_TOTAL) - torch.log2(1 + share * (_TOTAL - logits_NK.shape[1] - 1))


def frequencies_to_tables(weights_NK: Tensor) -> CdfTables:
    """Tables from positive integer weights: every symbol keeps at least one count."""
    rows, symbols = weights_NK.shape
    cdf = _cumulated(weights_NK)
    least = _bits(cdf.diff().amax(1).cpu().numpy())
    return CdfTables(cdf.tolist(), [symbols + 2] * rows, [0] * rows, least)


def _token_weights(logits_NK: Tensor) -> Tensor:
    depth = ((logits_NK.amax(1, keepdim=True) - logits_NK) * EXP_STEPS).round().long()
    table = exp_table().to(depth.device)
    return table[depth.clamp(max=len(table) - 1)]


def _cumulated(weights_NK: Tensor) -> Tensor:
    rows, symbols = weights_NK.shape
    total = weights_NK.sum(1, keepdim=True)
    counts = 1 + weights_NK * (_TOTAL - symbols - 1) // total
    best = weights_NK.argmax(1, keepdim=True)
    counts.scatter_add_(1, best, _TOTAL - 1 - counts.sum(1, keepdim=True))
    # one count is left for the coder's escape bin, which a token never uses
    return torch.cat(
        [counts.new_zeros(rows, 1), counts.cumsum(1), counts.new_full((rows, 1), _TOTAL)], 1
    )


def symbol_bits(
    symbols: npt.NDArray[np.integer[Any]], tables: CdfTables, index: int
) -> npt.NDArray[np.float64]:
    """What each of these symbols takes with one of the tables."""
    bits = _bits(np.diff(tables.cdfs[index][: tables.sizes[index]]))
    last = len(bits) - 1  # the escape, behind which the coder sends the rest in plain bits
    place = symbols - tables.offsets[index]
    inside = (place >= 0) & (place < last)
    rest = np.where(place < 0, -2 * place - 1, 2 * (place - last)).clip(0)
    digits = np.ceil(np.log2(rest + 1.0) / 4)
    taken: npt.NDArray[np.float64] = bits[np.where(inside, place, last)]
    taken += ~inside * 4 * (digits + digits // 15 + 1)
    return taken


def _integers(x: Tensor) -> npt.NDArray[np.int32]:
    return np.ascontiguousarray(x.reshape(-1).to(torch.int32).cpu().numpy())
