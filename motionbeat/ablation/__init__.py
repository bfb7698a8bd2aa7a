"""The variants of the paper's tables, run over seeds, and their figures beside the paper's."""
