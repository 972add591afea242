"""JPEG, WebP, AVIF and JPEG XL: their rows, one adapter around Pillow, and checks that AVIF
and JPEG XL files are safe for their decoders.

May use: codecs, errors, pictures, stream, types.
"""

from mode_core.types import Codec, CodecInfo, Look

CODECS = (
    CodecInfo(
        "jpeg", 16, {None: "JPEG"}, "JPEG, libjpeg-turbo", learned=False,
        looks={None: Look("#5a5a5a", "#bdbdbd", "x")}, published_as="JPEG", published_in=("psnr",),
    ),
    CodecInfo(
        "webp", 17, {None: "WebP"}, "WebP lossy, libwebp", learned=False,
        looks={None: Look("#737373", "#a0a0a0", "cross")},
        published_as="WebP", published_in=("psnr",),
    ),
    CodecInfo(
        "avif", 18, {None: "AVIF"}, "AVIF, libavif and libaom", learned=False,
        looks={None: Look("#4a4a4a", "#d0d0d0", "star")},
    ),
    CodecInfo(
        "jxl", 19, {None: "JPEG XL"}, "JPEG XL, libjxl", learned=False,
        looks={None: Look("#666666", "#8f8f8f", "hourglass")},
    ),
)  # fmt: skip


def build(info: CodecInfo, profile: str) -> Codec:
    """The codec of this name; classical codecs have no weights, so no profiles either."""
    from mode_core.codecs.classical import adapter

    return adapter.codec(info)
