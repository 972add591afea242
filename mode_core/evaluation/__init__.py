"""How good codecs are: benchmark rows, curves, comparisons, cards, and packing a run into a set.

Rows become numbers here and nowhere else.
May use: checkpoints, codecs, codecs.elic, codecs.ms_illm, errors, layers, metrics, pictures,
settings, stream, training, types, weights.
"""
