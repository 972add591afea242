"""Chromium, and the real page on a free port; every page must stay silent and at home."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from app.http.arrivals import LOOK_S
from tests.browser.viewer_page import PATIENCE_MS, settled
from tests.made_up.sets import put_set

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE_MS)

DESK: ViewportSize = {"width": 1200, "height": 800}
Opener = Callable[..., Page]


class Site(NamedTuple):
    """A page that is served, and the folder of all that its server keeps on a disk."""

    url: str
    folder: Path

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return (self.folder / "server.txt").read_text()

    @property
    def weights(self) -> Path:
        """Where imported weights lie, if a test wants any."""
        return self.folder / "weights"

    @property
    def files(self) -> list[str]:
        """What lies where programs keep their temporary files."""
        return [str(one) for one in (self.folder / "tmp").rglob("*") if not one.is_dir()]

    @property
    def folders(self) -> int:
        """How many folders lie there."""
        return sum(one.is_dir() for one in (self.folder / "tmp").rglob("*"))


@pytest.fixture(scope="package")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page over a runner that needs no weights."""
    with served("page_server", tmp_path_factory.mktemp("viewer")) as site:
        yield site


@pytest.fixture(scope="package")
def viewer_url(viewer: Site) -> str:
    return viewer.url


@contextmanager
def served(module: str, folder: Path, *words: str, **env: str) -> Iterator[Site]:
    """`tests.browser.MODULE PORT WORDS`, a process until the end, and leaves no file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = Site(f"http://127.0.0.1:{port}/", folder)
    for own in ("tmp", "weights"):
        (folder / own).mkdir()
    command = [sys.executable, "-m", f"tests.browser.{module}", str(port), *words]
    # Weights that somebody imported on this machine would change the page.
    own_env = {
        "OMP_NUM_THREADS": "1",
        "MODE_WEIGHTS": str(site.weights),
        "TMPDIR": str(folder / "tmp"),
    }
    env = {**os.environ, **own_env, **env}
    env.pop("GRADIO_TEMP_DIR", None)
    with (folder / "server.txt").open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=env)
    try:
        _wait_for(site, server)
        yield site
    finally:
        server.terminate()
        server.wait(10)
    # Gradio logs what it refuses by itself; nothing may have broken in our own code.
    assert str(ROOT / "app") not in site.log
    assert site.files == []


@contextmanager
def imported(site: Site, name: str) -> Iterator[Path]:
    """A set of weights that the server knows of until the end; its tensors are of no use."""
    put = put_set(site.weights / name)
    time.sleep(1.1 * LOOK_S)
    try:
        yield put
    finally:
        shutil.rmtree(put, ignore_errors=True)
        time.sleep(1.1 * LOOK_S)


def _wait_for(site: Site, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(site.url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the page did not come up:\n{site.log}")


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def tab(chromium: Browser, viewer_url: str) -> Iterator[tuple[Page, list[str]]]:
    """One tab for all tests that need no fresh one: loading the page is what takes long."""
    page, trouble = watched(chromium, viewer_url)
    page.wait_for_function("window.viewer?.dataset.state")
    yield page, trouble
    page.close()


@pytest.fixture
def visit(tab: tuple[Page, list[str]]) -> Iterator[Opener]:
    """The open tab at another link, on another screen if wanted; afterwards nothing may have
    complained or gone elsewhere."""
    page, trouble = tab

    def at(hash: str = "", viewport: ViewportSize = DESK, **media: Any) -> Page:
        page.set_viewport_size(viewport)
        page.emulate_media(**media)
        page.evaluate("hash => { location.hash = hash }", f"#image=astronaut&{hash}")
        page.wait_for_function("location.hash.length > 1")
        return page

    yield at
    complaints = trouble.copy()
    trouble.clear()
    # The next test starts at another state, whatever this one left.
    page.unroute_all()
    page.evaluate("document.querySelectorAll('dialog[open]').forEach((one) => one.close())")
    page.evaluate(
        "localStorage.clear(); scrollTo(0, 0); location.hash = '#image=rocket&panes=original'"
    )
    page.wait_for_function("JSON.parse(viewer.dataset.state).panes.length === 1")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="null", reduced_motion="null")
    assert complaints == []


@pytest.fixture
def open_page(chromium: Browser, viewer_url: str) -> Iterator[Opener]:
    """The page in a fresh tab; afterwards nothing may have complained or gone elsewhere."""
    opened: list[tuple[Page, list[str]]] = []

    def open_at(hash: str = "", browser: Browser = chromium, **options: Any) -> Page:
        opened.append(watched(browser, viewer_url, hash, **options))
        return opened[-1][0]

    yield open_at
    for page, _ in opened:
        page.close()
    assert [trouble for _, trouble in opened if trouble] == []


def watched(
    browser: Browser, home: str, hash: str = "", first: str = "", **options: Any
) -> tuple[Page, list[str]]:
    """A page of its own context, and the list where it notes what must not happen: errors, warnings
    of scripts, dialogs, and requests that leave this machine; the script `first` runs first."""
    trouble: list[str] = []
    page = browser.new_page(**{"viewport": DESK, **options})
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: trouble.append(f"page error: {error}"))
    page.on(
        "console",
        lambda said: trouble.append(f"console: {said.text}") if said.type == "error" else None,
    )
    page.on("dialog", lambda dialog: (trouble.append("a dialog opened"), dialog.dismiss()))

    def leaving(url: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            trouble.append(f"request to {url}")

    page.on("request", lambda request: leaving(request.url))
    if first:
        page.add_init_script(first)
    page.goto(home + hash)
    return page, trouble


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page that a module serves at its own address, with its imported weights or without."""
    page, trouble = watched(chromium, address, "#panes=original,ms-illm,jpeg")
    yield settled(page, 3)
    page.close()
    assert trouble == []
