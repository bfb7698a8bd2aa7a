"""Songs to beats and downbeats, and how far they are from the truth."""
