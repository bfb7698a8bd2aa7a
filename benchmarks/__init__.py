"""Measurements outside the pipeline: each module is a command, and its result is on a page of docs/."""
