"""The laboratory: what the pipeline and its tables need. It imports the library (`motionbeat`), never the other way."""
