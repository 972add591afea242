"""Weights that others have published: fetched, read without trust, told apart, converted.

How their tensors are named is described in the folder of their codec.
May use: codecs, errors, layers, pictures, settings, stream, types, weights.
"""
