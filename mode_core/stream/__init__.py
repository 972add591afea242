"""Bytes: the `.mode` file, integers coded into it, and files written whole or not at all.

No torch here.
May use: errors.
"""
