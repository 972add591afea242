"""Which stage stands on what, what share of the time it gets, and when it starts and ends.

Pure: no process, no file, no clock. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mode_core.errors import ModeError


@dataclass(frozen=True, slots=True)
class Part:
    """One stage in the family."""

    name: str
    codec: str
    share: float
    """Its weight in the time."""
    continues: str = ""
    """The stage of the same codec whose weights it goes on with."""
    partners: tuple[str, ...] = ()
    """Codecs whose weights it must have beside it."""
    helpers: tuple[str, ...] = ()
    """Codecs that it starts from where they are there, and does without where not."""


FAMILY = (
    Part("elic", "elic", 5),
    Part("vq", "vq", 4),
    Part("prior", "vq", 1.5, "vq"),
    Part("vq-gan", "vq", 1.5, "prior"),
    Part("ms-illm", "ms-illm", 3, helpers=("elic",)),
    Part("mode", "mode", 3, partners=("elic", "vq")),
    Part("dlf", "dlf", 4, partners=("vq",)),
    Part("ms-illm-gan", "ms-illm", 1.5, "ms-illm", ("vq",)),
    Part("dlf-gan", "dlf", 1.5, "dlf", ("vq",)),
    Part("hdc", "hdc", 2, partners=("elic", "vq")),
    Part("hdc-tokens", "hdc", 1.5, "hdc", ("elic", "vq")),
    Part("hdc-merge", "hdc", 2, "hdc-tokens", ("elic", "vq")),
    # no hdc-gan: listened to, its critic has only made LPIPS worse so far (docs/hdc.md)
    Part("hdc-vectors", "hdc", 0.5, "hdc-merge", ("elic", "vq")),
    Part("clc", "clc", 1.5, partners=("elic",)),
)
"""In the order in which they start where several could."""

DONE, FAILED, OUT = "done", "failed", "left out"
CLOSING_SHARE, CLOSING_LEAST = 0.12, 40.0
"""Of the whole time, what packs and the table take at the end; and the least of it."""


class FamilyError(ModeError):
    """The family cannot be trained as asked."""


def chosen(only: Sequence[str], without: Sequence[str], bundled: Sequence[str]) -> tuple[Part, ...]:
    """The parts to train; FamilyError for a name that is none."""
    codecs = {part.codec for part in FAMILY}
    known = {part.name for part in FAMILY}
    for name in (*only, *without):
        if name not in known:
            raise FamilyError(f"there is no stage {name!r}; choose from {', '.join(sorted(known))}")
    for codec in bundled:
        if codec not in codecs:
            raise FamilyError(
                f"there is no codec {codec!r} in the family; choose from "
                f"{', '.join(sorted(codecs))}"
            )
    parts = tuple(
        part
        for part in FAMILY
        if (not only or part.name in only)
        and part.name not in without
        and part.codec not in bundled
    )
    if not parts:
        raise FamilyError("nothing is left to train; leave out less")
    return parts


def stands_on(part: Part, parts: Collection[Part]) -> list[Part]:
    """What has to be over, well or not, before a part starts: of those that are trained."""
    wanted = {*part.partners, *part.helpers}
    earlier = _before(part)
    return [p for p in parts if p.name in earlier or (p.codec in wanted and p is not part)]


def _before(part: Part) -> set[str]:
    """The stages of the same codec that come before it, however many of them are left out."""
    table = {one.name: one for one in FAMILY}
    found: set[str] = set()
    while part.continues:
        found.add(part.continues)
        part = table[part.continues]
    return found


@dataclass(frozen=True, slots=True)
class Sources:
    """What a part starts from: results of this family by stage, codecs that are bundled."""

    resume: str = ""
    """The stage whose folder it continues, or a codec's bundled set."""
    starts: Mapping[str, str] | None = None
    """Codec to the stage whose folder is its partner; bundled ones are not in it."""
    told: tuple[str, ...] = ()
    """Sentences on what is bundled."""
    missing: str = ""
    """Why it cannot start."""


BUNDLED = "bundled "


