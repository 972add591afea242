"""All codecs trained as one family: a plan of stages within a time, run as processes, then packed.

May use: codecs, errors, evaluation, metrics, settings, stream, training, weights.
"""
