"""The page and its API: layout and wiring, nothing else."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.about import about_page
from app.explorer import component as explorer
from app.explorer.curves import number
from app.explorer.view import Wish, show
from app.http.api import add_api
from app.http.arrivals import Arrivals, Told, catalogue_route
from app.http.calls import Calls
from app.http.guard import Guard, in_our_words, without_cors
from app.http.intake import Intake, Limits
from app.http.listeners import asker
from app.http.meetings import add_meetings, meeting_route
from app.http.routes import media_routes
from app.http.unheard import Unheard
from app.http.uploads import Uploads
from app.meeting.component import meeting
from app.meeting.rooms import Rooms
from app.panes.names import parse_pane
from app.panes.weights import sentence
from app.server import fetching
from app.server.demands import Expired
from app.server.jobs import log_unavailable
from app.server.opening import opening
from app.server.queue import Question
from app.server.runner import Runner, make_runner
from app.server.service import Service
from app.server.snapshot import Comparison
from app.server.warming import warm
from app.settings import Settings
from app.viewer.component import catalogue, viewer
from mode_core.errors import ModeError
from mode_core.settings import setting

_LOG = logging.getLogger("mode.app")
_SESSIONS = 500
"""What Gradio keeps of a visit, some 20 kB each; nothing of ours is in it."""
_LOOK_S = 0.01
"""How often Gradio looks whether anybody has asked for anything. Its own thousand times a second
take a twelfth of a core from a page that nobody uses."""
_STYLES = (
    "shared/theme.css",
    "viewer/static/viewer.css",
    "viewer/static/maps.css",
    "viewer/static/figure.css",
    "meeting/static/meeting.css",
    "blind/static/making.css",
)
_HERE = Path(__file__).parent
_MODULES = sorted(
    path.relative_to(_HERE).as_posix()
    for pattern in ("shared/*.js", "viewer/static/*.js", "meeting/static/*.js")
    for path in _HERE.glob(pattern)
)


def build_demo(settings: Settings | None = None, runner: Runner | None = None) -> gr.Blocks:
    """The whole page; `demo.service`, `uploads`, `arrivals`, `rooms` are what stands behind it."""
    settings = settings or Settings.from_environment()
    service = Service(settings, runner or make_runner(settings))
    uploads = Uploads(settings.incoming_bytes)
    arrivals, rooms = Arrivals(lambda: _told(service)), Rooms()
    with gr.Blocks(title="MoDE Explorer", analytics_enabled=False, fill_width=True) as demo:
        panes = viewer(service, _shown(arrivals.told, service))
        meeting()
        explorer.rd_panel("mode/plotly.min.js", service.runner.reader)
        about = gr.Markdown(arrivals.told.about, elem_id="about")
        _wire(panes, about, demo, service, arrivals)
        add_api(service, uploads, demo)
        add_meetings(demo, rooms, service)

    def renew(told: Told) -> None:
        """Who comes from now on gets this; Gradio makes its pages of the configuration."""
        panes.props |= _shown(told, service)
        about.value = told.about
        demo.config = demo.get_config_file()

    arrivals.renew = renew
    demo.service, demo.uploads = service, uploads
    demo.arrivals, demo.rooms = arrivals, rooms
    # Waiting and refusing happen in the service's own line, which can say the position.
    demo.queue(max_size=4 * settings.queue_length, api_open=True)
    demo._queue.sleep_when_free = _LOOK_S
    return demo


def _told(service: Service) -> Told:
    """What is said of the weights that are here now."""
    known, about = catalogue(service.gallery.values()), about_page()
    return Told(sha256(json.dumps([known, about]).encode()).hexdigest()[:16], known, about)


def _shown(told: Told, service: Service) -> dict[str, Any]:
    """What the viewer is given when a page opens."""
    return {"catalogue": told.catalogue, "stamp": told.stamp, "first": opening(service)}


def head() -> str:
    """Styles and scripts by their own addresses, all asked for at once."""
    links = [f'<link rel="stylesheet" href="mode/static/{name}">' for name in _STYLES]
    links += [f'<link rel="modulepreload" href="mode/static/{name}">' for name in _MODULES]
    return "\n".join(links)


def front(demo: gr.Blocks) -> dict[str, Any]:
    """What requests meet before Gradio: the guard, and our own routes."""
    service: Service = demo.service  # type: ignore[attr-defined]
    uploads: Uploads = demo.uploads  # type: ignore[attr-defined]
    arrivals: Arrivals = demo.arrivals  # type: ignore[attr-defined]
    rooms: Rooms = demo.rooms  # type: ignore[attr-defined]
    intake = Intake(Limits(service.settings.incoming_bytes))
    guard = Middleware(
        Guard,
        calls=Calls(demo),
        intake=intake,
        unheard=Unheard(demo._queue),
        arrivals=arrivals,
        frames=service.settings.frames,
    )
    media = media_routes(service, intake, uploads)
    return {
        "routes": [
            explorer.plotly_route(),
            explorer.sample_route(),
            catalogue_route(arrivals),
            meeting_route(rooms, service, intake),
            *media,
        ],
        "middleware": [guard],
        "exception_handlers": {HTTPException: in_our_words},
        "lifespan": without_cors,
    }


def threads(demo: gr.Blocks) -> int:
    """The most at once; as many events Gradio works on, and a follower of a meeting is one."""
    service: Service = demo.service  # type: ignore[attr-defined]
    rooms: Rooms = demo.rooms  # type: ignore[attr-defined]
    return service.most_at_once + 20 + rooms.limits.all_followers


def launch(demo: gr.Blocks) -> None:
    """Serve the page until it is stopped."""
    if setting("SPACE_ID"):
        # A Space is reached through its proxy alone, which says whose request it is.
        os.environ.setdefault("FORWARDED_ALLOW_IPS", "*")
    service: Service = demo.service  # type: ignore[attr-defined]
    log_unavailable()
    Thread(target=warm, args=(service,), name="warm", daemon=True).start()
    Thread(target=show, args=(Wish(),), name="plotly", daemon=True).start()
    settings = service.settings
    fetching.start(settings.fetch, settings.accepted)
    demo.launch(
        server_name=settings.host,
        server_port=settings.port,
        app_kwargs=front(demo),
        max_file_size=settings.zip_bytes,
        max_threads=threads(demo),
        run_history=False,
        state_session_capacity=_SESSIONS,
        footer_links=["api"],
        ssr_mode=False,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        head=head(),
        quiet=True,
    )


def _wire(
    panes: gr.HTML, about: gr.Markdown, demo: gr.Blocks, service: Service, arrivals: Arrivals
) -> None:
    def compare(event: gr.EventData, request: gr.Request) -> Iterator[dict[str, Any]]:
        asked = _Asked(event, asker(demo, request))
        wish = asked.text("picture"), asked.ids("panes"), asked.number("bpp")
        agreed = asked.data.get("agreed") is True
        yield from asked.answers(service.compare(*wish, asked.question, agreed))

    def open_file(event: gr.EventData, request: gr.Request) -> Iterator[dict[str, Any]]:
        asked = _Asked(event, asker(demo, request))
        anchors = [anchor for _, anchor in map(parse_pane, asked.ids("panes")) if anchor]
        yield from asked.answers(service.open_file(asked.text("key"), anchors, asked.question))

    how = {
        "queue": True,
        "show_progress": "hidden",
        "api_visibility": "private",
        "trigger_mode": "multiple",
        "concurrency_limit": service.most_at_once,
    }
    panes.compare(compare, None, panes, api_name="page_compare", **how)
    panes.open(open_file, None, panes, api_name="page_open", **how)
    panes.arrive(lambda: arrivals.look().about, None, about, api_name="page_about", **how)


class _Asked:
    """What the browser sent with an event; fields that are missing or wrong read as empty."""

    def __init__(self, event: gr.EventData, asker: Question) -> None:
        data = event._data
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        self.question = asker._replace(page=self.text("page"), number=self.number("seq"))

    def text(self, name: str) -> str:
        return str(self.data.get(name, ""))[:64]

    def number(self, name: str) -> float:
        return number(self.data.get(name)) or 0.0

    def ids(self, name: str) -> list[str]:
        value = self.data.get(name)
        return [str(one)[:48] for one in value[:64]] if isinstance(value, list) else []

    def answers(self, snapshots: Iterator[Comparison]) -> Iterator[dict[str, Any]]:
        """Each snapshot as the page expects it; a ModeError as its sentence."""
        mark = {"page": self.question.page, "seq": self.question.number}
        try:
            for snapshot in snapshots:
                yield snapshot.as_json() | mark
        except ModeError as error:
            _LOG.info("refused: %s", error)
            yield {"error": sentence(error), "gone": isinstance(error, Expired)} | mark
        except Exception:
            yield {"error": "something broke on the server; its log says what"} | mark
            raise
