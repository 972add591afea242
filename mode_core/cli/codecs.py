"""The table behind `codecs`: every codec with the weights that are here, none of them loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from mode_core.codecs.catalogue import licence_of
from mode_core.codecs.registry import CODECS
from mode_core.evaluation.cards import parameters
from mode_core.evaluation.rows import Row, read_folder
from mode_core.settings import RESULTS
from mode_core.types import CodecInfo
from mode_core.weights.sets import TAG_BYTES, WeightsSet, all_weights

KODAK = RESULTS / "kodak"


class CodecLine(NamedTuple):
    """One codec with one set of weights, in words."""

    id: str
    outputs: str
    profile: str
    bpp_on_kodak: str
    parameters: str
    weights: str
    licence: str


def codec_lines() -> list[CodecLine]:
    """A line per codec and set of weights; also one for a learned codec that has no weights."""
    rows = read_folder(KODAK) if any(KODAK.glob("*.csv")) else []
    sets = list(all_weights())
    return [line for info in CODECS.values() for line in _lines(info, sets, rows)]


def _lines(info: CodecInfo, sets: Sequence[WeightsSet], rows: Sequence[Row]) -> list[CodecLine]:
    outputs = ", ".join(info.outputs.values())
    if not info.learned:
        rates = _rates(row for row in rows if row.codec == info.id)
        return [CodecLine(info.id, outputs, "-", rates, "-", "needs none", "-")]
    own = sorted((one for one in sets if one.codec == info.id), key=lambda one: one.bpp)
    if not own:
        return [CodecLine(info.id, outputs, "-", "-", "-", "none here", "-")]
    return [_line(info, outputs, found, rows) for found in own]


def _line(info: CodecInfo, outputs: str, found: WeightsSet, rows: Sequence[Row]) -> CodecLine:
    tag = found.digest()[:TAG_BYTES].hex()
    return CodecLine(
        info.id,
        outputs,
        found.width,
        _rates(row for row in rows if row.codec == info.id and row.weights == tag),
        f"{parameters(found) / 1e6:.2f} M",
        tag,
        licence_of(found),
    )


def _rates(rows: Iterable[Row]) -> str:
    """The lowest and the highest mean rate that was measured."""
    at: dict[float, list[float]] = {}
    for row in rows:
        at.setdefault(row.target_bpp, []).append(row.bpp)
    means = [fmean(rates) for rates in at.values()]
    return f"{min(means):.3f} to {max(means):.3f}" if means else "not measured"
