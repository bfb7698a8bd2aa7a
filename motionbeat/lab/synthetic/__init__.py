"""The embedded corpus: music and dance of our own making, in AIST++'s form, with the truth about them.

Rhythm is the only link between a song and its dances: timbre, dancer and choreography know nothing of it.
"""
