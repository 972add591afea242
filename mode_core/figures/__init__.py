"""A figure for a paper, at the size it is printed at, and how the same bytes come again.

May use: codecs, errors, metrics, pictures, stream, types, weights.
"""
