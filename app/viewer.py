"""The comparison viewer as one Gradio component: a fixed template and modules beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from app.gallery import SAMPLES
from app.makers import parts_of, public_makers, terms_of, weights_words
from app.region import parse_query, region_metrics
from app.service import Service
from app.text import pane_label, parse_pane
from mode_core.errors import ModeError
from mode_core.registry import CODECS
from mode_core.types import SQ_EXPERT, VQ_EXPERT

_STATIC = Path(__file__).parent / "static"
# Events are recognised by their quoted names in this text. Everything else lives in the modules.
_ON_LOAD = """
const root = new URL('./', document.baseURI).href;
import(new URL('mode/static/viewer.js', root).href).then(({mountViewer}) => mountViewer({
  element, root, server,
  catalogue: props.catalogue,
  first: props.first,
  request: (detail) => trigger('compare', detail),
  open: (detail) => trigger('open', detail),
  watch: (take) => watch('value', () => take(props.value)),
}));
"""


def viewer(service: Service, first: dict[str, Any]) -> gr.HTML:
    """The panes and everything around them; `first` is what opens at once."""

    def region(args: object) -> dict[str, Any]:
        try:
            return region_metrics(service, *parse_query(args))
        except (ModeError, ValueError):
            return {}

    return gr.HTML(
        value=None,
        html_template=(_STATIC / "viewer.html").read_text(encoding="utf-8"),
        css_template="",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        server_functions=[region],
        elem_classes="viewer-host",
        catalogue=catalogue(),
        first=first,
    )


def catalogue() -> dict[str, Any]:
    """The photographs and panes that can be chosen."""
    ids, public = ["original"], public_makers()
    for info in CODECS.values():
        ids += ["mode-f", "mode-p"] if info.id == "mode" else [info.id]
        ids += [maker for maker in public if parts_of(maker)[0] == info.id]
    experts = [
        {"id": "mode-sq", "label": f"MoDE {SQ_EXPERT}"},
        {"id": "mode-vq", "label": f"MoDE {VQ_EXPERT}"},
    ]
    choices: list[dict[str, str]] = [{"id": id, "label": pane_label(id)} for id in ids] + experts
    # Without imported weights there is nothing to choose between, and nothing is said of it.
    for choice in choices if public else ():
        maker = parse_pane(choice["id"])[0]
        choice |= {"group": weights_words(maker), "terms": terms_of(maker)}
    return {
        "samples": [
            {"id": one.id, "title": one.title, "credit": one.credit, "spots": one.spots}
            for one in SAMPLES
        ],
        "choices": choices,
    }
