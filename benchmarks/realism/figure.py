"""One figure: how fast joints are, how three of them go for some seconds, and how much of it is fast."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.realism.corpora import AISTPP, MELODY, SYNTHETIC
from benchmarks.realism.motion import COARSE_FPS, FINE_FPS, Dance, spectrum, speeds
from motionbeat.dance import kinetic_features
from motionbeat.files import whole_file
from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT
from motionbeat.motion.skeleton import INDEX

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {SYNTHETIC: RIGHT, AISTPP: LEFT, MELODY: "#2f9e68"}
_GROUPS = ("root", "feet", "hands")
_TRACED = {"lwrist": RIGHT, "lankle": LEFT, "root": INK}
_TRACE_S = 6.0
_GRID = "#7a8794"
_SPECTRUM_HZ = np.arange(0.25, 30.0, 0.25)
_SLOWEST = 1e-3  # m/s


def typical(dances: Sequence[Dance]) -> Dance | None:
    """The dance whose mean kinetic energy is the median of those with frames enough; none if there are none."""
    able = [dance for dance in dances if dance.fps >= COARSE_FPS]
    if not able:
        return None
    energy = [kinetic_features(d.joints, d.fps, reference_bug=False).reshape(24, 3)[:, :2].sum() for d in able]
    return able[int(np.argsort(energy, kind="stable")[(len(able) - 1) // 2])]


def draw(path: Path, corpora: Mapping[str, Sequence[Dance]]) -> None:
    """Write the figure of the corpora, by name, as a PNG: the same bytes for the same dances."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9.5), layout="constrained", facecolor="white")
    rows = figure.subplots(3, 3)
    for axes, group in zip(rows[0], _GROUPS, strict=True):
        for name, dances in corpora.items():
            able = [speeds(dance, group) for dance in dances if dance.fps >= COARSE_FPS]
            if able:
                quantiles = np.mean([np.quantile(values, np.linspace(0, 1, 201)) for values in able], axis=0)
                axes.plot(np.maximum(quantiles, _SLOWEST), np.linspace(0, 100, 201), color=COLOURS[name], label=name)
        axes.set_xscale("log")
        _label(axes, f"Speed of the {group}", "m/s", "frames that are slower (%)")
    rows[0][0].legend(fontsize=7, frameon=False, labelcolor=INK, loc="upper left")
    traced = [(name, dance) for name, dances in corpora.items() if (dance := typical(dances)) is not None]
    for axes, (name, dance) in zip(rows[1], traced, strict=False):
        _trace(axes, dance)
        _label(axes, name, f"{dance.name}: time (s)", "height above the floor (m)")
    rows[1][0].legend(fontsize=7, frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 0.16))
    for axes in rows[1][len(traced) :]:
        axes.set_visible(False)
    for axes, group in zip(rows[2], _GROUPS, strict=True):
        for name, dances in corpora.items():
            power = mean_spectrum(dances, group)
            if power is not None:
                axes.plot(_SPECTRUM_HZ, power, color=COLOURS[name], lw=1.3)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _label(axes, f"Velocity spectrum of the {group}", "frequency (Hz)", "power (m²/s² per Hz)")
    with whole_file(path) as unfinished:
        FigureCanvasAgg(figure).print_png(unfinished, metadata={"Software": None})


def mean_spectrum(dances: Sequence[Dance], group: str) -> NDArray[np.float64] | None:
    """Geometric mean over the dances with frames enough of their spectra at 0.25 to 30 Hz; none if there are none."""
    logs = []
    for dance in dances:
        if dance.fps >= FINE_FPS:
            frequencies, power = spectrum(dance, group)
            logs.append(np.interp(_SPECTRUM_HZ, frequencies, np.log10(np.maximum(power, 1e-12))))
    return 10.0 ** np.mean(logs, axis=0) if logs else None


def _trace(axes: "Axes", dance: Dance) -> None:
    """Heights of three joints over the seconds in the middle of the dance, and the music's beats where known."""
    frames = min(len(dance.joints), round(_TRACE_S * dance.fps))
    begin = (len(dance.joints) - frames) // 2
    times = np.arange(begin, begin + frames) / dance.fps
    floor = np.percentile(dance.joints[..., 1].min(axis=1), 5)
    for joint, colour in _TRACED.items():
        height = dance.joints[begin : begin + frames, INDEX[joint], 1] - floor
        axes.plot(times, height, color=colour, lw=1.1, label=joint)
    for beat in dance.beat_times if dance.beat_times is not None else ():
        if times[0] <= beat <= times[-1]:
            axes.axvline(float(beat), color=_GRID, lw=0.6, alpha=0.6)


def _label(axes: "Axes", title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xlabel(x, fontsize=8, color=INK)
    axes.set_ylabel(y, fontsize=8, color=INK)
    axes.tick_params(labelsize=7.5, colors=INK)
    axes.grid(color=_GRID, alpha=0.25, lw=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
