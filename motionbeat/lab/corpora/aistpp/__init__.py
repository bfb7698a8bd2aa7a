"""AIST++ in its official layout: SMPL motions at 60 frames per second, danced to 60 songs of 10 genres.

Li, Yang, Ross & Kanazawa, "AI Choreographer: Music Conditioned 3D Dance Generation with AIST++", ICCV 2021.
Songs are excerpts of exactly 16 beats (clips `sBM`) or 64 beats (`sFM`) at the nominal tempo, the first
beat at 0 s. `aistpp_names` parses names, `aistpp_layout` finds the files, `aistpp_splits` puts clips into splits,
`acquire` downloads; the synthetic corpus has the same layout and the same reader.
"""

from motionbeat.lab.corpora.aistpp.aistpp_motion import read_motion
from motionbeat.lab.corpora.aistpp.aistpp_names import nominal_bpm
from motionbeat.lab.corpora.aistpp.aistpp_reader import read

__all__ = ["nominal_bpm", "read", "read_motion"]
