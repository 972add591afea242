"""What people prefer: votes of blind tests, read, ranked with intervals, and held against metrics.

`rank` is a pure function from votes to a `Ranking`; reading and words are beside it.
May use: errors, evaluation, metrics, stream, types, weights.
"""
