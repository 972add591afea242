"""The meeting's part of the page: markup that its script puts into the viewer. No events."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_STATIC = Path(__file__).parent / "static"
_ON_LOAD = """
const root = new URL('./', document.baseURI).href;
const script = new URL('mode/static/meeting/static/meeting.js', root).href;
import(script).then(({mountMeeting}) => mountMeeting({element, root}));
"""


def meeting() -> gr.HTML:
    """Nothing is seen of it where it stands."""
    return gr.HTML(
        value=None,
        html_template=(_STATIC / "meeting.html").read_text(encoding="utf-8"),
        css_template="",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        elem_classes="viewer-host",
    )
