"""What a run has so far is on the disk, at a price that does not grow with it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from mode_core.evaluation import ledger
from mode_core.evaluation.ledger import Ledger
from mode_core.evaluation.rows import Row, read_rows
from tests.made_up.results import made_up_rows


@pytest.fixture
def rows() -> list[Row]:
    row = made_up_rows()[0]
    return [row._replace(image=f"{place}.png") for place in range(7)]


def images_in(path: Path) -> list[str]:
    return [row.image for row in read_rows(path)]


def test_quick_jobs_do_not_wait_for_their_files_and_none_of_them_is_lost(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [row.image for row in rows]
    now, write = [0.0], ledger.write_rows

    def slow_write(path: Path, found: list[Row]) -> None:
        now[0] += 1
        write(path, found)

    monkeypatch.setattr(ledger, "monotonic", lambda: now[0])
    monkeypatch.setattr(ledger, "write_rows", slow_write)
    monkeypatch.setattr(ledger, "_BUDGET", ledger._Budget())
    one = Ledger(tmp_path, "jpeg")
    with suppress(KeyboardInterrupt), one.held():
        for row in rows[:5]:
            one.add([(row, None)])
        assert images_in(one.partial) == names[:1]
        now[0] += 20
        one.add([(rows[5], None)])
        assert images_in(one.partial) == names[:6]
        one.add([(rows[6], None)])
        raise KeyboardInterrupt
    assert images_in(one.partial) == names
    assert now[0] == 23


def test_all_ledgers_of_a_run_together_keep_to_its_share_and_slow_jobs_are_written_at_once(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def slow_write(*_: object) -> None:
        now[0] += 1

    monkeypatch.setattr(ledger, "monotonic", lambda: now[0])
    monkeypatch.setattr(ledger, "write_rows", slow_write)
    monkeypatch.setattr(ledger, "_BUDGET", ledger._Budget())
    nine = [Ledger(tmp_path, f"codec-{number}") for number in range(9)]
    for _ in range(40):
        for one in nine:
            one.add([(rows[0], None)])
            now[0] += 0.1
    spent = ledger._BUDGET.spent
    assert 1 < spent < now[0] / 19
    for _ in range(5):
        now[0] += 60
        nine[0].add([(rows[1], None)])
        nine[1].add([(rows[1], None)])
    assert ledger._BUDGET.spent == spent + 10


def test_a_finished_ledger_leaves_nothing_unfinished(rows: list[Row], tmp_path: Path) -> None:
    one = Ledger(tmp_path, "jpeg")
    with one.held():
        for row in rows:
            one.add([(row, None)])
        one.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["jpeg.csv"]
    assert images_in(one.final) == [row.image for row in rows]
