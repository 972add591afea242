"""The rate-distortion explorer: a Gradio component, its scripts, curves, figures and tables.

Scripts and styles lie in `static`.
May use: mode_core, panes, server.
"""
