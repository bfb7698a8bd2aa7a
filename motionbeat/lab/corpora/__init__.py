"""Where pairs of music and dance come from: each corpus in its own layout, read into one form (`read_corpus`)."""
