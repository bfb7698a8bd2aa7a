"""Music-to-dance: the EDGE recipe, with the music condition of any frozen encoder.

Tseng, Castellon & Liu, "EDGE: Editable Dance Generation From Music", CVPR 2023. A dance is 30 vectors a second
(`vector`); a network (`network`) tells a noised dance from its music, and a sampler (`sampling`) takes the noise away.
"""
