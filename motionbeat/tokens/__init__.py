"""Beat-synchronous tokens: pooling to beats, the token tables and windows over them."""
