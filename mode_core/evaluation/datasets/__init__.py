"""Public sets of pictures that codecs are measured on: where they lie here, and who gives them.

May use: checkpoints, errors, pictures, settings, stream.
"""
