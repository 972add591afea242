"""The errors that callers may catch; each message says what, where, and what would work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

SHOWN = 20
"""How many sentences about one thing are said; the others are counted."""


class ModeError(Exception):
    """Something that a user did or met; shown as one sentence, never as a traceback."""


class BitstreamError(ModeError):
    """The bytes are not a whole, intact file."""


class WeightsMismatch(BitstreamError):
    """The file needs other weights than those at hand."""


class DecoderDrift(BitstreamError):
    """What was read is not what was written."""


class UnsupportedImage(ModeError):
    """The picture cannot be read or is outside the limits."""


class WeightsUnavailable(ModeError):
    """The codec has no usable weights on this machine."""


class UnknownCodec(ModeError):
    """No codec has this name or number."""


class UnknownAnchor(ModeError):
    """The codec does not offer this anchor."""


class NoOverlap(ModeError):
    """The curves share too little of their range, or are not curves at all."""


class CheckpointError(ModeError):
    """A checkpoint that cannot be read, or is not what it was said to be."""


class ResultsError(ModeError):
    """A results file has the wrong shape."""


def refuse_all(wrong: Sequence[str], say: Callable[[str], None], until: str) -> None:
    """ResultsError if anything is wrong, after the sentences on all of it were said."""
    if wrong:
        for sentence in wrong[:SHOWN]:
            say(sentence)
        more = f", of which the first {SHOWN} are above" if len(wrong) > SHOWN else ""
        raise ResultsError(f"{until}: {len(wrong)} thing{'s' * (len(wrong) > 1)} to mend{more}")
