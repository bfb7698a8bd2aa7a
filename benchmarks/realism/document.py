"""docs/realism.md: the tables, and words that are either true of any corpus or computed from the figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import field, frozen

from benchmarks.realism import motion, music
from benchmarks.realism.corpora import AISTPP, SONGS, SYNTHETIC
from benchmarks.realism.summary import Mean, cell, number, place, summarise
from motionbeat.dance.alignment import LEAST_SPEED

FACTOR = 2.0
DEVIATIONS = 1.0
_COMPARED = [name for name in motion.SECTIONS if name != "Beat alignment"]
_INTRO = """\
# How real is the synthetic corpus?

The default input of the pipeline is music and dance that the project makes itself. This page sets them beside real
dances and real songs, as far as there are any at hand. The page is written by the command below, figures and all: they
are means over clips or songs with a 95 % interval (bootstrap over songs, since dances to one song resemble each other).
Of a large corpus some clips and songs are taken, spread evenly over their names.
"""
_LIMITS = """\
## What can be compared, and what cannot

- One AIST++ motion is not a distribution. Where one clip stands for AIST++, it is one dancer in one genre (breaking
  at basic level is the one freely at hand): being far from it does not mean being unreal, and being near it proves
  little. The last column tells where it would stand among our clips: near 0 or 100 % is beyond what the corpus has.
- Dance with Melody is 23 points without rotations, mapped to 24 joints (spine, neck and hands are partly
  interpolated). Its frames lie on a beat grid of 12.5 frames a beat in cha-cha and rumba, so fast movement is
  flattened: speeds and energies are lower bounds, PFC is that of a smoothed dance, accelerations and spectra are left
  out. Its waltzes, 4 frames a beat, are compared by the way of the root alone. Its floor was levelled, which makes its
  contacts partly ours. Its phase against the music is not verified, so there is no beat alignment. It is ballroom,
  which travels.
