"""The comparison viewer as one Gradio component: a fixed template and modules beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from app.panes.names import ORIGINAL, expert_panes, pane_id, pane_label, panes_of, parse_pane
from app.panes.weights import offered, parts_of, public_makers, terms_of, weights_words
from app.server.demands import LARGE_PIXELS, MAX_BPP, MAX_CODED, MAX_PANES, MIN_BPP, SCALED_PIXELS
from app.server.queue import Question
from app.server.samples import SAMPLES, Sample
from app.server.service import Service
from app.viewer.region import parse_query, region_metrics
from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError
from mode_core.figures.plan import MAX_CROPS, NOT_EQUAL, TEXTS, WIDTHS, Options
from mode_core.figures.plan import MAX_PANES as MAX_FIGURE_PANES
from mode_core.metrics import METRICS, measurable
from mode_core.types import CodecInfo

_STATIC = Path(__file__).parent / "static"
# Events are recognised by their quoted names in this text. Everything else lives in the modules.
_ON_LOAD = """
const root = new URL('./', document.baseURI).href;
const script = new URL('mode/static/viewer/static/viewer.js', root).href;
import(script).then(({mountViewer}) => mountViewer({
  element, root, server,
  catalogue: props.catalogue,
  first: props.first,
  stamp: props.stamp,
  request: (detail) => trigger('compare', detail),
  open: (detail) => trigger('open', detail),
  arrived: () => trigger('arrive'),
  watch: (take) => watch('value', () => take(props.value)),
}));
"""


def viewer(service: Service, shown: Mapping[str, Any]) -> gr.HTML:
    """The panes and everything around them.

    `shown` has a catalogue, the `stamp` of what it says, and `first`, which opens at once.
    """

    def region(args: object) -> dict[str, Any]:
        try:
            return region_metrics(service, *parse_query(args))
        except (ModeError, ValueError):
            return {}

    def cancel(args: object) -> None:
        match args:
            case [str(page), int(number)]:
                service.cancel(Question(page[:64], number))

    return gr.HTML(
        value=None,
        html_template=(_STATIC / "viewer.html").read_text(encoding="utf-8"),
        css_template="",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        server_functions=[region, cancel],
        elem_classes="viewer-host",
        **shown,
    )


def catalogue(samples: Iterable[Sample] = SAMPLES) -> dict[str, Any]:
    """What the scripts must know beforehand: choices, how they are shown, and limits."""
    ids, public, codecs = [ORIGINAL], public_makers(), offered()
    for codec in codecs:
        ids += panes_of(codec)
        ids += [pane for one in public if parts_of(one)[0] == codec for pane in panes_of(one)]
    ids += [pane for codec in codecs for pane in expert_panes(codec)]
    choices: list[dict[str, str]] = [{"id": id, "label": pane_label(id)} for id in ids]
    for choice in choices:
        maker, anchor = parse_pane(choice["id"])
        choice |= {"codec": "" if maker == ORIGINAL else maker, "anchor": anchor}
    # Without imported weights nobody can choose between weights, so the menu does not name them.
    for choice in choices if public else ():
        maker = parse_pane(choice["id"])[0]
        choice |= {"group": weights_words(maker), "terms": terms_of(maker)}
    return {
        "samples": [
            {"id": one.id, "title": one.title, "credit": one.credit, "spots": one.spots}
            for one in samples
        ],
        "choices": choices,
        "blends": [_blend(info) for info in CODECS.values() if info.has_anchors],
        "metrics": [METRICS[key].as_json() for key in measurable()],
        "limits": {
            "bpp": [MIN_BPP, MAX_BPP],
            "panes": MAX_PANES,
            "coded": MAX_CODED,
            "crops": MAX_CROPS,
            "unequal": NOT_EQUAL,
            "large": LARGE_PIXELS,
            "scaled": SCALED_PIXELS,
        },
        "figure": _figure(),
    }


def _figure() -> dict[str, Any]:
    """What a figure for a paper can be, and what it is unless somebody chooses."""
    usual = Options()
    metrics = measurable(usual.metrics)
    return {
        "width": list(WIDTHS),
        "texts": list(TEXTS),
        "panes": MAX_FIGURE_PANES,
        "options": usual.as_json() | {"metrics": list(metrics)},
    }


def _blend(info: CodecInfo) -> dict[str, str]:
    """For a codec with anchors: the panes of its two ends, and the prefix of those between."""
    return {
        "codec": info.id,
        "label": info.title,
        "fidelity": pane_id(info.id, "fidelity"),
        "perception": pane_id(info.id, "perception"),
        "prefix": f"{info.id}-",
    }
