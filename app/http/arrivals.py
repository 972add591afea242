"""Sets of weights come and go while the page is open: what is told of them follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.server import fetching
from mode_core.weights.sets import weights_stamp

LOOK_S = 1.0
"""Seconds between two looks into the folders of weights, however many ask."""


class Told(NamedTuple):
    """What the page and the API say of the weights that are here."""

    stamp: str
    """Another one as soon as anything else is said."""
    catalogue: Mapping[str, Any]
    about: str


class Arrivals:
    """What is told, made anew once the weights have changed; nobody looks while nobody asks."""

    def __init__(self, tell: Callable[[], Told]) -> None:
        self._tell, self._lock = tell, Lock()
        self._seen, self._due = _news(), -inf
        self.told = tell()
        self.renew: Callable[[Told], None] = lambda told: None
        """Called with what is told from now on."""

    def look(self) -> Told:
        """What is true now, or was a second ago."""
        with self._lock:
            if monotonic() >= self._due:
                self._due = monotonic() + LOOK_S
                self._follow()
            return self.told

    def _follow(self) -> None:
        if (seen := _news()) == self._seen:
            return
        told = self._tell()
        if told.stamp != self.told.stamp:
            self.renew(told)
            self.told = told
        self._seen = seen

    def refresh(self, app: Any) -> None:
        """Look before Gradio shows the page or its API, of which its `app` keeps a copy."""
        told = self.look()
        if getattr(app.state, "told", None) is not told:
            app.api_info = app.all_app_info = None
            app.page_api_info.clear()
            app.state.told = told


def _news() -> object:
    """What changes when sets come and go, or get on with being fetched."""
    return weights_stamp(), fetching.states()


def catalogue_route(arrivals: Arrivals) -> Route:
    """Open pages ask here now and then; they are told something only where it is news to them."""

    def send(request: Request) -> Response:
        told, headers = arrivals.look(), {"Cache-Control": "no-store"}
        if request.query_params.get("seen") == told.stamp:
            return Response(status_code=204, headers=headers)
        news = {"stamp": told.stamp, "catalogue": told.catalogue}
        return JSONResponse(news, headers=headers)

    return Route("/mode/catalogue", send)