- Contact thresholds are the same for all ({speed:g} m/s, {height:g} m above each joint's own floor).
- Real capture has noise of its own: power at high frequencies may be a dancer's impacts or a camera's jitter.
- PFC is 0 for a dancer whose root does not move, and less is called better; read it beside the energies.
- A beat alignment says something only against its chance level, the same dance with its music's beats shifted in time;
  z is the distance from chance in deviations of 200 shifts, for single clips, averaged. The measure holds that dancers
  come to rest on the beat; a score below chance means that they move fastest there. The synthetic dances follow the
  beat by construction, so a score above real dance would be as much of a fault as one below.
- Songs are compared over their first {longest:g} s at 22,050 Hz, tempo as librosa hears it, octave errors and all, on
  both sides alike. AIST++'s own songs are not freely at hand.
"""


@frozen
class Column:
    """A corpus in a table: measures of its items, and the group (song) of each."""

    name: str
    items: Sequence[Mapping[str, float]]
    groups: Sequence[str]
    means: Mapping[str, Mean] = field(init=False)

    def __attrs_post_init__(self) -> None:
        names = sorted({name for item in self.items for name in item})
        object.__setattr__(self, "means", summarise(self.items, self.groups, names))


def document(
    dances: Sequence[Column],
    songs: Sequence[Column],
    beats: Mapping[str, float],
    command: str,
    figure: str | None,
) -> str:
    """The page. dances, songs: the synthetic corpus first. beats: what madmom found in the synthetic songs: f_measure,
    downbeat_f_measure (missing where it found none), songs. figure: its path from the page, if there is one."""
    limits = _LIMITS.format(speed=motion.CONTACT_SPEED, height=motion.CONTACT_HEIGHT, longest=music.LONGEST_S)
    parts = [_INTRO, f"```\n{command}\n```\n"]
    if dances and dances[0].items:
        parts += ["## Dance\n", _sizes(dances, "clips"), _far_from_real(dances)]
        if figure:
            parts.append(
                f"![Speeds, trajectories and velocity spectra]({figure})\n\n"
                "Speed: the share of frames in which the joints are slower, averaged over clips. Heights: the clip of "
                "median energy of each corpus, beats as lines where they are known. Spectra: geometric means.\n"
            )
        parts.append(_dance_table(dances))
    if songs:
        parts += ["## Music\n", _sizes(songs, "songs"), _unlike_real_songs(songs), _music_table(songs)]
    if beats:
        parts.append(_beats(beats))
    return "\n".join([*parts, limits])


def _sizes(columns: Sequence[Column], kind: str) -> str:
    told = []
    for column in columns:
        fast = sum("PFC (30 frames/s)" in item for item in column.items)
        coarse = (
            f" ({fast} of them with frames enough for speeds)" if kind == "clips" and fast < len(column.items) else ""
        )
        told.append(f"{column.name} {len(column.items)}{coarse}")
    return f"Compared {kind}: {', '.join(told)}.\n"


def _of(columns: Sequence[Column], name: str) -> Column | None:
    return next((column for column in columns if column.name == name), None)


def ratios(ours: Column, real: Column) -> dict[str, float]:
    """Our mean over the real one of each measure of movement in which both are above 0."""
    names = [name for section in _COMPARED for name in motion.SECTIONS[section]]
    both = [name for name in names if name in ours.means and name in real.means]
    return {
        name: ours.means[name].value / real.means[name].value
        for name in both
        if ours.means[name].value > 0 and real.means[name].value > 0
    }


def _far_from_real(columns: Sequence[Column]) -> str:
    """Which measures are beyond a factor of two from the real motions, said from the figures."""
    ours, real = columns[0], _of(columns, AISTPP)
    if real is None:
        return ""
    section_of = {name: section for section in _COMPARED for name in motion.SECTIONS[section]}
    found = ratios(ours, real)
    less = sorted((ratio, name) for name, ratio in found.items() if ratio < 1 / FACTOR)
    more = sorted(((ratio, name) for name, ratio in found.items() if ratio > FACTOR), reverse=True)

    def listed(entries: Sequence[tuple[float, str]]) -> str:
        return "".join(f"\n- {section_of[name]}: {name}: x {number(ratio)}" for ratio, name in entries) or "\n- none"

    within = len(found) - len(less) - len(more)
    return (
        f"Of {len(found)} measures of movement, {within} of the {SYNTHETIC} lie within a factor of {FACTOR:g} of "
        f"{AISTPP}.\n\nFurther below:\n{listed(less)}\n\nFurther above:\n{listed(more)}\n{_aligned(ours, real)}"
    )


def _aligned(ours: Column, real: Column) -> str:
    """Whether both stand on the same side of chance."""
    names = [f"{definition}: z" for definition in LEAST_SPEED]
    if not all(name in column.means for column in (ours, real) for name in names):
        return ""

    def said(column: Column) -> str:
        return f"{column.name} {' and '.join(number(column.means[name].value) for name in names)}"

    return (
        f"\nRest on the beat, as deviations from chance ({' and '.join(LEAST_SPEED)}): {said(ours)}, {said(real)}; "
        f"speed around the beats over its mean: {number(ours.means[motion.ON_THE_BEAT].value)} and "
        f"{number(real.means[motion.ON_THE_BEAT].value)}.\n"
    )


def _unlike_real_songs(columns: Sequence[Column]) -> str:
    ours, real = columns[0], _of(columns, SONGS)
    if real is None:
        return ""
    names = [name for section in music.SECTIONS.values() for name in section]
    steps = {
        name: (ours.means[name].value - real.means[name].value) / real.means[name].std
        for name in names
        if name in ours.means and name in real.means and real.means[name].std > 0
    }
    far = sorted((name for name in steps if abs(steps[name]) > DEVIATIONS), key=lambda name: -abs(steps[name]))
    lines = "".join(
        f"\n- {name}: {number(abs(steps[name]))} deviations {'more' if steps[name] > 0 else 'less'}" for name in far
    )
    return (
        f"Of {len(steps)} measures, {len(steps) - len(far)} lie within a standard deviation of single real songs "
        f"around their mean. Beyond it:\n{lines or chr(10) + '- none'}\n"
    )


def _dance_table(columns: Sequence[Column]) -> str:
    ours, real = columns[0], _of(columns, AISTPP)
    heads = [column.name for column in columns] + (["place of AIST++ among ours"] if real else [])
    lines = []
    for section, names in motion.SECTIONS.items():
        rows = []
        for name in names:
            if not any(name in column.means for column in columns):
                continue
            cells = []
            for column in columns:
                text = cell(column.means.get(name))
                ratio = None if real is None or column is real or section not in _COMPARED else ratios(column, real)
                cells.append(f"{text} (x {number(ratio[name])})" if ratio and name in ratio else text)
            if real:
                there = place(ours.items, name, real.means[name].value) if name in real.means else None
                cells.append("-" if there is None else f"{there:.0f} %")
            rows.append(_row(name, cells))
        if rows:
            lines += [f"### {section}\n", *_head("", heads), *rows, ""]
    note = "" if real is None else "In brackets after x: the mean as a multiple of that of " + AISTPP + ".\n\n"
    return note + "\n".join(lines)


def _music_table(columns: Sequence[Column]) -> str:
    heads = [column.name for column in columns]
    lines = []
    for section, names in music.SECTIONS.items():
        rows = [_row(name, [cell(column.means.get(name)) for column in columns]) for name in names]
        if section == "Rhythm":
            rows.insert(1, _row("tempo, 10 / 50 / 90 % of the songs (BPM)", [_tempi(column) for column in columns]))
        lines += [f"### {section}\n", *_head("", heads), *rows, ""]
    return "\n".join(lines)


def _tempi(column: Column) -> str:
    tempi = [item["tempo (BPM)"] for item in column.items if "tempo (BPM)" in item]
    return " / ".join(number(value) for value in np.percentile(tempi, [10, 50, 90])) if tempi else "-"


def _beats(beats: Mapping[str, float]) -> str:
    said = [
        f"{label} {number(beats[key])}"
        for key, label in (("f_measure", "beats F ="), ("downbeat_f_measure", "downbeats F ="))
        if key in beats
    ]
    return (
        "Does a tracker that was trained on real music hear the beat? madmom on "
        f"{beats['songs']:.0f} songs of the {SYNTHETIC}, against the grid that they were made on (+-70 ms): "
        f"{', '.join(said)}.\n"
    )


def _head(first: str, names: Sequence[str]) -> list[str]:
    return [_row(first, names), _row("---", ["---"] * len(names))]


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"
