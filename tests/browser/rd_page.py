"""A page with nothing but the rate-distortion explorer: `python rd_page.py PORT RESULTS`."""

from __future__ import annotations

import sys
from pathlib import Path

import gradio as gr

from app.explorer import component as explorer
from app.explorer import library, view
from app.http.routes import static_routes


def main(port: int, results: Path) -> None:
    """Serve until killed."""
    explorer.load_library = view.load_library = lambda: library.load_library(results)
    with gr.Blocks(title="Explorer under test", analytics_enabled=False) as demo:
        explorer.rd_panel("mode/plotly.min.js")
    routes = {"routes": [explorer.plotly_route(), explorer.sample_route(), *static_routes()]}
    demo.launch(server_name="127.0.0.1", server_port=port, app_kwargs=routes, run_history=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
