"""Beat-synchronous tokens: the layout, pooling to beats, and windows over the tokens of one song or dance."""
