"""Tokens as numbers of fixed length in a stream."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mode_core.errors import BitstreamError
from mode_core.stream.container import symbol_check

Tokens = npt.NDArray[np.uint16]


def pack(tokens: Tokens, bits: int) -> bytes:
    """Tokens at a fixed length, highest bit first."""
    places = np.arange(bits - 1, -1, -1, dtype=np.uint16)
    return np.packbits((tokens.reshape(-1, 1) >> places) & 1).tobytes()


def unpack(payload: bytes, bits: int, count: int, codes: int) -> Tokens:
    """The tokens again; BitstreamError unless there are `count` of them, all below `codes`."""
    wanted = -(-count * bits // 8)
    if len(payload) != wanted:
        what = f"has {len(payload)} bytes, not {wanted}" if payload else "is lost"
        raise BitstreamError(f"the token stream {what}; without it nothing can be decoded")
    digits = np.unpackbits(np.frombuffer(payload, np.uint8), count=count * bits)
    places = 1 << np.arange(bits - 1, -1, -1)
    tokens = (digits.reshape(count, bits) @ places).astype(np.uint16)
    if tokens.max() >= codes:
        raise BitstreamError("the token stream is damaged: it holds impossible tokens")
    return tokens


def token_check(tokens: Tokens) -> int:
    """The symbol check of tokens."""
    return symbol_check(tokens.astype("<u2").tobytes())
