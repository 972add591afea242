"""Which weights exactly: the digest and the tag of a set, and the sets that it stands on.

A tag, written into every file, is the start of the SHA-256 over all shards; of an imported set, of
the checkpoint that it was made from and how. Several imported sets of a codec and width are one
family of fixed rates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from mode_core.codecs.registry import CODECS, find_codec
from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.weights.sets import (
    PUBLIC,
    Stamp,
    WeightsSet,
    all_weights,
    find_weights,
    stamp_of,
)

_TAG_BYTES = 4


def digest_of(found: WeightsSet) -> bytes:
    """SHA-256 over the digests of the experts, if any, and all shards; an import's identity."""
    if "identity" in found.facts:
        return bytes.fromhex(found.facts["identity"])
    experts = bundled_experts(found.codec) if "experts" in found.facts else []
    return _digest(tuple(map(digest_of, experts)), stamp_of(found.folder), tuple(found.shards))


@lru_cache(maxsize=64)
def _digest(experts: Sequence[bytes], _: Stamp, shards: Sequence[Path]) -> bytes:
    """Read once for as long as no file changes: who decodes asks for every set that is here."""
    total = hashlib.sha256()
    for expert in experts:
        total.update(expert)
    for shard in shards:
        total.update(shard.read_bytes())
    return total.digest()


def tag_of(found: WeightsSet) -> bytes:
    """What stands for a set in files."""
    return digest_of(found)[:_TAG_BYTES]


def tag_words(found: WeightsSet) -> str:
    """The tag as hexadecimal digits; "-" where experts that it is made from are missing."""
    try:
        return tag_of(found).hex()
    except (WeightsUnavailable, OSError):
        return "-"


def tags_of(sets: Iterable[WeightsSet]) -> str:
    """For messages: the tag of each set, as files hold it, and its folder."""
    return ", ".join(f"{tag_words(one)} ({one.folder.name})" for one in sets)


def family(codec: str, profile: str = PUBLIC) -> list[WeightsSet]:
    """All imported sets of a codec and width, by rising rate; the same weights count once."""
    found = [one for one in all_weights() if (one.codec, one.width) == (codec, profile)]
    different = {digest_of(one): one for one in found}.values()
    return sorted(different, key=lambda one: one.bpp) or [find_weights(codec, profile)]


def tags_here(codec: str, profile: str) -> set[str]:
    """The tags of all imported sets of a codec and width, in words."""
    return {tag_words(one) for one in family(codec, profile)}


def quality_for(codec: str, profile: str, tag: str, quality: int) -> int | None:
    """What to ask for so that a file of these weights and this quality is made again, if it can be.

    Imported sets have one rate each, so their files say 0: their place in the family names them.
    """
    if not profile.startswith(PUBLIC):
        return quality
    tags = [tag_words(one) for one in family(codec, profile)]
    return tags.index(tag) if tag in tags else None


def weights_of_tag(codec: str, tag: bytes) -> WeightsSet | None:
    """The imported set that a file was made with, if it is here."""
    imported = (found for found in all_weights() if found.codec == codec and found.is_public)
    return next((found for found in imported if tag_words(found) == tag.hex()), None)


def bundled_experts(codec: str) -> list[WeightsSet]:
    """The bundled sets that a codec stands on; none for most, and for what is no codec."""
    info = CODECS.get(codec)
    return [find_weights(expert) for expert in info.experts] if info else []


def joined_tags(experts: Iterable[WeightsSet]) -> str:
    """How a set's metadata names the experts that it was trained on."""
    return "-".join(tag_of(expert).hex() for expert in experts)


def experts_of(found: WeightsSet) -> list[WeightsSet]:
    """The sets that a set stands on; WeightsMismatch if they are not those of its training."""
    tags = found.facts.get("experts", "")
    if found.is_public:
        return _imported_experts(found.codec, tags)
    bundled = bundled_experts(found.codec)
    if bundled and tags != joined_tags(bundled):
        raise WeightsMismatch(
            f"{found.folder} was trained on other experts ({tags or 'unknown'}) than the bundled "
            f"ones ({joined_tags(bundled)}); train {found.codec} again on them"
        )
    return bundled


def _imported_experts(codec: str, tags: str) -> list[WeightsSet]:
    experts = []
    for expert, tag in zip(find_codec(codec).experts, tags.split("-"), strict=False):
        found = weights_of_tag(expert, bytes.fromhex(tag))
        if found is None:
            raise WeightsMismatch(
                f"this {codec} needs the imported {expert} weights with the tag {tag}; import the "
                "checkpoint that it was trained on"
            )
        experts.append(found)
    return experts
