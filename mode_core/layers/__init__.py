"""Layers that several networks share, and on which device and in which precision they run.

What decides a probability is exact: equal on every machine.
May use: errors, settings, stream.
"""
