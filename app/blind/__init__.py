"""Blind tests in place: what is shown, what is hidden until the end, and what comes of it.

`plan` is pure; `tests` holds the tests that are open. Their page lies in `static`.
May use: mode_core, panes, server.
"""
