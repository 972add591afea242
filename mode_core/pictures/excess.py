"""What the walks over picture files raise."""

from __future__ import annotations


class Excess(ValueError):
    """A file that asks for more work than any picture needs; the rest of a sentence about it."""
