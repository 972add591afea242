"""The pictures of a blind test, made before the first trial: no waiting time tells a codec."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from math import isfinite
from secrets import token_hex
from typing import NamedTuple

from app.blind.plan import Pair
from app.blind.wish import WORST, Scene, Wish
from app.panes.names import parse_pane
from app.panes.weights import licence_of
from app.server.demands import BadRequest
from app.server.process import Wanted
from app.server.queue import Ahead, Question
from app.server.service import Service
from app.server.store import Decoded, Opened, Sealed
from mode_core.votes.records import ORIGINAL

UNEQUAL = 0.03
"""Two files whose sizes differ by more than that are not called equal."""
_ANY_BPP = 0.1
"""The common rate, which no candidate follows."""
_SIGNATURE = 8
Told = Callable[[int, Ahead | None], None]
"""Hears how many pictures are there, and what comes first in the waiting line."""
_KEPT_CHUNKS = (b"IHDR", b"IDAT", b"IEND")


class Cancelled(Exception):
    """Nobody waits for this test any more."""


class Facts(NamedTuple):
    """What is told of a shown picture after the test."""

    sha256: str = ""
    weights: str = ""
    bytes: int | None = None
    values: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a test shows: facts by picture and candidate, sizes by picture, licences."""

    facts: Mapping[tuple[str, str], Facts]
    sizes: Mapping[str, tuple[int, int]]
    licences: Mapping[str, str] = field(default_factory=dict)

    def unequal(self, picture: str, pair: Pair) -> bool:
        """Whether the two files differ in size, or nobody has said how large one of them is."""
        one, other = (self.facts[picture, name].bytes for name in pair)
        return not one or not other or max(one, other) / min(one, other) > 1 + UNEQUAL


def prepare(
    wish: Wish,
    service: Service,
    visitor: str,
    wanted: Wanted,
    told: Told,
) -> tuple[Prepared, Sealed]:
    """Code and decode every candidate of every picture, in the waiting line like any question."""
    pngs: dict[tuple[str, str], bytes] = {}
    facts: dict[tuple[str, str], Facts] = {}
    sizes: dict[str, tuple[int, int]] = {}
    most, page = service.settings.cache_bytes // 4, token_hex(8)
    for number, scene in enumerate(wish.scenes):
        question = Question(page, number, visitor, wanted)
        photo = service.photo(scene.id)
        height, width, _ = photo.pixels.shape
        sizes[scene.name] = width, height
        pngs[scene.name, ORIGINAL] = bare(photo.png)
        facts[scene.name, ORIGINAL] = Facts()
        for name, one in _coded(wish, scene, service, question, told):
            pngs[scene.name, name], facts[scene.name, name] = bare(one.png), _facts(service, one)
        if sum(map(len, pngs.values())) > most:
            raise BadRequest(
                f"the pictures of this test take more than {most >> 20} MB; choose fewer "
                "or smaller pictures, or fewer candidates"
            )
    makers = {name: parse_pane(pane)[0] for name, pane in wish.panes.items()}
    licences = {name: licence_of(maker) for name, maker in makers.items()}
    return Prepared(facts, sizes, licences), Sealed(pngs)


def _coded(
    wish: Wish,
    scene: Scene,
    service: Service,
    question: Question,
    told: Told,
) -> Iterator[tuple[str, Decoded | Opened]]:
    """Each candidate's picture of this scene."""
    panes = {**wish.panes, WORST: WORST}
    slots = {}
    with closing(service.compare(scene.id, [*panes.values()], _ANY_BPP, question)) as moments:
        for shown in moments:
            if not question.listening():
                raise Cancelled
            slots = {slot.id: slot for slot in shown.slots}
            ready = sum(slot.state == "ready" for slot in shown.slots)
            told(int(question.number) * len(panes) + ready, shown.ahead)
            if all(slot.state != "waiting" for slot in shown.slots):
                break
    for name, pane in panes.items():
        slot = slots.get(pane)
        if slot is None or slot.state != "ready":
            why = slot.error if slot is not None and slot.error else "its picture was not made"
            raise BadRequest(f"{name} cannot be shown, so leave it out: {why}")
        one = service.store.get(slot.key)
        if not isinstance(one, Decoded | Opened):
            raise BadRequest(
                "the server's memory is too small for this test; choose fewer pictures"
            )
        yield name, one


def _facts(service: Service, one: Decoded | Opened) -> Facts:
    known = {key: value for key, value in service.measured(one).items() if isfinite(value)}
    if isinstance(one, Opened):
        return Facts(bytes=one.file_bytes, values=known)
    tag = one.picture.bitstream.weights
    return Facts(one.sha256, tag.hex() if any(tag) else "", len(one.picture.file), known)


def bare(png: bytes) -> bytes:
    """The PNG with its pixels and nothing else: its comment may say whose weights made it."""
    kept, at = [png[:_SIGNATURE]], _SIGNATURE
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        end = at + length + 12
        if png[at + 4 : at + 8] in _KEPT_CHUNKS:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)
