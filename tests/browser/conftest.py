"""Chromium, and the real page on a free port; every page must stay silent and at home."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.viewer_page import PATIENCE_MS, settled

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
LOG = "server.txt"
expect.set_options(timeout=PATIENCE_MS)

Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The page over a runner that needs no weights, and its log.

    MODE_TEST_PAGE names one that runs already, whose log is elsewhere.
    """
    folder = tmp_path_factory.mktemp("viewer")
    (folder / LOG).touch()
    if running := os.environ.get("MODE_TEST_PAGE"):
        yield running, folder / LOG
        return
    with served("page_server", folder) as url:
        yield url, folder / LOG


@pytest.fixture(scope="session")
def viewer_url(viewer: tuple[str, Path]) -> str:
    return viewer[0]


@contextmanager
def served(module: str, folder: Path, *words: str) -> Iterator[str]:
    """The address of `tests.browser.MODULE PORT WORDS`, which runs as a process until the end.

    Its log, and imported weights if a test wants any, lie in the folder.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / LOG
    command = [sys.executable, "-m", f"tests.browser.{module}", str(port), *words]
    # Weights that somebody imported on this machine would change the page.
    own = {"OMP_NUM_THREADS": "1", "MODE_WEIGHTS": str(folder / "weights")}
    env = {**os.environ, **own}
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=env)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url, server, log)
        yield url
    finally:
        server.terminate()
        server.wait(10)
    # Gradio logs what it refuses by itself; nothing may have broken in our own code.
    assert str(ROOT / "app") not in log.read_text()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the page did not come up:\n{log.read_text()}")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def tab(chromium: Browser, viewer_url: str) -> Iterator[tuple[Page, list[str]]]:
    """One tab for all tests that need no fresh one: loading the page is what takes long."""
    page, trouble = watched(chromium, viewer_url)
    page.wait_for_function("window.viewer?.dataset.state")
    yield page, trouble
    page.close()


@pytest.fixture
def visit(tab: tuple[Page, list[str]]) -> Iterator[Opener]:
    """The open tab at another link; afterwards nothing may have complained or gone elsewhere."""
    page, trouble = tab

    def at(hash: str = "") -> Page:
        page.evaluate("hash => { location.hash = hash }", f"#image=astronaut&{hash}")
        page.wait_for_function("location.hash.length > 1")
        return page

    yield at
    assert trouble == []
    # The next test starts at another state, whatever this one left.
    page.evaluate("document.querySelectorAll('dialog[open]').forEach((one) => one.close())")
    page.evaluate("location.hash = '#image=rocket&panes=original'")
    page.wait_for_function("JSON.parse(viewer.dataset.state).panes.length === 1")


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


def watched(browser: Browser, home: str, hash: str = "", **options: Any) -> tuple[Page, list[str]]:
    """A page of its own context, and the list where it notes what must not happen: errors, warnings
    of scripts, dialogs, and requests that leave this machine."""
    trouble: list[str] = []
    page = browser.new_page(**{"viewport": {"width": 1200, "height": 800}, **options})
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
    page.goto(home + hash)
    return page, trouble


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page that a module serves at its own address, with its imported weights or without."""
    page, trouble = watched(chromium, address, "#panes=original,ms-illm,jpeg")
    yield settled(page, 3)
    page.close()
    assert trouble == []
