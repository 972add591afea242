"""Bytes: the `.mode` file, integers coded into it, files written whole or not at all, and locks.

No torch here.
May use: errors.
"""
