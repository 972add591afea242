"""Two pages behind nginx, as docs/hosting.md has it: whoever begins with one stays with it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from mode_core.cli.crowd.page import Page, Wish
from mode_core.cli.crowd.run import Crowd, Plan
from mode_core.cli.crowd.user import Kind
from mode_core.pictures.files import png_bytes
from tests.browser.conftest import Site, served, watched
from tests.browser.test_their_files import upload
from tests.browser.viewer_page import settled, state_of
from tests.conftest import ROOT, make_photo

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx here"),
]
# The users of `load` come from addresses of their own, as a further proxy in front would say.
TELLING = """
    set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; real_ip_recursive on;
    log_format whose "$remote_addr $uri $upstream_addr"; access_log {folder}/asked.txt whose;
"""
WHOLE = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.txt;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/sent; proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {telling}
    {recipe}
}}
"""


class Front(NamedTuple):
    """What visitors see of both pages, and where nginx writes."""

    url: str
    folder: Path

    def pages_of(self) -> dict[str, set[str]]:
        """The pages that each address has reached."""
        found = defaultdict(set)
        for line in (self.folder / "asked.txt").read_text().splitlines():
            address, _, page = line.split()
            found[address].add(page)
        return found


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Both pages and nginx with the recipe of the documents, on ports that are free."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("first", "second", "nginx")}
    with (
        served("page_server", folders["first"], GRADIO_ROOT_PATH="/first") as first,
        served("page_server", folders["second"], GRADIO_ROOT_PATH="/second") as second,
        proxied(folders["nginx"], first, second) as url,
    ):
        yield Front(url, folders["nginx"])


@contextmanager
def proxied(folder: Path, *sites: Site) -> Iterator[str]:
    """nginx in the foreground, as anybody may run it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = f"127.0.0.1:{free.getsockname()[1]}"
    text = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```nginx\n(split_clients.*?)```", text, re.DOTALL)
    places = ["listen 80", "127.0.0.1:7861", "127.0.0.1:7862"]
    mine = [f"listen {own}", *(site.url.split("/")[2] for site in sites)]
    for place, here in zip(places, mine, strict=True):
        assert place in recipe
        recipe = recipe.replace(place, here)
    telling = TELLING.format(folder=folder)
    config = folder / "nginx.conf"
    config.write_text(WHOLE.format(folder=folder, telling=telling, recipe=recipe))
    assert NGINX
    server = subprocess.Popen([NGINX, "-c", str(config)], stderr=subprocess.PIPE)
    host, port = own.split(":")
    until = monotonic() + 20
    while monotonic() < until and server.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            break
        except OSError:
            sleep(0.1)
    try:
        yield f"http://{own}/"
    finally:
        server.terminate()
        assert server.wait(10) == 0, server.communicate()[1]
    assert [path for path in folder.glob("*/**/*") if path.is_file()] == []  # nothing of a visitor


def test_visitors_stay_with_their_page_and_links_lead_to_it(
    front: Front, chromium: Browser
) -> None:
    leader, trouble = watched(chromium, front.url, "#image=rocket&panes=original,jpeg")
    settled(leader, 2)
    own = leader.url.removeprefix(front.url).partition("/")[0] + "/"
    assert own in ("first/", "second/")
    upload(leader, "mine.png", png_bytes(make_photo(64, 96)))
    expect(leader.locator('.pane[data-id="original"] .time')).to_have_text("96 \u00d7 64")
    settled(leader, 2)
    assert re.fullmatch("[0-9a-f]{32}", state_of(leader)["image"])
    # whoever comes back has the page that they had
    leader.goto(f"{front.url}#image=rocket&panes=original,jpeg")
    leader.wait_for_url(f"{front.url}{own}**")
    settled(leader, 2)

    leader.get_by_role("button", name="Meet", exact=True).click()
    leader.get_by_role("button", name="Start a meeting").click()
    leader.wait_for_function("document.querySelector('.meeting-link').value.includes('#meet=')")
    link = leader.get_by_label("Link for those who follow").input_value()
    assert link.startswith(f"{front.url}{own}#meet=")
    other = "second" if own == "first/" else "first"
    context = chromium.new_context()
    context.add_cookies([{"name": "mode_page", "value": other, "url": front.url}])
    follower = context.new_page()
    follower.goto(front.url)
    follower.wait_for_url(f"{front.url}{other}/**")
    expect(follower.locator("#viewer .status")).to_contain_text("panes")  # the other one works too
    follower.goto(link)
    expect(follower.locator(".meeting-line [role=status]")).to_contain_text("Following · 1 here")
    context.close()
    leader.close()
    assert trouble == []


def test_programs_are_told_apart_by_their_address(front: Front) -> None:
    plan = Plan(8, 2, 5, Wish(0.5, ("jpeg", "webp")), (96, 64), pause_s=0)
    ended = Crowd(Page(front.url), plan, lambda _: None).run()
    assert {one.kind for one in ended.outcomes} == {Kind.ANSWERED}
    users = {who: at for who, at in front.pages_of().items() if who.startswith("198.18.")}
    assert {len(at) for at in users.values()} == {1}
    assert len(users) == 8
    assert len(set.union(*users.values())) == 2
