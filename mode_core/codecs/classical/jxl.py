"""The sizes of the frames inside a JPEG XL file, and a refusal of frames that do not belong there.

A frame may be far larger than the picture that it is cropped into, and there may be any number of
frames; the plugin that decodes them knows no limits. So the headers are walked here first, and only
what our encoder writes is let through: 8-bit sRGB, up to three small reference frames (libjxl keeps
repeated glyphs there), then one regular frame exactly as large as the picture, and nothing behind.
The fields and their order are those of ISO/IEC 18181-1.
"""

from __future__ import annotations

from mode_core.pictures.sizes import Bits, Size, take_jxl_size

_MAX_REFERENCES = 3
_REFERENCE_ROOM = 65_536
"""Pixels that a reference frame may have beyond those of the picture."""
_REGULAR, _REFERENCE = 0, 2
_UPSAMPLING = ((0, 1), (0, 2), (0, 4), (0, 8))
_SIDE = ((8, 0), (11, 256), (14, 2304), (30, 18688))
_SECTION = ((10, 0), (14, 1024), (22, 17408), (30, 4211712))
_FLAGS = ((0, 0), (4, 1), (8, 17))
_LF_FRAME = 32
_GROUP = 256


def jxl_size(payload: bytes) -> Size:
    """(width, height) of the picture; ValueError for a file laid out unlike ours."""
    bits = Bits(payload)
    if bits.take(16) != 0x0AFF:
        raise ValueError("not a bare JPEG XL codestream")
    size = take_jxl_size(bits)
    _demand(bits.take(2) == 0b11)  # default metadata and transform: 8-bit sRGB, no extras
    for _ in range(_MAX_REFERENCES + 1):
        bits.align()
        if _skip_frame(bits, size):
            _demand(bits.at == 8 * len(payload))
            return size
    raise ValueError("too many JPEG XL frames")


def _demand(usual: bool) -> None:
    if not usual:
        raise ValueError("not a plain JPEG XL file")


def _skip_frame(bits: Bits, size: Size) -> bool:
    """Moves past one frame and tells whether it is the last."""
    if bits.take(1):  # all defaults: one regular frame of the picture's size, and the last
        _skip_sections(bits, size, _GROUP)
        return True
    kind, modular = bits.take(2), bits.take(1)
    flags = bits.take(2)
    _demand(kind in (_REGULAR, _REFERENCE) and flags < len(_FLAGS))
    width_bits, offset = _FLAGS[flags]
    _demand((bits.take(width_bits) + offset) & _LF_FRAME == 0)
    upsampling = bits.choose(_UPSAMPLING)
    group = _GROUP
    if modular:
        group = 128 << bits.take(2)
    else:
        bits.take(6)  # strengths of the colour quantizers
    if kind == _REGULAR:
        # one pass, without crop, that replaces all before it and is last
        _demand((bits.take(2), bits.take(1), bits.take(2), bits.take(1)) == (0, 0, 0, 1))
    else:
        size = _take_reference(bits, size)
    _take_name_and_filter(bits, modular)
    _skip_sections(bits, (-(-size[0] // upsampling), -(-size[1] // upsampling)), group)
    return kind == _REGULAR


def _take_reference(bits: Bits, picture: Size) -> Size:
    """The size of a frame to copy from."""
    size = picture
    if bits.take(1):
        size = (bits.choose(_SIDE), bits.choose(_SIDE))
    _demand(0 < size[0] * size[1] <= picture[0] * picture[1] + _REFERENCE_ROOM)
    bits.take(3)  # where it is kept, and in which colours
    return size


def _take_name_and_filter(bits: Bits, modular: int) -> None:
    _demand(bits.take(2) == 0)  # no name
    if bits.take(1):  # default filter
        _demand(bits.take(2) == 0)
        return
    if bits.take(1):  # smoothing, with weights of its own
        _demand(bits.take(1) == 0)
    if bits.take(2):  # edge-preserving passes, with settings of their own
        _demand(bits.take(2 if modular else 3) == 0)
        if modular:
            bits.take(16)
    _demand(bits.take(4) == 0)  # no extensions, of the filter and of the frame


def _skip_sections(bits: Bits, size: Size, group: int) -> None:
    """Past the table of sections, which must be in order, and past the sections themselves."""
    groups = -(-size[0] // group) * -(-size[1] // group)
    coarse = -(-size[0] // (8 * group)) * -(-size[1] // (8 * group))
    _demand(bits.take(1) == 0)
    bits.align()
    count = 1 if groups == 1 else 2 + coarse + groups
    length = sum(bits.choose(_SECTION) for _ in range(count))
    bits.align()
    bits.at += 8 * length
