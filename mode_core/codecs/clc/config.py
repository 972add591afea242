"""The size of one CLC, and what nobody's configuration may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from mode_core.codecs.clc.dictionary import REGION

MOST_BYTES = 8_000_000
"""Of a dictionary, which is in every copy of the weights."""
FEWEST_ENTRIES, MOST_ENTRIES = 8, 4096
MOST_WIDE = 1024
"""Channels and axes that anybody's configuration may ask for."""
MOST_REFERENCES = 4
"""With more for a region, a sum of shares might no longer be exact."""


@dataclass(frozen=True, slots=True)
class ClcConfig:
    """The size of one CLC, and which parts an ablation leaves out."""

    entries: int = 1000
    channels: int = 32
    axes: int = 64
    references: int = 3
    after: tuple[int, ...] = (0, 1)
    """After how many groups of channels entries are looked up."""
    match: int = 32
    wide: int = 96
    clm: bool = True
    cls: bool = True
    sent: bool = True
    """Whether a writer may send the entry of a region."""
    told: bool = False
    """Whether the network is told where one was sent, and may then take it place by place."""
    refines: bool = False
    """Whether the synthesis, too, gets what the references tell."""
    empty: bool = False
    """Whether all entries are zero: what the same network is worth without references."""


def refuse_other_sizes(config: ClcConfig) -> None:
    """ValueError for what no file of ours has; a configuration may be anybody's."""
    if config.after not in ((0,), (1,), (0, 1)):
        raise ValueError(f"entries are looked up after 0 and 1 groups, not {config.after}")
    if not 1 <= config.references <= MOST_REFERENCES:
        raise ValueError(f"1 to {MOST_REFERENCES} entries are used, not {config.references}")
    widths = (config.channels, config.axes, config.match, config.wide)
    if not (min(widths) >= 1 and max(widths) <= MOST_WIDE):
        raise ValueError(f"channels, axes, match and wide are 1 to {MOST_WIDE}, not {widths}")
    each = config.channels * REGION**2 + config.axes * len(config.after)
    few, many = FEWEST_ENTRIES, MOST_ENTRIES
    if not few <= config.entries <= many or config.entries * each > MOST_BYTES:
        raise ValueError(f"{config.entries} entries of {each} bytes are no dictionary")
