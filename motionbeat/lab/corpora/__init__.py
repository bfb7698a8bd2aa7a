"""Pairs of music and dance: each corpus is read from its own layout into one common form (`read_corpus`)."""
