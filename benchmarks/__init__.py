"""Measurements that are no stage of the pipeline: each module is a command, its result a page of docs/."""
