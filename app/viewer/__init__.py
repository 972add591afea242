"""The comparison viewer: a Gradio component, its scripts, and what can be taken away from it.

Scripts and styles lie in `static`.
May use: mode_core, panes, server.
"""
