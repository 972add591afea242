"""The errors that callers may catch; each message says what, where, and what would work."""


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
