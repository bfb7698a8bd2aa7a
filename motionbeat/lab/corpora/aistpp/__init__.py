"""AIST++ in its official layout: SMPL motions at 60 frames a second, danced to 60 songs of 10 genres.

Li, Yang, Ross & Kanazawa, "AI Choreographer: Music Conditioned 3D Dance Generation with AIST++", ICCV 2021.
Songs are excerpts of exactly 16 beats (clips `sBM`) or 64 beats (`sFM`) at the nominal tempo, the first
beat at 0 s. `names` says what a name tells, `layout` where the files lie, `splits` which clip is in which
split, `acquire` what is downloaded; the synthetic corpus has the same form and is read by the same reader.
"""

from motionbeat.lab.corpora.aistpp.aistpp_motion import read_motion
from motionbeat.lab.corpora.aistpp.aistpp_names import nominal_bpm
from motionbeat.lab.corpora.aistpp.aistpp_reader import read

__all__ = ["nominal_bpm", "read", "read_motion"]
