"""Every bundled set of weights has a card, and the card says what the files and the CSVs say."""

from __future__ import annotations

import pytest

from mode_core.evaluation.cards import card_path, card_text
from mode_core.weights.sets import BUNDLED, WeightsSet, all_weights

SETS = [found for found in all_weights() if found.folder.parent == BUNDLED]


@pytest.mark.weights
@pytest.mark.parametrize("found", SETS, ids=[found.folder.name for found in SETS])
def test_the_card_is_up_to_date(found: WeightsSet) -> None:
    assert card_path(found).read_text(encoding="utf-8") == card_text(found)


@pytest.mark.weights
@pytest.mark.parametrize("found", SETS, ids=[found.folder.name for found in SETS])
def test_shards_fit_a_plain_push(found: WeightsSet) -> None:
    assert max(shard.stat().st_size for shard in found.shards) <= 9_500_000
