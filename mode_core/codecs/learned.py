"""A learned codec with its weights loaded: ours, or the authors'."""

from __future__ import annotations

from mode_core.codecs.adapter import LearnedCodec
from mode_core.codecs.authors import PublicFamily
from mode_core.codecs.networks import load_net, networks_of
from mode_core.types import Codec, CodecInfo
from mode_core.weights.sets import PUBLIC, TAG_BYTES, family, find_weights


def build(info: CodecInfo, profile: str) -> Codec:
    """What the registry calls for every codec whose folder has no `build` of its own."""
    if profile.startswith(PUBLIC):
        return PublicFamily(info, family(info.id, profile))
    found = find_weights(info.id, profile)
    system = networks_of(found).system(load_net(found))
    return LearnedCodec(info, found.width, found.digest()[:TAG_BYTES], system)
