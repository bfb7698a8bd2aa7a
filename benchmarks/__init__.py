"""Measurements that are not a stage of the pipeline: each module is a command, its result a page of docs/."""
