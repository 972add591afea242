"""Calls of the page and of the API, checked before Gradio has them.

What is wrong with one is a sentence here; there it would be a traceback in the log, a file copied
from a path, or an address fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import gradio as gr

from app.explorer.usercsv import MAX_BYTES, MAX_USER_FILES
from app.http.intake import SHORT, Refused

LONG = 2 * MAX_USER_FILES * MAX_BYTES
"""The longest call: the explorer's, which carries its user's tables."""
_SESSION = re.compile(r"[\w-]{1,64}")
Sent = dict[str, Any]
Check = Callable[[Sent, str], Sent]


class Calls:
    """What can be called on this page, and with what."""

    def __init__(self, demo: gr.Blocks) -> None:
        named = demo.get_api_info(all_endpoints=True)["named_endpoints"]
        self.named: Mapping[str, list[Any]] = {
            name.removeprefix("/"): list(one["parameters"]) for name, one in named.items()
        }
        self.events = {at: len(fn.inputs) for at, fn in demo.fns.items()}
        self.servers = {
            (at, fn.__name__)
            for at, block in demo.blocks.items()
            for fn in getattr(block, "server_fns", ())
        }
        self._checks: Mapping[str, Check] = {
            "call/v2/": self._by_name,
            "call/": self._in_order,
            "queue/join": self._event,
            "component_server": self._server,
        }

    def limit(self, path: str) -> int:
        """The most bytes that a call at this path, below /gradio_api/, may have."""
        return LONG if path.startswith("component_server") else SHORT

    def checked(self, path: str, body: bytes) -> Sent:
        """The call as Gradio may have it, files in it replaced by their names; or Refused."""
        try:
            sent = json.loads(body, object_hook=_name_of_file)
        except (ValueError, RecursionError) as error:
            raise Refused(400, "the request is not JSON") from error
        if not isinstance(sent, dict):
            raise Refused(422, "the request must be a JSON object")
        session = sent.get("session_hash")
        if session is not None and not (isinstance(session, str) and _SESSION.fullmatch(session)):
            raise Refused(422, "session_hash must be up to 64 letters, digits and hyphens")
        for start, check in self._checks.items():
            if path.startswith(start):
                return check(sent, path.removeprefix(start).rstrip("/"))
        return sent

    def _parameters(self, name: str) -> list[Any]:
        if name not in self.named:
            raise Refused(404, f"there is no endpoint {name!r:.40}; there are {_all(self.named)}")
        return self.named[name]

    def _in_order(self, sent: Sent, name: str) -> Sent:
        wanted = [one["parameter_name"] for one in self._parameters(name)]
        data = sent.get("data")
        if not isinstance(data, list) or len(data) != len(wanted):
            raise Refused(422, f"data must be a list of {len(wanted)} values: {_all(wanted)}")
        return sent | {"session_hash": sent.get("session_hash") or uuid4().hex}

    def _by_name(self, sent: Sent, name: str) -> Sent:
        parameters = self._parameters(name)
        usual = {
            one["parameter_name"]: one["parameter_default"]
            for one in parameters
            if one["parameter_has_default"]
        }
        names = [one["parameter_name"] for one in parameters]
        if set(usual | sent) != set(names):
            raise Refused(422, f"{name} takes these values by name: {_all(names)}")
        return self._in_order({"data": [(usual | sent)[one] for one in names]}, name)

    def _event(self, sent: Sent, _: str) -> Sent:
        at, data = sent.get("fn_index"), sent.get("data")
        if type(at) is not int or at not in self.events or sent.get("session_hash") is None:
            raise Refused(422, "fn_index names no event of this page; load it again")
        if not isinstance(data, list) or len(data) < self.events[at]:
            raise Refused(422, f"data must be a list of {self.events[at]} values")
        return sent

    def _server(self, sent: Sent, _: str) -> Sent:
        at, name = sent.get("component_id"), sent.get("fn_name")
        known = type(at) is int and isinstance(name, str) and (at, name) in self.servers
        if not known or "data" not in sent or sent.get("session_hash") is None:
            raise Refused(422, "this is no function of this page; load it again")
        return sent


def _name_of_file(given: Sent) -> Any:
    """A file as gradio_client and curl send it becomes its name: Gradio never follows a path."""
    return given["path"] if isinstance(given.get("path"), str) else given


def _all(names: Mapping[str, Any] | list[str]) -> str:
    return ", ".join(names)