def sources(
    part: Part, results: Collection[str], bundled: Mapping[str, str], width: str
) -> Sources:
    """Where a part gets its weights from; `bundled` is codec to width of the bundled sets."""
    newest = {one.codec: one.name for one in _in_order() if one.name in results}
    told: list[str] = []
    resume = ""
    if part.continues:
        before = _before(part)
        resume = next(
            (o.name for o in reversed(_in_order()) if o.name in before & set(results)), ""
        )
        if not resume:
            if bundled.get(part.codec) != width:
                return Sources(missing=_missing(part, part.codec, bundled, width))
            resume = BUNDLED + part.codec
            told.append(f"{part.name} continues the bundled {part.codec}")
    starts: dict[str, str] = {}
    for codec in (*part.partners, *part.helpers):
        if codec in newest:
            starts[codec] = newest[codec]
        elif bundled.get(codec) == width:
            starts[codec] = BUNDLED + codec
            told.append(f"{part.name} stands on the bundled {codec}")
        elif codec in part.partners:
            return Sources(missing=_missing(part, codec, bundled, width))
        else:
            told.append(f"{part.name} starts without {codec}")
    return Sources(resume, starts, tuple(told))


def _in_order() -> tuple[Part, ...]:
    """Later stages of a codec after earlier ones."""
    return tuple(sorted(FAMILY, key=lambda part: len(_before(part))))


def _missing(part: Part, codec: str, bundled: Mapping[str, str], width: str) -> str:
    here = f"the bundled ones are {bundled[codec]}" if codec in bundled else "none are bundled"
    return f"{part.name} is left out: it needs {codec} weights of width {width}, and {here}"


@dataclass(frozen=True, slots=True)
class Slot:
    """When a part runs, in seconds from now, and in which lane."""

    part: Part
    lane: int
    start: float
    end: float


def schedule(
    parts: Sequence[Part],
    lanes: Sequence[float],
    over: Mapping[str, float],
    until: float,
    overhead: float,
) -> list[Slot]:
    """The parts within the time that is left, each as long as its share.

    `lanes` are the times at which each lane is free, `over` the ends of what runs already. What a
    part spends before and after training (`overhead`) is part of its slot.
    """
    low, high = 0.0, max(until, 0.0)
    for _ in range(40):
        middle = (low + high) / 2
        slots = _placed(parts, lanes, over, middle, overhead)
        if max((slot.end for slot in slots), default=0.0) <= until:
            low = middle
        else:
            high = middle
    return _placed(parts, lanes, over, low, overhead)


def affordable(
    parts: Sequence[Part],
    lanes: Sequence[float],
    over: Mapping[str, float],
    until: float,
    overhead: float,
) -> list[Part]:
    """The parts without the last ones where not all get a second of training for each share."""
    kept = list(parts)
    while len(kept) > 1:
        slots = _placed(kept, lanes, over, 1.0, overhead)
        if max(slot.end for slot in slots) <= until:
            break
        # what others stand on comes first in the family, so the last one is missed least
        kept.remove(max(kept, key=FAMILY.index))
    return kept


def _placed(
    parts: Sequence[Part],
    lanes: Sequence[float],
    over: Mapping[str, float],
    unit: float,
    overhead: float,
) -> list[Slot]:
    """Every part as soon as what it stands on is over and a lane is free."""
    free, ends, left = list(lanes), dict(over), list(parts)
    slots = []
    while left:
        ready = [p for p in left if all(o.name in ends for o in stands_on(p, left))]

        def earliest(part: Part) -> tuple[float, int]:
            needs = [ends[o.name] for o in stands_on(part, FAMILY) if o.name in ends]
            return max([min(free), *needs]), FAMILY.index(part)

        part = min(ready, key=earliest)
        start = earliest(part)[0]
        # of the lanes that are free by then, the one that has been so for the shortest time
        lane = max((n for n in range(len(free)) if free[n] <= start), key=lambda n: (free[n], -n))
        free[lane] = ends[part.name] = start + overhead + unit * part.share
        slots.append(Slot(part, lane, start, free[lane]))
        left.remove(part)
    return slots


def blocked(part: Part, ending: Collection[str], waiting: Sequence[Part]) -> bool:
    """Whether what a part stands on still runs or waits, however soon it should be over."""
    unsettled = {*ending, *(other.name for other in waiting)}
    return any(other.name in unsettled for other in stands_on(part, FAMILY))


def closing_time(total: float) -> float:
    """What is kept back for packs and the table."""
    return min(max(CLOSING_LEAST, CLOSING_SHARE * total), total / 3)
