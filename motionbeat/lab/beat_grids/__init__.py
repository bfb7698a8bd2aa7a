"""Songs to beats and downbeats, and how well these agree with the truth."""
