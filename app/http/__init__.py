"""What stands between the network and the page: the guard, limits, plain HTTP, and the API.

`guard` is in front of all; `routes` has pictures, files and exports, `api` the endpoints.
May use: blind, explorer, meeting, mode_core, panes, server, settings, viewer.
"""
