"""Sets of weights on this machine: where they are, what made them, their tensors.

Which network they belong to is known to the codecs.
May use: errors, layers, settings, stream.
"""
