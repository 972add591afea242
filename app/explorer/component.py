"""The rate-distortion explorer as a Gradio panel: a static template, modules, one endpoint."""

# No postponed annotations here: Gradio would see the return type of `rd` as a mere text.
import gzip
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.explorer.endpoint import RDPoint, rd_points
from app.explorer.library import load_library
from app.explorer.sample import SAMPLE
from app.explorer.usercsv import MAX_BYTES, MAX_USER_FILES
from app.explorer.view import Wish, show, show_unread
from app.server.reader import Reader
from mode_core.errors import ModeError
from mode_core.metrics.table import METRICS
from mode_core.settings import for_visitors

_STATIC = Path(__file__).parent / "static"
_ON_LOAD = """
const root = new URL('./', document.baseURI).href;
const script = new URL('mode/static/explorer/static/explorer.js', root).href;
import(script).then(({mountExplorer}) => mountExplorer({
  element, root, server, plotly: props.plotly, limits: props.limits, start: props.start,
}));
"""


def rd_panel(plotly_url: str = "mode/plotly.min.js", reader: Reader | None = None) -> gr.HTML:
    """The explorer, with the typed endpoint /rd; call it inside `gr.Blocks`.

    The page must have `http.routes.static_routes`, and serve `plotly_route` at `plotly_url`. With
    a reader, visitors' own files are read in its process.
    """

    def rd_view(state: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        wish = Wish.parse(state)
        if reader is None or not wish.files:
            return show(wish)
        try:
            visitor = request.client.host if request.client else ""
            return reader.call(show, wish, visitor=visitor)
        except ModeError as error:
            return show_unread(wish, str(error))

    said = f"{rd.__doc__}\n\nMetrics: {', '.join(METRICS)}."
    api(rd, api_name="rd", api_description=said, concurrency_limit=None)
    return gr.HTML(
        html_template=(_STATIC / "explorer.html").read_text(encoding="utf-8"),
        css_template=(_STATIC / "explorer.css").read_text(encoding="utf-8"),
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        server_functions=[rd_view],
        elem_id="rd-panel",
        plotly=plotly_url,
        limits={"files": MAX_USER_FILES, "file_bytes": MAX_BYTES, "metrics": list(METRICS)},
        start={name: getattr(Wish(), name) for name in ("dataset", "metric", "x", "y")},
    )


def rd(dataset: str = "kodak", metric: str = "psnr") -> list[RDPoint]:
    """Every point of every curve over a dataset, measured here and published, for one metric."""
    try:
        return rd_points(load_library(), str(dataset), str(metric))
    except ModeError as error:
        raise gr.Error(for_visitors(error), print_exception=False) from error


def plotly_route(path: str = "/mode/plotly.min.js") -> Route:
    """Serves Plotly compressed and cacheable, without naming a path of this machine."""

    def send(request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=86400", "Vary": "Accept-Encoding"}
        headers["X-Content-Type-Options"] = "nosniff"
        packed = "gzip" in request.headers.get("accept-encoding", "")
        headers |= {"Content-Encoding": "gzip"} if packed else {}
        return Response(_plotly(packed=packed), media_type="text/javascript", headers=headers)

    return Route(path, send)


def sample_route(path: str = "/mode/sample.csv") -> Route:
    """Serves a small CSV with the columns that the page reads."""

    def send(_request: Request) -> Response:
        name = {"Content-Disposition": 'attachment; filename="sample.csv"'}
        return Response(SAMPLE.read_bytes(), media_type="text/csv", headers=name)

    return Route(path, send)


@lru_cache(maxsize=2)
def _plotly(*, packed: bool) -> bytes:
    """plotly.min.js out of the installed plotly package, found without importing it."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModeError("plotly is not installed; `pip install -r requirements.txt` installs it")
    script = (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes()
    return gzip.compress(script, compresslevel=6, mtime=0) if packed else script
