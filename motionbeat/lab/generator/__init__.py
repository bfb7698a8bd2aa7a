"""Music-to-dance: the EDGE recipe, with the music condition of any frozen encoder.

Tseng, Castellon & Liu, "EDGE: Editable Dance Generation From Music", CVPR 2023. A dance has 30 vectors per second
(`motion_vector`); a network (`network`) predicts the clean dance from a noised one and its music, and a sampler
(`sampling`) removes the noise step by step.
"""
