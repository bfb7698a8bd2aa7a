"""`motionbeat demo`: a page on this machine that shows what the model makes of a song or a dance."""
