"""The command `votes`: what people prefer in blind tests, from files of their votes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mode_core.cli import files, parsing
from mode_core.cli.parsing import Commands, command
from mode_core.errors import ModeError, ResultsError, refuse_all
from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.tables import text_table
from mode_core.votes import words
from mode_core.votes.measured import knows_any, table_of, with_values
from mode_core.votes.ranking import rank
from mode_core.votes.records import Field, Vote
from mode_core.votes.sheet import MAX_BYTES, Sheet, read_votes


def add_commands(commands: Commands) -> None:
    """Attach it."""
    parser = command(commands, "votes", _votes, "rank candidates by the votes of a blind test")
    parser.add_argument(
        "files", type=parsing.source, nargs="+", metavar="FILE.csv", help="as in docs/votes.md"
    )
    parser.add_argument("--per", choices=["picture"], help="a ranking for each")
    parser.add_argument("--seed", type=parsing.seed, default=0, help="of the bootstrap")
    parser.add_argument("--out", type=parsing.place, help="write the ranking as CSV")
    parser.add_argument(
        "--metrics",
        type=parsing.place,
        action="append",
        default=[],
        metavar="DIR",
        help="results such as results/kodak, to hold metrics against the votes",
    )


def _votes(args: argparse.Namespace) -> None:
    for path in args.files if args.out else ():
        files.keep_original(path, args.out)
    if args.out:
        files.expect(args.out)
    votes, wrong = read_votes([_sheet(path) for path in args.files])
    refuse_all(wrong, _say, "nothing is ranked until the votes are in order")
    ranking = rank(_measured(votes, args.metrics), args.seed, args.per == "picture")
    print("\n".join(words.about_raters(ranking)))
    if not ranking.fields:
        raise ModeError(
            "no rater is left to rank by; every one failed the checks, so look at these first"
        )
    for number, field in enumerate(ranking.fields, 1):
        _show(field, number, len(ranking.fields))
    if args.out:
        files.write(args.out, words.ranking_csv(ranking).encode())
        files.say(args.out, f"{sum(len(field.standings) for field in ranking.fields)} candidates")


def _sheet(path: Path) -> Sheet:
    """A file of votes; one that is too large is refused before it is all read."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        # what is cut off is too large all the same, and may end within a letter
        return Sheet(str(path), data.decode(errors="ignore" if len(data) > MAX_BYTES else "strict"))
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path} is not text in UTF-8; save it as CSV (UTF-8)") from error


def _measured(votes: list[Vote], folders: list[Path]) -> list[Vote]:
    for folder in folders:
        table = table_of(read_folder(folder))
        if not knows_any(table, votes):
            raise ModeError(
                f"{folder}: no row is of a candidate and a picture of these votes; candidates are "
                "CODEC@RATE, such as mode-p@0.1, and pictures as in the rows"
            )
        votes = with_values(votes, table)
    return votes


def _show(field: Field, number: int, fields: int) -> None:
    title = [field.picture] * bool(field.picture)
    title += [f"field {number} of {fields}, {field.votes} votes"] * (fields > 1)
    print(f"\n{', '.join(title)}".rstrip())
    print(text_table(words.HEAD, words.standing_rows(field)))
    print("\n".join(words.about_field(field)))
    if field.agreements:
        print(f"\n{text_table(words.METRIC_HEAD, words.metric_rows(field))}")
        print(words.about_tau(field))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
