"""Many users at one page: what they send, what comes back, how long it takes, and whose it is.

May use: errors, metrics, pictures, types.
"""
