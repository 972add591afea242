"""What the page serves beside itself: pictures, files and exports over plain HTTP, and the API.

Bytes and JSON only; what can be asked for is decided in `server`.
May use: explorer, mode_core, panes, server, viewer.
"""
