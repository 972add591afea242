"""Meetings: one leads, others see the same view, drawn from their own pictures; and lists of crops.

`rooms` is what the server keeps of meetings; scripts and styles lie in `static`.
May use: mode_core, server.
"""
