"""Checkpoints that others have published, made into this project's weights."""
