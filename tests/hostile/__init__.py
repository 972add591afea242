"""Attacks, in bounded form: `make test-hostile`, and more of each with `COUNT=1000`."""
