"""Which pictures can stand on the page: their names, whose weights they need, what opens first.

Nothing is decoded here.
May use: mode_core.
"""
