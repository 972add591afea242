"""How a page's answers grow with visitors, pixels and workers: pages of our own, asked by `load`.

    python tools/scaling_page.py --workers 1,2 --users 5,10,20,40
    python tools/scaling_page.py --workers 1,2 --users 20 --core-each

For each number of workers a page is started here and warmed up, then each crowd asks it in turn,
with one thread a process. With `--core-each` the page and its helpers have as many cores as it has
workers. Adds to results/scaling.csv, and makes the table in docs/scaling.md anew.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

from growth import add_rows, numbers

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from mode_core.cli.crowd.memory import held_by  # noqa: E402
from mode_core.evaluation.tables import markdown_table  # noqa: E402

CSV, PAGE = ROOT / "results" / "scaling.csv", ROOT / "docs" / "scaling.md"
START, END = "<!-- page table -->\n", "<!-- end page table -->"
FIELDS = (
    "workers", "cores", "users", "width", "height", "codecs", "asked", "answered", "refused",
    "mixed_up", "median_s", "p95_s", "took_s", "processor_s", "memory_mb", "load",
)  # fmt: skip
QUIET_S, STARTS_S = 6.0, 600.0
Row = dict[str, Any]


@contextmanager
def page(workers: int, cores: int) -> Iterator[tuple[str, int]]:
    """The address of a page with so many workers, once it has nothing left to learn, and its pid.

    `cores` 0 leaves it all of them.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"MODE_PORT": str(port), "MODE_WORKERS": str(workers), "MODE_QUEUE": "100"}
    env = {**os.environ, **own, "OMP_NUM_THREADS": "1", "MODE_DEVICE": "cpu"}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env)
    if cores:
        os.sched_setaffinity(server.pid, sorted(os.sched_getaffinity(0))[:cores])
    try:
        url = f"http://127.0.0.1:{port}/"
        await_page(url, server)
        await_rest(server.pid)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(30)


def await_page(url: str, server: subprocess.Popen[bytes]) -> None:
    """Until it answers."""
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise SystemExit("the page did not come up")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the page did not come up")


def await_rest(pid: int) -> None:
    """Until the page and its helpers have hardly used a processor for some seconds."""
    until = time.monotonic() + STARTS_S
    before = -1.0
    while time.monotonic() < until and (now := used_s(pid)) - before > 0.1 * QUIET_S:
        before = now
        time.sleep(QUIET_S)


def used_s(pid: int) -> float:
    """Processor seconds of a process and those that it has started."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    ticks = 0
    for one in (str(pid), *found.stdout.split()):
        with suppress(FileNotFoundError):  # a helper that has ended meanwhile
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def asked(
    at: tuple[str, int], users: int, size: str, args: argparse.Namespace, number: int = 0
) -> Row:
    """What a crowd has met; each has a rate of its own, or it would be answered from memory."""
    url, pid = at
    bpp = f"{0.2 + number / 1000:.3f}"
    load, before = os.getloadavg()[0], used_s(pid)
    command = [
        sys.executable, "-m", "mode_core", "load", "--url", url, "--users", str(users),
        "--rounds", str(args.rounds), "--pause", "0", "--minutes", str(args.minutes),
        "--size", size, "--bpp", bpp, "--codecs", args.codecs, "--pid", str(pid), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"load: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout)
    count, waits = told["questions"], told["seconds"] or {}
    return {
        "users": users, "width": told["size"][0], "height": told["size"][1],
        "codecs": " ".join(told["codecs"]), "asked": count["asked"],
        "answered": count["answered"], "refused": count["refused"],
        "mixed_up": count["mixed up"], "median_s": waits.get("median"),
        "p95_s": waits.get("95th percentile"), "took_s": told["took"],
        "processor_s": round(used_s(pid) - before, 1),
        "memory_mb": round(held_by(pid)[0] / 1e6), "load": round(load, 1),
    }  # fmt: skip


def measured(args: argparse.Namespace) -> Iterator[Row]:
    """A row for each crowd."""
    for workers in args.workers:
        cores = workers if args.core_each else 0
        about = {"workers": workers, "cores": cores or len(os.sched_getaffinity(0))}
        with page(workers, cores) as at:
            for number, (size, users) in enumerate(product(args.sizes, args.users)):
                row = asked(at, users, size, args, number)
                print(row, flush=True)
                yield {**about, **row}


def table() -> str:
    """The CSV as the page shows it."""
    with CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    head = (
        "codecs", "size", "users", "workers", "cores", "answered", "median s", "95 % s",
        "answers a minute", "processor s an answer", "MB", "load before",
    )  # fmt: skip
    rows.sort(key=lambda row: [row["codecs"], *(int(row[key]) for key in (
        "height", "users", "cores", "workers"))])  # fmt: skip
    lines = [
        [
            row["codecs"].replace(" ", ", ") or "those that open first",
            f"{row['width']}x{row['height']}", row["users"], row["workers"],
            row["cores"], f"{row['answered']} of {row['asked']}",
            row["median_s"], row["p95_s"],
            f"{60 * int(row['answered']) / float(row['took_s']):.1f}",
            _each(row), row["memory_mb"],
            row["load"],
        ]
        for row in rows
    ]  # fmt: skip
    return markdown_table(head, lines) + "\n"


def _each(row: dict[str, str]) -> str:
    """Processor seconds for an answer, if there was one."""
    answered = int(row["answered"])
    return f"{float(row['processor_s']) / answered:.2f}" if answered else "-"


def refreshed(text: str) -> str:
    """The page with today's table."""
    before, rest = text.split(START)
    return before + START + "\n" + table() + "\n" + END + rest.split(END)[1]


def main() -> None:
    """Measure, add to the CSV, refresh the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=numbers, default=[1, 2])
    parser.add_argument("--users", type=numbers, default=[5, 10, 20, 40])
    parser.add_argument("--sizes", default=["256x256"], type=lambda text: text.split(","))
    parser.add_argument("--codecs", default="webp,elic")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--core-each", action="store_true")
    args = parser.parse_args()
    add_rows(CSV, FIELDS, measured(args))
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
