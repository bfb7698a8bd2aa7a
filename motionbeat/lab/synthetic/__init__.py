"""The synthetic corpus: synthetic music and dance in AIST++'s form, with their ground truth.

Rhythm is the only link between a song and its dances: timbre, dancer and choreography are independent of it.
"""
