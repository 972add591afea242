"""The command line: what each command is told, and what it prints.

One file a group of commands; the work is done below.
May use: checkpoints, cli.crowd, cli.family, codecs, errors, evaluation, evaluation.datasets,
figures, layers, metrics, pictures, settings, stream, training, types, votes, weights.
"""
