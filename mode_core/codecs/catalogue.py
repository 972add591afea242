"""Which checkpoints others have published, and on what terms. No torch here."""

from __future__ import annotations

from mode_core.codecs.registry import CODECS
from mode_core.types import ByHand, Published
from mode_core.weights.sets import WeightsSet

OWN_LICENCE = "Apache-2.0"
"""The licence of the weights that this project trained; imported ones bring their own."""
_KNOWN = tuple(one for info in CODECS.values() for one in info.checkpoints)
PUBLISHED = tuple(one for one in _KNOWN if isinstance(one, Published))
BY_HAND = tuple(one for one in _KNOWN if isinstance(one, ByHand))
LICENCES = {info.id: info.terms for info in CODECS.values() if info.terms}


def usual_licence(codec: str) -> str:
    """What public weights of a codec are under, as far as their publishers say."""
    return next((one.licence for one in _KNOWN if one.codec == codec), "none stated")


def licence_of(found: WeightsSet) -> str:
    """The terms of a set of weights; what is not ours is never called ours."""
    usual = usual_licence(found.codec) if found.is_public else OWN_LICENCE
    return found.facts.get("licence") or usual


def published(codec: str, quality: str) -> Published | None:
    """The checkpoint of a codec and quality."""
    wanted = codec, quality
    return next((one for one in PUBLISHED if (one.codec, one.quality) == wanted), None)
