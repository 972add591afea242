"""Stands in for the service of Hugging Face that lends GPUs; `spaces` is the real package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

SECONDS_LENT = 120
"""Seconds that a visitor without an account may bid; the bid of a `large` card counts 1.5 times."""


class Lender(ThreadingHTTPServer):
    """Lends one GPU to whoever bids little enough, and remembers all requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def about(self, what: str) -> list[dict[str, str]]:
        """The requests of one kind."""
        return [words for path, words in self.asked if path == f"/{what}"]


class _Answers(BaseHTTPRequestHandler):
    server: Lender

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        words = dict(parse_qsl(address.query))
        self.server.asked.append((address.path, words))
        if address.path != "/schedule":
            self._answer(200, {})
        elif float(words["durationSeconds"]) > SECONDS_LENT:
            self._answer(429, {"left": SECONDS_LENT, "wait": -1})
        else:
            lent = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "GPU-none", "allowToken": "t"}
            self._answer(200, lent)

    def _answer(self, code: int, told: dict[str, object]) -> None:
        body = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def lending() -> Iterator[Lender]:
    """A lender that listens."""
    server = Lender()
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
