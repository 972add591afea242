"""Who makes a picture: a codec with its bundled weights, or with imported public ones.

`ms-illm` names the first, `ms-illm.public` the second, everywhere in the app and in its links.
"""

from __future__ import annotations

from mode_core.codecs import catalogue
from mode_core.codecs.catalogue import LICENCES, usual_licence
from mode_core.codecs.registry import CODECS, codec_of, find_codec
from mode_core.codecs.roundtrip import imported_weights
from mode_core.errors import ModeError, WeightsUnavailable
from mode_core.settings import for_visitors
from mode_core.stream.container import Bitstream
from mode_core.types import CodecInfo
from mode_core.weights.sets import (
    PUBLIC,
    WeightsSet,
    all_weights,
    find_weights,
    profile_name,
    stamp_of,
)

OURS = "ours, small"
"""What is said of bundled weights wherever their pictures are: they are not the authors'."""
_UNSTATED = "no licence stated"
_LONGEST_LABEL = 40
"""Labels in messages are cut to this length, since a link may ask for any text."""


def maker_name(codec: str, profile: str) -> str:
    """The codec alone, or with the public profile behind it."""
    return f"{codec}.{profile}" if profile.startswith(PUBLIC) else codec


def parts_of(maker: str) -> tuple[str, str]:
    """Codec and profile; the bundled weights' profile is empty."""
    codec, _, profile = maker.partition(".")
    return codec, profile


def info_of(maker: str) -> CodecInfo:
    """The codec's record, whatever its weights; UnknownCodec if there is none."""
    return find_codec(parts_of(maker)[0])


def with_profile(label: str, maker: str) -> str:
    """A picture's label, with the profile behind it unless the weights are the bundled ones."""
    return f"{label} {profile_name(parts_of(maker)[1])}".strip()


def maker_of(bitstream: Bitstream) -> str:
    """Whose weights a file was made with; the bundled ones' unless an imported set says so."""
    codec, found = codec_of(bitstream.codec).id, imported_weights(bitstream)
    return codec if found is None else maker_name(codec, found.width)


def sentence(error: ModeError | str) -> str:
    """An error's words for visitors, without the folders that this program and weights lie in."""
    return for_visitors(error)


def need_weights(maker: str) -> None:
    """Raise WeightsUnavailable at once, before anything that a network needs is loaded."""
    info, profile = info_of(maker), parts_of(maker)[1]
    if profile and maker not in public_makers():
        if not info.checkpoints:
            raise WeightsUnavailable(
                f"public weights of {info.title} are not on this server, and none are known; "
                "choose another codec for this pane"
            )
        label = with_profile(next(iter(info.outputs.values())), maker)
        raise WeightsUnavailable(
            f"the weights of {label[:_LONGEST_LABEL]} are not on this server; choose another codec "
            "for this pane (who runs the server: see `python -m mode_core weights list`)"
        )
    if info.learned:
        find_weights(info.id, profile)


def offered() -> list[str]:
    """The codecs of a menu; one that waits for its weights is left out while others have theirs."""
    sets = list(all_weights())
    if all(one.is_public for one in sets):
        return list(CODECS)
    there = {one.codec for one in sets}
    return [id for id, info in CODECS.items() if id in there or not info.learned]


def public_makers() -> list[str]:
    """The makers whose imported weights are here, each once."""
    found = (maker_name(one.codec, one.width) for one in all_weights() if one.is_public)
    return list(dict.fromkeys(found))


def whose_weights(maker: str) -> str:
    """Who trained the weights of a maker; empty where there are none."""
    codec, profile = parts_of(maker)
    info = CODECS.get(codec)
    if info is None or not info.learned:
        return ""
    return f"{info.published_by} weights" if profile else OURS


def about_weights(maker: str) -> str:
    """Whose weights a picture is of and, if they are others', their licence."""
    return ": ".join(filter(None, [whose_weights(maker), licence_of(maker)]))


def licence_of(maker: str) -> str:
    """The licence of public weights, shown wherever their pictures are; empty for bundled ones."""
    codec, profile = parts_of(maker)
    if not profile:
        return ""
    known = [catalogue.licence_of(one) for one in sets_of(maker)] or [usual_licence(codec)]
    stated = (_UNSTATED if one.startswith("none") else one for one in known)
    return "; ".join(dict.fromkeys(stated))


def sets_of(maker: str) -> list[WeightsSet]:
    """The sets of a maker's weights that are here."""
    return [one for one in all_weights() if maker_name(one.codec, one.width) == maker]


def state_of(maker: str) -> str:
    """What is another text once other imported weights make the maker's pictures."""
    imported = parts_of(maker)[1]
    return repr([stamp_of(one.folder) for one in sets_of(maker)]) if imported else ""


def terms_of(maker: str) -> str:
    """What the licence of public weights means for those who show their pictures."""
    licence, known = licence_of(maker), LICENCES.get(parts_of(maker)[0], "")
    if licence == _UNSTATED:
        return f"{licence}: ask their author before you pass them on."
    return known if licence and known.startswith(licence) else licence


def weights_words(maker: str) -> str:
    """How a menu names the weights of a maker: compact (bundled), public (authors' weights)."""
    codec, profile = parts_of(maker)
    if profile:
        return f"{profile_name(profile)} ({whose_weights(maker)})"
    bundled = {one.width for one in all_weights() if one.codec == codec and not one.is_public}
    return f"{', '.join(sorted(bundled))} (bundled)" if bundled else ""
