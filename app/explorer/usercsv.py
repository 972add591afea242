"""A user's own CSV of results, read strictly: every refusal says which line and what would work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.explorer.curves import Curve, number
from app.explorer.picture import THIS
from mode_core.errors import ResultsError
from mode_core.evaluation.curves import Point, Sample, by_rate, frame_of, mean_points
from mode_core.metrics.table import COLUMNS, joined, metric_of
from mode_core.stream.sheets import Line, need_columns, read_sheet, shown

MAX_BYTES, MAX_ROWS, MAX_CURVES, MAX_USER_FILES = 2_000_000, 20_000, 60, 4
WANTED = f"codec, bpp and at least one of {', '.join(COLUMNS)}"
LIMITS = {"bpp": (0, 100), **{column: metric_of(column).limits for column in COLUMNS}}


class UserFile(NamedTuple):
    """A file that somebody dropped; its text stays empty when it is too large to be sent."""

    name: str
    text: str
    size: int


class Taken(NamedTuple):
    """What was found in a user's file, or why nothing was."""

    name: str
    curves: list[Curve]
    summary: str
    error: str = ""


def read_user_csv(text: str, name: str) -> tuple[list[Curve], str]:
    """The curves in a CSV that somebody dropped on the page, and a sentence on what was found."""
    check_size(len(text.encode("utf-8", "replace")))
    header, cells, lines = read_sheet(text, _column, MAX_ROWS)
    _check_columns(header, cells)
    default_net = "alex" if {"bytes_payload", "weights", "profile"} <= set(header) else "?"
    groups: dict[tuple[str, ...], list[tuple[Line, Point]]] = defaultdict(list)
    for line_number, line in lines:
        dataset, codec = line.get("dataset", "").lower(), line["codec"] or "unnamed"
        if dataset == THIS:
            dataset = ""  # saved from another picture's own curves
        place = dataset, codec, line.get("anchor", ""), line.get("source_ref", "")
        groups[place].append((line, _point(line, line_number, default_net)))
    if not groups:
        raise ResultsError(f"the file has a header but no rows; it needs {WANTED}")
    if len(groups) > MAX_CURVES:
        raise ResultsError(
            f"the file holds {len(groups)} curves; at most {MAX_CURVES} can be shown"
        )
    curves = [_curve(place, members, name) for place, members in groups.items()]
    if not any(point.values for curve in curves for point in curve.points):
        raise ResultsError(f"no row has a number for any metric; it needs {WANTED}")
    return curves, _summary(curves, header, default_net)


def take_files(files: Iterable[UserFile]) -> list[Taken]:
    """Each file with its curves or a refusal; only readable ones count towards the limit."""
    taken: list[Taken] = []
    keys: set[str] = set()
    for name, text, size in files:
        try:
            check_size(size)
            curves, summary = read_user_csv(text, name)
            curves = [_apart(curve, keys) for curve in curves]
            if sum(bool(file.curves) for file in taken) >= MAX_USER_FILES:
                raise ResultsError(f"{MAX_USER_FILES} files are the most at once; remove one first")
            taken.append(Taken(name, curves, summary))
        except ResultsError as error:
            taken.append(Taken(name, [], "", str(error)))
    return taken


def _apart(curve: Curve, keys: set[str]) -> Curve:
    """The curve by a key of its own: names of files, and cells of strangers, may be alike."""
    key, turn = curve.key, 2
    while key in keys:
        key, turn = f"{curve.key} ({turn})", turn + 1
    keys.add(key)
    return curve._replace(key=key, group=key)


def check_size(size: int) -> None:
    """ResultsError for a file that is too large to be read."""
    if size > MAX_BYTES:
        raise ResultsError(f"the file is larger than {MAX_BYTES // 1_000_000} MB")


def _column(cell: str) -> str:
    """Our name of a column: people write PSNR, MS-SSIM or "ms ssim" for psnr and ms_ssim."""
    name = joined(cell)
    return {"msssim": "ms_ssim", "rate": "bpp", "method": "codec", "notes": "note"}.get(name, name)


def _check_columns(header: Sequence[str], cells: Sequence[str]) -> None:
    need_columns(("codec", "bpp"), header, cells, WANTED)
    if not set(COLUMNS) & set(header):
        raise ResultsError(f"the header has no metric; it needs {WANTED}, and has {shown(cells)}")


def _point(line: Line, line_number: int, default_net: str) -> Point:
    numbers = {}
    for column, (low, high) in LIMITS.items():
        cell = line.get(column, "")
        if cell == "" and column != "bpp":
            continue
        value = number(cell)
        if value is None:
            hint = "; decimals take a point" if "," in cell else ""
            raise ResultsError(f"line {line_number}: {column} is {cell[:40]!r}, not a number{hint}")
        if not low <= value <= high or (column == "bpp" and value == 0):
            hint = " (plain MS-SSIM, not dB)" if column == "ms_ssim" else ""
            above = "above 0" if column == "bpp" else f"from {low:g}"
            raise ResultsError(
                f"line {line_number}: {column} is {value:g}; it must be {above} to {high:g}{hint}"
            )
        numbers[column] = value
    net, bpp = line.get("lpips_net") or default_net, numbers.pop("bpp")
    values = {metric_of(column, net).key: value for column, value in numbers.items()}
    steps = (line.get(column) for column in ("rate_name", "target_bpp", "quality"))
    return Point(bpp, values, 1, next(filter(None, steps), ""))


def _curve(place: tuple[str, ...], members: Sequence[tuple[Line, Point]], name: str) -> Curve:
    dataset, codec, anchor, source = place
    label = f"{codec} {anchor}".strip()[:80]
    key = f"yours/{name}/{'/'.join(place)}"[:300]
    per_image = any(line.get("image") for line, _ in members)
    points = _averaged(members) if per_image else by_rate(point for _, point in members)
    return Curve(key, key, label, "yours", dataset, points, source=source or name)


def _averaged(members: Sequence[tuple[Line, Point]]) -> list[Point]:
    """The mean over pictures at each target; rates that miss some pictures are left out."""
    seen = set()
    for line, point in members:
        image = line.get("image", "")
        place = point.quality, image
        if place in seen:
            raise ResultsError(
                f"{line['codec'][:40]!r} has several rows for picture {image[:40]!r} at the same "
                "target_bpp or quality; give each rate of a picture its own"
            )
        seen.add(place)
    samples = (
        Sample("", point.quality, line.get("image", ""), point.bpp, point.values)
        for line, point in members
    )
    return mean_points(frame_of(samples)).get("", [])


def _summary(curves: Sequence[Curve], header: Sequence[str], default_net: str) -> str:
    points = sum(len(curve.points) for curve in curves)
    text = f"{len(curves)} curve{'s' * (len(curves) != 1)}, {points} points"
    if "lpips" in header and "lpips_net" not in header and default_net == "?":
        text += (
            f"; there is no lpips_net column, so LPIPS is under “{metric_of('lpips').label}”:"
            " add lpips_net with alex or vgg to compare it with others"
        )
    return text
