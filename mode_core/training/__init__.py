"""How networks are trained: the loop, its data, losses, critics and optimiser.

It knows no codec: the stages lie with their codecs and are found by name.
May use: errors, layers, metrics, stream, weights.
"""
