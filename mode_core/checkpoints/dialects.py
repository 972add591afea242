"""Which dialect a public checkpoint is in; each codec's folder describes its own."""

from __future__ import annotations

from mode_core.codecs.dialect import Dialect, State
from mode_core.codecs.registry import CODECS, part_of
from mode_core.errors import CheckpointError

DIALECTS: tuple[Dialect, ...] = tuple(
    dialect
    for info in CODECS.values()
    for dialect in getattr(part_of(info, "dialects"), "DIALECTS", ())
)


def find_dialect(codec: str, name: str, file_name: str = "") -> Dialect:
    """The dialect of a codec; without a name, the one that a file's name tells, or the first."""
    own = [dialect for dialect in DIALECTS if dialect.codec == codec]
    if not own:
        known = ", ".join(dict.fromkeys(dialect.codec for dialect in DIALECTS))
        raise CheckpointError(f"no public checkpoints of {codec!r} are known, only of {known}")
    if not name:
        told = (d for d in own if d.in_file_name and d.in_file_name in file_name.lower())
        return next(told, own[0])
    for dialect in own:
        if dialect.name == name:
            return dialect
    names = ", ".join(dialect.name for dialect in own)
    raise CheckpointError(f"{codec} has no dialect {name!r}; choose one of {names}")


def likely_dialect(state: State, asked: Dialect) -> Dialect | None:
    """The dialect that a file seems to be in: the one that knows most of its names."""

    def fitness(dialect: Dialect) -> tuple[int, bool, bool]:
        known = dialect.skeleton({})[0].state_dict().keys()
        # two dialects may share all names: then the signature decides, or else what was asked for
        return len(known & _renamed(dialect, state)), dialect.signature in state, dialect == asked

    best = max(DIALECTS, key=fitness)
    return best if 2 * fitness(best)[0] > len(_renamed(best, state)) else None


def _renamed(dialect: Dialect, state: State) -> set[str]:
    try:
        return set(dialect.rename(state))
    except CheckpointError:
        return set()
