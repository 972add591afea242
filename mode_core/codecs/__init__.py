"""Codecs: one folder each, and beside the folders what all of them share.

A folder opens with its rows (`CODECS`); its system, networks, dialects and training lie in it.
May use: errors, layers, stream, training, types, weights.
"""
