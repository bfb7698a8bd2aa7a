"""The variants of the paper's Tables 1 and 3: the preset that makes each, and the figures that the paper prints.

"w/o ECL" can be read in two ways, and both are run: plain InfoNCE without mined negatives, and SRAL alone. The paper's
one row stands beside each of them. "No BEP" is rotary attention by the beat index: without it, attention would see no
order at all, and BEP would be credited with what any position encoding gives.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from motionbeat.errors import MotionBeatError

FULL = "full"


@frozen
class Variant:
    """A row of a table. `preset`: a file of presets/, none for the defaults; `paper`: {heading: figure}, as printed."""

    name: str
    label: str
    preset: str | None
    paper: Mapping[str, str]


_TABLE_3 = ("BAS", "Beat F1", "PFC", "R@1 music to motion")
_TABLE_1 = (
    *("PFC", "Dist_k", "Dist_g", "BAS", "Beat F1", "CMLt", "AMLt"),
    *("ROC", "AP", "Genre ACC", "Instrument ACC", "R2 valence", "R2 arousal"),
)
_WITHOUT_ECL = "1.588 10.88 7.55 0.25 0.858 0.801 0.886 90.4 39.8 77.9 68.9 59.3 71.5"
_WITHOUT_SRAL = "1.590 10.21 7.65 0.24 0.835 0.799 0.879 89.8 40.2 78.1 68.2 59.8 72.3"
_FULL = "1.545 11.02 7.89 0.27 0.878 0.803 0.905 91.2 40.8 79.2 70.8 61.2 73.8"


def _row(name: str, label: str, headings: tuple[str, ...], figures: str) -> Variant:
    paper = MappingProxyType(dict(zip(headings, figures.split(), strict=True)))
    return Variant(name, label, None if name == FULL else name, paper)


TABLES: Mapping[int, tuple[Variant, ...]] = MappingProxyType(
    {
        1: (
            _row("without-ecl-infonce", "w/o ECL: InfoNCE", _TABLE_1, _WITHOUT_ECL),
            _row("without-ecl-sral-only", "w/o ECL: SRAL only", _TABLE_1, _WITHOUT_ECL),
            _row("without-sral", "w/o SRAL", _TABLE_1, _WITHOUT_SRAL),
            _row(FULL, "MotionBeat", _TABLE_1, _FULL),
        ),
        3: (
            _row("no-bep-no-cga", "no BEP, no CGA", _TABLE_3, "0.24 0.852 1.60 19.3"),
            _row("bep-only", "BEP only", _TABLE_3, "0.26 0.866 1.57 20.8"),
            _row("cga-only", "CGA only", _TABLE_3, "0.25 0.871 1.56 20.3"),
            _row(FULL, "BEP & CGA", _TABLE_3, "0.27 0.878 1.55 22.1"),
        ),
    }
)


def variants(table: int) -> tuple[Variant, ...]:
    """The rows of the paper's Table 1 (MotionBeat's own) or 3. Raises `MotionBeatError` for another number."""
    if table not in TABLES:
        raise MotionBeatError(
            f"--table {table}: expected 1 (ECL and SRAL) or 3 (BEP and CGA), the paper's tables with ablations"
        )
    return TABLES[table]


def experiment_names(table: int, variant: Variant, seed: int) -> tuple[str, ...]:
    """The experiment of a variant and seed, and for `full` also the one of the other table, which is the same."""
    numbers = [table, *(other for other in TABLES if other != table and variant.name == FULL)]
    return tuple(f"table{number}-{variant.name}-seed{seed}" for number in numbers)
