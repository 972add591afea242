"""The rate-distortion explorer as a Gradio panel: a static template, one script, one endpoint."""

from __future__ import annotations

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

from app.library import load_library
from app.rdview import RDPoint, Wish, answer, rd_points
from mode_core.errors import ModeError

STATIC = Path(__file__).parent / "static"


def rd_panel(plotly_url: str = "") -> gr.HTML:
    """The explorer, with the typed endpoint /rd; call it inside `gr.Blocks`.

    `plotly_url` is where `plotly_route` was mounted; without it Gradio serves the script's file.
    """
    if not plotly_url:
        gr.set_static_paths([plotly_script()])
        plotly_url = f"gradio_api/file={plotly_script()}"
    api(rd, api_name="rd", api_description=rd.__doc__, concurrency_limit=None)
    return gr.HTML(
        html_template=_static("explorer.html"),
        css_template=_static("explorer.css"),
        js_on_load=_static("explorer-data.js")
        + _static("explorer.js")
        + "\nmountExplorer(element, props, server);",
        apply_default_css=False,
        server_functions=[rd_view],
        elem_id="rd-panel",
        plotly=plotly_url,
    )


def rd(dataset: str = "kodak", metric: str = "psnr") -> list[RDPoint]:
    """Every point of every curve over a dataset, ours and published, for one metric.

    Metrics: psnr, ms_ssim, lpips (Alex), lpips-vgg, lpips-unknown, dists, fid.
    """
    try:
        return rd_points(load_library(), dataset, metric)
    except ModeError as error:
        raise gr.Error(str(error), print_exception=False) from error


def rd_view(state: dict[str, Any]) -> dict[str, Any]:
    """What the page shows in this state of its controls."""
    return answer(load_library(), Wish.parse(state))


def plotly_route(path: str = "/mode/plotly.min.js") -> Route:
    """Serves Plotly compressed and cacheable, without naming a path of this machine."""

    def send(request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=86400", "Content-Encoding": "gzip"}
        return Response(_plotly_gzip(), media_type="text/javascript", headers=headers)

    return Route(path, send)


@lru_cache(maxsize=1)
def _plotly_gzip() -> bytes:
    return gzip.compress(plotly_script().read_bytes(), compresslevel=6, mtime=0)


def plotly_script() -> Path:
    """plotly.min.js out of the installed plotly package, found without importing it."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModeError("plotly is not installed; `pip install -r requirements.txt` installs it")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
