"""The paper's figures: Tables 1, 2 and 3 of MotionBeat, as printed (AIST++, one run, no intervals).

They are typed only here. Compare their order with ours, not their size: the paper states neither the gallery, nor the
number of queries, nor the splits of its recognition tasks.
"""

from collections.abc import Mapping

TABLE_1_COLUMNS = (
    *("pfc", "dist_k", "dist_g", "bas", "f1", "cmlt", "amlt"),
    *("roc_auc", "average_precision", "genre", "instrument", "r2_valence", "r2_arousal"),
)
"""Dances: PFC, Dist_k, Dist_g, BAS. Beats: F1, CMLt, AMLt, fractions. In percent: ROC-AUC and average precision of
tags, accuracy of genre and of instrument, R2 of valence and arousal."""
TABLE_2_COLUMNS = ("r1", "r5", "r10", "medr")
"""Recall at 1, 5 and 10 in percent, and the median rank."""
TABLE_3_COLUMNS = ("bas", "f1", "pfc", "r1")
"""BAS, beat F1, PFC, and R@1 from music to motion in percent."""


def _table(columns: tuple[str, ...], text: str) -> dict[str, dict[str, str]]:
    """{row: {column: figure as printed}} of lines "row: figures"."""
    rows = (line.rsplit(":", 1) for line in text.strip().splitlines())
    return {name.strip(): dict(zip(columns, figures.split(), strict=True)) for name, figures in rows}


TABLE_1: Mapping[str, Mapping[str, str]] = _table(
    TABLE_1_COLUMNS,
    """
    wav2vec 2.0:         1.698  8.21 5.56 0.23 0.845 0.791 0.878 89.1 39.2 68.6 66.7 45.2 66.5
    CLAP:                1.625  9.53 5.75 0.25 0.851 0.795 0.885 88.8 39.1 69.3 65.8 48.8 69.8
    Wav2CLIP:            1.602 10.65 6.39 0.24 0.848 0.801 0.879 89.5 39.1 71.2 67.2 50.3 70.1
    Jukebox:             1.598 10.75 7.03 0.24 0.865 0.804 0.892 90.5 40.3 78.5 68.8 61.5 72.1
    MotionBeat w/o ECL:  1.588 10.88 7.55 0.25 0.858 0.801 0.886 90.4 39.8 77.9 68.9 59.3 71.5
    MotionBeat w/o SRAL: 1.590 10.21 7.65 0.24 0.835 0.799 0.879 89.8 40.2 78.1 68.2 59.8 72.3
    MotionBeat:          1.545 11.02 7.89 0.27 0.878 0.803 0.905 91.2 40.8 79.2 70.8 61.2 73.8
    """,
)
TABLE_2: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "music_to_motion": _table(
        TABLE_2_COLUMNS,
        """
        wav2vec 2.0: 13.7 31.2 44.5 39
        CLAP:        15.6 33.9 47.2 36
        Wav2CLIP:    16.2 34.7 48.6 34
        Jukebox:     19.8 40.5 53.2 27
        MotionBeat:  22.1 42.5 58.3 22
        """,
    ),
    "motion_to_music": _table(
        TABLE_2_COLUMNS,
        """
        wav2vec 2.0: 13.1 30.8 43.8 40
        CLAP:        15.2 33.1 46.7 37
        Wav2CLIP:    15.8 34.0 47.9 35
        Jukebox:     18.8 38.9 52.5 29
        MotionBeat:  21.7 41.9 57.6 23
        """,
    ),
}
TABLE_3: Mapping[str, Mapping[str, str]] = _table(
    TABLE_3_COLUMNS,
    """
    no BEP, no CGA: 0.24 0.852 1.60 19.3
    BEP only:       0.26 0.866 1.57 20.8
    CGA only:       0.25 0.871 1.56 20.3
    BEP & CGA:      0.27 0.878 1.55 22.1
    """,
)
TABLE_2_NOTE = (
    "The paper (AIST++) gives neither the gallery nor the number of queries. Its table cannot be right as printed: "
    "an R@10 above 50 % means that more than half of the queries have a rank of at most 10, so MedR cannot be 22."
)
DANCE_NOTE = (
    "The paper (AIST++) gives neither intervals nor the number of dances, and all of its BAS, 0.23 to 0.27, are at "
    "chance level."
)
