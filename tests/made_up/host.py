"""A web server on this machine that stands for the hosts of public checkpoints."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import BinaryIO
from urllib.parse import unquote, urlsplit


class Host(ThreadingHTTPServer):
    """Files from memory, by the last part of their path; remembers what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []
        self.paths: list[str] = []
        self.statuses: dict[str, int] = {}
        """By path: what is answered instead of the file."""
        self.elsewhere = ""
        """The address of a host that has the bytes of all files."""
        self.tokens: list[str | None] = []
        self.break_after = 0
        """Bytes of the file after which every connection ends."""
        self.most = 0
        """Bytes that one connection brings."""
        self.claims = 0
        """Bytes that it says a file has."""
        self.drips = False
        """Whether the end of an answer comes byte by byte, a thousand in a second at most."""
        self.head_drips = False
        """Whether what it says of a file comes byte by byte, for about ten seconds."""
        self.knows_ranges = self.has_tags = self.has_lengths = True
        self.kind = "application/octet-stream"
        self.gate = threading.Event()
        self.gate.set()
        """While it is clear, no answer ends."""

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_HEAD(self) -> None:
        data = self._file()
        if data is None:
            return
        self.send_response(200)
        if self.server.head_drips:
            self.flush_headers()
            with suppress(ConnectionError):  # whoever asked may have left
                for letter in b"X-Slow: " + b"." * 200 + b"\r\n":
                    sleep(0.05)
                    self.wfile.write(bytes([letter]))
        self.send_header("X-Repo-Commit", "c0ffee")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()

    def do_GET(self) -> None:
        data = self._file()
        if data is None:
            return
        host = self.server
        host.tokens.append(self.headers.get("Authorization"))
        if host.elsewhere:
            self.send_response(302)
            self.send_header("Location", f"{host.elsewhere}{self.path}")
            self.end_headers()
            return
        wanted = self.headers.get("Range", "")
        host.ranges.append(wanted)
        start = int(wanted[6:-1]) if wanted and host.knows_ranges else 0
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", host.kind)
        if host.has_tags:
            self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if host.has_lengths:
            self.send_header("Content-Length", str(host.claims or len(data) - start))
        self.end_headers()
        end = min(host.break_after or len(data), start + (host.most or len(data)))
        with suppress(ConnectionError):  # whoever asked may have left
            if host.drips:
                drip(self.wfile, data[start:end])
                return
            last = max(start, end - 1)
            self.wfile.write(data[start:last])
            host.gate.wait()
            self.wfile.write(data[last:end])

    def _file(self) -> bytes | None:
        path = urlsplit(self.path).path
        self.server.paths.append(path)
        status = self.server.statuses.get(path)
        data = self.server.files.get(unquote(path.rsplit("/", 1)[-1]))
        if status or data is None:
            self.send_error(status or 404)
            return None
        return data

    def log_message(self, *_: object) -> None: ...


def drip(file: BinaryIO, data: bytes) -> None:
    """Write all of it: a thousand bytes, then the rest one by one."""
    file.write(data[:1000])
    for at in range(1000, len(data)):
        sleep(0.001)
        file.write(data[at : at + 1])
        file.flush()


@contextmanager
def hosting() -> Iterator[Host]:
    """A host that answers for as long as the block lasts."""
    made = Host()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.gate.set()
        made.shutdown()
        made.server_close()
        thread.join()
