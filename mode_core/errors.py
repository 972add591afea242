"""The errors that callers may catch; each message says what, where, and what would work.

ModeError
├── BitstreamError       the bytes are not a stream that can be decoded
│   ├── WeightsMismatch  they are, but were made with other weights
│   └── DecoderDrift     they are, but this machine's arithmetic reads them differently
├── UnsupportedImage     the file is not a picture that can be encoded
├── WeightsUnavailable   the codec has no (usable) weights here
├── UnknownCodec · UnknownAnchor
├── NoOverlap            two rate-distortion curves that cannot be compared
├── ResultsError         a results file that cannot be read
└── CheckpointError      somebody else's weights that cannot be taken over
"""


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
