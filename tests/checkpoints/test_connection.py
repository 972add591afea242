"""What hosts, proxies and redirects may do, each as a few words that hold nothing secret."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import Message
from io import BytesIO
from itertools import count
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request

import pytest

from mode_core.checkpoints import connection
from mode_core.checkpoints.connection import FLOOR, SPAN_S, Address, DownloadError, Pace
from mode_core.checkpoints.download import Part, download
from tests.made_up.host import Host, drip, hosting

DATA = b"PK" + bytes(range(256)) * 400


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as made:
        made.files["a"] = DATA
        yield made


@pytest.fixture
def other() -> Iterator[Host]:
    with hosting() as made:
        made.files["a"] = DATA
        yield made


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """The address of a server that sends these very bytes to all who ask."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(data: bytes, slowly: bool) -> None:
        with suppress(OSError):
            while True:
                asked = server.accept()[0]
                with asked, asked.makefile("wb") as file, suppress(ConnectionError):
                    asked.recv(1 << 16)
                    if slowly:
                        drip(file, data)
                    file.write(b"" if slowly else data)

    def start(data: bytes, slowly: bool = False) -> str:
        threading.Thread(target=answer, args=(data, slowly), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/a"

    yield start
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def fetch(url: str, path: Path, usual: int = len(DATA)) -> None:
    download(Address(url), path, lambda *_: None, usual)


def refused(url: str, path: Path, usual: int = len(DATA)) -> str:
    """What is said of an address that gives no file."""
    with pytest.raises(DownloadError) as caught:
        fetch(url, path, usual)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_what_a_slow_host_has_sent_is_kept_and_gone_on_with(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, path = f"{host.base}/a", tmp_path / "a"
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_clock", count(step=1.0).__next__)
        host.drips = True
        assert "sends less than 1 MB in 120 seconds; run it again" in refused(url, path)
    begun = Part(path, url).size
    assert 1000 <= begun < len(DATA)
    host.drips = False
    fetch(url, path)
    assert host.ranges == ["", f"bytes={begun}-"]
    assert path.read_bytes() == DATA


def test_headers_that_drip_are_not_waited_for(
    answering: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_clock", count(step=1.0).__next__)
    url = answering(b"HTTP/1.0 200 OK\r\nX: " + bytes(60_000), slowly=True)
    assert "sends less than" in refused(url, tmp_path / "a")


def test_what_comes_fast_enough_is_waited_for_however_long() -> None:
    pace = Pace()
    for _ in range(100):
        pace.add(FLOOR // 2, SPAN_S / 2)
        pace.check()
    pace.add(0, SPAN_S - 1)
    pace.check()
    pace.add(FLOOR - 1, 1)
    with pytest.raises(DownloadError, match="sends less"):
        pace.check()


def test_several_short_connections_are_as_slow_as_one(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each brings a little of the file, and takes long over it."""
    monkeypatch.setattr(connection, "_clock", count(step=10.0).__next__)
    host.most = 2000
    assert "sends less than" in refused(f"{host.base}/a", tmp_path / "a")
    assert 1 < len(host.ranges) < 8


def test_a_stream_without_an_end_is_no_file(host: Host, tmp_path: Path) -> None:
    host.has_lengths = False
    told = refused(f"{host.base}/a", tmp_path / "a", len(DATA) // 5)
    assert told.startswith("it gives more than")
    assert list(tmp_path.iterdir()) == []
    fetch(f"{host.base}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.0 403 \x1b[31mLet me in\r\n\r\n", "it answers 403 Forbidden"),
        (b"HTTP/1.0 499 \x07\r\n\r\n", "it answers 499"),
        (b"SSH-2.0-secret\r\n", "what answers is no web server"),
        (b"", "Remote end closed connection without response"),
        (b"HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", "no web address"),
        (b"HTTP/1.0 302 Found\r\nLocation: ftp://a/b\r\n\r\n", "no https:// or http:// address"),
        (b"HTTP/1.0 302 Found\r\nLocation: /a\r\n\r\n", "which it leads to, leads in a circle"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://u:secret@a/\r\n\r\n", "it leads to a: it is no"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:9/?key=secret\r\n\r\n",
         "it leads to 127.0.0.1: Connection refused"),
    ],
)  # fmt: skip
def test_odd_answers_are_told_in_our_words(
    answer: bytes, words: str, answering: Callable[..., str], tmp_path: Path
) -> None:
    told = refused(answering(answer), tmp_path / "a")
    assert words in told
    assert "secret" not in told


def test_a_length_that_is_no_number_is_none(answering: Callable[..., str], tmp_path: Path) -> None:
    fetch(
        answering(b"HTTP/1.0 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nPK"),
        tmp_path / "a",
    )
    assert (tmp_path / "a").read_bytes() == b"PK"


def test_another_host_is_followed_and_named_when_it_refuses(
    host: Host, other: Host, tmp_path: Path
) -> None:
    host.elsewhere, other.statuses["/a"] = other.base, 403
    told = refused(f"{host.base}/a?key=secret", tmp_path / "a")
    assert told == "127.0.0.1, which it leads to, answers 403 Forbidden"
    other.statuses.clear()
    fetch(f"{host.base}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


def test_nobody_is_led_from_https_to_http() -> None:
    led = connection._Redirects()
    safe = Request("https://a.example/x")
    for url in ("http://b.example/x?key=secret", "http://["):
        with pytest.raises(DownloadError, match=r"it leads from https:// to http:// at") as caught:
            led.redirect_request(safe, BytesIO(), 302, "Found", Message(), url)
        assert "secret" not in str(caught.value)
    assert led.redirect_request(safe, BytesIO(), 302, "", Message(), "https://b.example/x")


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://me:secret@127.0.0.1:9", "Connection refused (by way of the proxy in http_proxy)"),
        ("http://user:secret@127.0.0.1:port", "the proxy in http_proxy is no address"),
        ("http:///secret", "the proxy in http_proxy is no address"),
    ],
)  # fmt: skip
def test_a_proxy_is_named_by_its_variable_alone(
    proxy: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    told = refused("http://a.example/a", tmp_path / "a")
    assert told == words


def test_a_certificate_that_is_refused_is_no_wrong_address() -> None:
    error = URLError(ssl.SSLCertVerificationError(1, "certificate verify failed: expired"))
    assert connection._reason_of(error, "") == "certificate verify failed: expired"
