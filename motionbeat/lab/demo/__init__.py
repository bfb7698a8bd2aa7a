"""`motionbeat demo`: a local web page that shows the model's results for a song or a dance."""
