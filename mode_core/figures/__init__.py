"""A figure for a paper, at the size it is printed at, and how to make it again.

May use: codecs, errors, metrics, pictures, stream, types.
"""
