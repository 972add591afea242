"""What `bench` measures on: a folder of photos, or a public data set by its name."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from mode_core.cli.licence import accept
from mode_core.errors import ModeError
from mode_core.evaluation.bench import find_photos, name_in_rows
from mode_core.evaluation.datasets.fetch import obtain_dataset
from mode_core.evaluation.datasets.here import doubts, found_here
from mode_core.evaluation.datasets.table import DATASETS, Dataset, find_dataset
from mode_core.evaluation.tables import text_table
from mode_core.pictures.files import ENDINGS, note_on_frames
from mode_core.stream.atomic import size_in_words

_MANY = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Attach what goes with `--dataset`."""
    parser.add_argument("--list", action="store_true", help="the public data sets, and no more")
    parser.add_argument(
        "--accept-licence", action="store_true", help="of a data set that is fetched; read it first"
    )


def photos_of(args: argparse.Namespace) -> list[Path]:
    """The photos of the folder that was given, or of the data set, which may be fetched first."""
    if args.photos is not None:
        return _told(args.photos)
    if args.dataset is None:
        raise ModeError(f"give a folder of photos, or --dataset with one of {', '.join(DATASETS)}")
    one = find_dataset(args.dataset)
    folder = found_here(one) or _fetched(one, args.accept_licence)
    if doubt := doubts(one, folder):
        print(doubt, file=sys.stderr)
    return _told(folder)


def _told(place: Path) -> list[Path]:
    """The photos there; what is left out, files and further frames, is said."""
    photos = find_photos(place)
    others = sorted(
        path.name
        for path in (place.iterdir() if place.is_dir() else ())
        if path.is_file() and path not in photos and not path.name.startswith(".")
    )
    if others:
        names = f"{', '.join(others[:_MANY])}{', …' * (len(others) > _MANY)}"
        count = f"{len(others)} file{'s' * (len(others) > 1)}"
        print(
            f"{place}: {count} left out ({names}); photos end in {', '.join(ENDINGS)}",
            file=sys.stderr,
        )
    for photo in photos:
        with suppress(ModeError):  # the benchmark says so, with what it comes to
            if note := note_on_frames(photo):
                print(f"{photo.name}: {note}", file=sys.stderr)
    return photos


def told_as(args: argparse.Namespace) -> str:
    """What the photos are called in rows where no name is given: as their folder."""
    whole: Path = args.photos.resolve()
    return name_in_rows(whole if args.photos.is_dir() else whole.parent)


def named(args: argparse.Namespace) -> str:
    """What the data set of decoded pictures is called: as `--dataset` says, or as its folder."""
    name = told_as(args) if args.dataset is None else str(args.dataset).strip()
    if not name:
        raise ModeError(f"--dataset {args.dataset!r} is no name")
    return name


def typed(args: argparse.Namespace) -> list[str]:
    """The photos as anybody would type them: a folder by its name, or a data set."""
    if args.photos is None:
        return ["--dataset", args.dataset]
    return [args.photos.resolve().name]


def show_all() -> None:
    """The table of data sets, and what of it could not be checked."""
    head = ("name", "pictures", "to fetch", "hash published", "here", "licence")
    print(text_table(head, [_line(one) for one in DATASETS.values()]))
    print()
    for one in DATASETS.values():
        print("\n".join(_addresses(one)))
    print(
        "\nNone of these addresses was tried where this table was made. Without a published hash "
        "a zip counts as right if it is whole and has as many pictures as belong to it."
    )


def _line(one: Dataset) -> tuple[str, ...]:
    copies = [copy for file in one.files for copy in file.copies]
    known = [bool(copy.sha256) for copy in copies]
    published = "yes" if all(known) else "of some addresses" if any(known) else "no"
    try:
        here = str(found_here(one) or "no")
    except ModeError:
        here = "in part"
    return one.id, str(one.pictures), size_in_words(one.bytes_), published, here, one.licence


def _addresses(one: Dataset) -> list[str]:
    """Where its files are; of many files the first stands for all."""
    many = len(one.files) > _MANY
    more = f" and {len(one.files) - 1} more files" if many else ""
    return [
        f"{one.id}: {copy.url}{more}{'' if copy.sha256 else ' (no hash published)'}"
        for file in one.files[: 1 if many else None]
        for copy in file.copies
    ]


def _fetched(one: Dataset, accepted: bool) -> Path:
    accept([f"{one.id}: {one.licence} ({one.source})"], accepted)
    try:
        with tqdm(unit="B", unit_scale=True, disable=None, desc=one.id) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            return obtain_dataset(one, lambda words: bar.write(words, sys.stderr), progress)
    except KeyboardInterrupt as error:
        raise ModeError("stopped; what has come is kept, run it again to continue") from error
