"""A page that speaks the API and codes nothing, and that can be at fault in every way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from math import inf
from time import sleep
from typing import Any

import numpy as np

from mode_core.metrics.fidelity import psnr
from mode_core.pictures.files import png_bytes, read_image

BUSY = "busy, position 21: 20 comparisons are waiting already; try again in a minute"


class ApiPage(ThreadingHTTPServer):
    """Answers with the picture that came, darkened; `fault` says what it does instead."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pictures: dict[str, bytes] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self.names = count()
        self.fault = ""
        self.listening = 0
        self.addresses: set[str] = set()
        self.agents: set[str] = set()
        self.seconds = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def keep(self, data: bytes) -> str:
        name = f"n{next(self.names)}"
        self.pictures[name] = data
        return name

    def handle_error(self, *_: Any) -> None:
        """Whoever asks may leave."""


class _Handler(BaseHTTPRequestHandler):
    server: ApiPage

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        page = self.server
        page.addresses.add(self.headers.get("X-Forwarded-For", ""))
        page.agents.add(self.headers["User-Agent"])
        if self.path == "/gradio_api/upload":
            if page.fault == "status":
                self._send(json.dumps({"error": BUSY}).encode(), 429)
                return
            data = body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
            self._send(json.dumps([page.keep(data)]).encode())
            return
        event = f"e{next(page.names)}"
        page.asked[event] = json.loads(body)
        self._send(json.dumps({"event_id": event}).encode())

    def do_GET(self) -> None:
        last = self.path.rpartition("/")[2]
        if last == "info":
            names = {} if self.server.fault == "another" else {"/compare": {}}
            info = [] if self.server.fault == "list" else {"named_endpoints": names}
            self._send(json.dumps(info).encode())
        elif "/mode/media/" in self.path:
            data = self.server.pictures.get(last.removesuffix(".png"))
            self._send(data or b'{"error": "not in memory any more"}', 200 if data else 404)
        else:
            self._stream(last)

    def _stream(self, event: str) -> None:
        page = self.server
        page.listening += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"event: heartbeat\ndata: null\n\n")
            if page.fault == "cut":
                return
            while page.fault == "silent":
                sleep(0.02)
            sleep(page.seconds)
            self.wfile.write(self._answer(page.asked[event]["data"]))

    def _answer(self, data: list[Any]) -> bytes:
        page, fault = self.server, self.server.fault
        if fault == "busy":
            return f"event: error\ndata: {json.dumps({'error': BUSY})}\n\n".encode()
        own = data[0]["path"]
        name = next(iter(page.pictures)) if fault == "mixed up" else own
        pixels = read_image(page.pictures[name])
        coded = pixels // 2 + 3
        if fault in ("mixed panes", "mixed and measured"):
            coded = read_image(page.pictures[next(iter(page.pictures))])
        if fault in ("made up", "nothing like it"):
            coded = np.full_like(pixels, 90)
        against = pixels if fault != "nothing like it" else pixels // 2
        value = psnr(against, coded) if fault != "mixed panes" else None
        original = page.pictures[name] if fault != "a pixel" else png_bytes(pixels ^ 1)
        rows = [_row("original", page.keep(original)), _row("jpeg", page.keep(png_bytes(coded)))]
        rows[1]["metrics"] = {} if value is None or value == inf else {"psnr": value}
        if fault == "failed pane":
            rows[1] = {"id": "jpeg", "state": "failed", "error": "jpeg is broken"}
        if fault == "gone":
            del page.pictures[rows[1]["url"].rpartition("/")[2].removesuffix(".png")]
        height, width, _ = pixels.shape
        answer = [{"width": width, "height": height, "rows": rows}]
        return f"event: complete\ndata: {json.dumps(answer)}\n\n".encode()

    def _send(self, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


def _row(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "state": "ready", "url": f"mode/media/{name}.png"}


@contextmanager
def api_page() -> Iterator[ApiPage]:
    """A page that answers for as long as the block lasts."""
    page = ApiPage()
    thread = threading.Thread(target=page.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield page
    finally:
        page.fault = ""
        page.shutdown()
        page.server_close()
        thread.join()
