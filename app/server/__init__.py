"""What stands behind the page: its memory, its waiting line, and the processes that work for it.

No Gradio, no torch in this process.
May use: mode_core, panes, settings.
"""
