"""Which checkpoints others have published, and on what terms. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError
from mode_core.types import ByHand, Published
from mode_core.weights.sets import WeightsSet, all_weights

OWN_LICENCE = "Apache-2.0"
"""The licence of the weights that this project trained; imported ones bring their own."""
_KNOWN = tuple(one for info in CODECS.values() for one in info.checkpoints)
PUBLISHED = tuple(one for one in _KNOWN if isinstance(one, Published))
BY_HAND = tuple(one for one in _KNOWN if isinstance(one, ByHand))
LICENCES = {info.id: info.terms for info in CODECS.values() if info.terms}
"""What the licence of a codec's public weights means."""


def usual_licence(codec: str) -> str:
    """What public weights of a codec are under, as far as their publishers say."""
    return next((one.licence for one in _KNOWN if one.codec == codec), "none stated")


def licence_of(found: WeightsSet) -> str:
    """The terms of a set of weights; what is not ours is never called ours."""
    usual = usual_licence(found.codec) if found.is_public else OWN_LICENCE
    return found.facts.get("licence") or usual


def all_made_from(one: Published) -> list[WeightsSet]:
    """The sets here that were made from a public checkpoint, whatever their folders' names."""
    named = (here for here in all_weights() if here.facts.get("file") == one.file)
    return [here for here in named if here.codec == one.codec]


def made_from(one: Published) -> WeightsSet | None:
    """The first of them, if there is any."""
    return next(iter(all_made_from(one)), None)


def chosen(codec: str, qualities: str) -> list[Published]:
    """The checkpoints that a person names: 3, or 1-6, or all, or several of these with commas."""
    if codec == qualities == "all":
        return list(PUBLISHED)
    own = [one for one in PUBLISHED if one.codec == codec]
    if not own:
        raise ModeError(_not_by_program(codec))
    parts = (_named(own, text.strip()) for text in qualities.split(","))
    return list(dict.fromkeys(chain.from_iterable(parts)))


def _named(own: Sequence[Published], text: str) -> Sequence[Published]:
    names = [one.quality for one in own]
    if text == "all":
        return own
    if text in names:
        return [own[names.index(text)]]
    first, _, last = text.partition("-")
    if first in names and last in names[names.index(first) :]:
        return own[names.index(first) : names.index(last) + 1]
    raise ModeError(
        f"no public weights of {own[0].codec!r}, quality {text!r}, are known; qualities are "
        f"{', '.join(names)}, all, and a range such as {names[0]}-{names[-1]}"
    )


def _not_by_program(codec: str) -> str:
    for other in BY_HAND:
        if other.codec == codec:
            return (
                f"the weights of {codec} cannot be fetched by a program; download them by hand "
                f"({other.where}), then run `python -m mode_core weights import {codec} FILE`"
            )
    known = ", ".join(dict.fromkeys(one.codec for one in PUBLISHED))
    return f"no public weights of {codec!r} are known, only of {known}; see `weights list`"
