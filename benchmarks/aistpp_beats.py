"""How far a standard beat tracker is from AIST++'s nominal grid: python -m benchmarks.aistpp_beats FOLDER

FOLDER has mXXN.npy, the (frames, 35) music features at 60 frames per second that the field uses: column 0 is
librosa's onset envelope, the last is 1 where its tracker (Ellis, 2007, told the nominal tempo as the likeliest)
finds a beat. The grid is `motionbeat.beats.nominal`: constant tempo, first beat at 0 s.

Two things are measured of each song. The tracker against the grid: F-measure, CMLt and AMLt of mir_eval, and
by how much tracked beats are later than the nearest beat of the grid. The grid against the sound, which needs
no tracker and no prior tempo: the Fourier component of the onset envelope at the rate of sixteenths says at
which tempo near the nominal one the onsets line up best, and how much later than the grid they are there.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import mir_eval
import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray

from motionbeat.beats import Beats, nominal
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import whole_file
from motionbeat.lab.beat_grids import beat_evaluation
from motionbeat.lab.corpora.aistpp import aistpp_names

FPS = 60
BEATS_PER_BAR = 4
MARK = "<!-- Below: written by python -m benchmarks.aistpp_beats FOLDER --markdown THIS FILE -->"
_COLUMNS = 35
_SHIFTS_S = np.arange(-60, 141) / 1000
_NEAR = 1 + np.arange(-0.03, 0.03001, 0.0002)  # tempi to search, relative to the nominal one


@frozen
class Row:
    """The measurements of one song. Positive offsets: later than the grid."""

    song: str
    nominal_bpm: float
    seconds: float
    tracked_bpm: float  # 60 / median interval
    f_measure: float  # +-70 ms
    cmlt: float
    amlt: float
    offset_ms: float  # median offset of tracked beats from the nearest beat of the grid
    offset_spread_ms: float  # interquartile range of it
    f_by_shift: NDArray[np.float64]  # F-measure after taking each of _SHIFTS_S off the tracked beats
    onset_bpm: float  # tempo near the nominal one at which onsets line up best on sixteenths
    onset_offset_ms: float  # of onsets from the nearest sixteenth


def measure(song: str, features: NDArray[np.floating]) -> Row:
    """Measure one song from its features (T, 35)."""
    bpm = aistpp_names.nominal_bpm(song)
    truth = nominal.grid(len(features) / FPS, bpm, BEATS_PER_BAR)
    times = np.flatnonzero(features[:, -1] > 0.5) / FPS
    tracked = _beats(times)
    f_measure = _f_measure(tracked, truth)
    cmlt, amlt = continuity(times, truth.times)
    late_ms = 1000 * offsets(times, bpm)
    low, high = np.percentile(late_ms, [25, 75])
    onset_bpm, onset_offset_s = sixteenths(features[:, 0], bpm)
    return Row(
        song=song,
        nominal_bpm=bpm,
        seconds=len(features) / FPS,
        tracked_bpm=60 / float(np.median(np.diff(times))),
        f_measure=f_measure,
        cmlt=cmlt,
        amlt=amlt,
        offset_ms=float(np.median(late_ms)),
        offset_spread_ms=float(high - low),
        f_by_shift=np.array([_f_measure(_beats(np.maximum(times - shift, 0)), truth) for shift in _SHIFTS_S]),
        onset_bpm=onset_bpm,
        onset_offset_ms=1000 * onset_offset_s,
    )


def _beats(times: NDArray[np.float64]) -> Beats:
    times = np.unique(times)
    return Beats(times, np.arange(len(times)) % BEATS_PER_BAR + 1, BEATS_PER_BAR, downbeats=False)


def _f_measure(tracked: Beats, truth: Beats) -> float:
    value = beat_evaluation.compare(tracked, truth)["f_measure"]
    return 0.0 if value is None else value


def continuity(times: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    """CMLt and AMLt of mir_eval, trimmed to 5 s and later where `evaluation.compare` trims."""
    from_s = beat_evaluation.TRIM_S if truth[-1] >= 2 * beat_evaluation.TRIM_S else 0.0
    _, cmlt, _, amlt = mir_eval.beat.continuity(truth[truth >= from_s], times[times >= from_s])
    return float(cmlt), float(amlt)


def offsets(times: NDArray[np.float64], bpm: float) -> NDArray[np.float64]:
    """By how many seconds each time is later than the nearest multiple of a beat, -1/2 to 1/2 beat."""
    beat = 60 / bpm
    return times - np.round(times / beat) * beat


def sixteenths(envelope: NDArray[np.floating], bpm: float) -> tuple[float, float]:
    """Tempo and lateness (s) at which onsets line up best with a grid of four to a beat that begins at 0 s.

    envelope: (T,) onset strength at 60 frames per second, e(t). With E(f) = sum_t e(t) exp(-2 pi i f t), the tempo
    is the one within 3 % of `bpm` of the largest |E(4 bpm / 60)|. The lateness is that of the nominal tempo, from
    the phase of its E; it is known up to whole sixteenths.
    """
    times = np.arange(len(envelope)) / FPS
    rates = 4 * bpm / 60 * _NEAR
    size = np.abs(np.exp(-2j * np.pi * rates[:, None] * times) @ envelope)
    rate = 4 * bpm / 60
    nominal_phase = np.angle(np.exp(-2j * np.pi * rate * times) @ envelope)
    return float(15 * rates[np.argmax(size)]), float(-nominal_phase / (2 * np.pi * rate))


def read(folder: Path) -> list[Row]:
    """Measure every song of a folder. Raises `MotionBeatError` for a file with other content."""
    paths = sorted(path for path in folder.glob("*.npy") if aistpp_names.is_song(path.stem))
    if not paths:
        raise MotionBeatError(f"{folder} has no features mXXN.npy of AIST++'s songs: name the folder with them")
    rows = []
    for path in paths:
        try:
            features = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise MotionBeatError(f"{path} is not an array ({error}): download the file again") from None
        if features.ndim != 2 or features.shape[1] != _COLUMNS or not np.isfinite(features).all():
            raise MotionBeatError(f"{path}: {features.shape} numbers; expected finite (frames, {_COLUMNS})")
        if np.count_nonzero(features[:, -1] > 0.5) < 2:
            raise MotionBeatError(f"{path} has fewer than 2 beats in its last column: use the 35-d features")
        rows.append(measure(path.stem, features))
    return rows


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float, float]:
    """Mean and 95 % percentile interval of the mean, over songs drawn with replacement (fixed seed)."""
    array = np.asarray(values, float)
    means = array[np.random.default_rng(0).integers(len(array), size=(draws, len(array)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(array.mean()), float(low), float(high)


def common_shift(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Smallest and largest shift (s) of all beats with a mean F-measure within 0.01 of the best, and the best
    F-measure.

    It is a range, since the F-measure does not distinguish shifts within its tolerance.
    """
    mean = np.mean([row.f_by_shift for row in rows], axis=0)
    good = _SHIFTS_S[mean >= mean.max() - 0.01]
    return float(good[0]), float(good[-1]), float(mean.max())


def own_lateness(bpm: float, beats: int = 32) -> tuple[float, float]:
    """The delay (s) of beats and onsets that this procedure adds, measured on bursts of noise exactly on a grid.

    The procedure is the one that made the features: librosa's onset envelope and tracker with hops of 512 samples at 60
    frames per second and the nominal tempo. The first beat is left out, since nothing precedes it.
    """
    import librosa

    hop = 512
    rate, generator = FPS * hop, np.random.default_rng(0)
    samples = 1e-4 * generator.normal(size=round(beats * 60 / bpm * rate))
    burst = np.exp(-np.arange(rate // 10) * 40 / rate) * generator.normal(size=rate // 10)
    for start in np.round(np.arange(beats) * 60 / bpm * rate).astype(int):
        part = samples[start : start + len(burst)]
        part += burst[: len(part)]
    envelope = librosa.onset.onset_strength(y=samples, sr=rate, hop_length=hop)
    _, frames = librosa.beat.beat_track(onset_envelope=envelope, sr=rate, hop_length=hop, start_bpm=bpm)
    times = frames / FPS
    beat_s = float(np.median(offsets(times[times > 30 / bpm], bpm)))
    envelope[: round(FPS * 30 / bpm)] = 0
    return beat_s, sixteenths(envelope, bpm)[1]


_SHOWN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("nominal_bpm", "nominal BPM", lambda v: f"{v:.0f}"),
    ("seconds", "s", lambda v: f"{v:.1f}"),
    ("tracked_bpm", "tracked BPM", lambda v: f"{v:.1f}"),
    ("f_measure", "F", lambda v: f"{v:.2f}"),
    ("cmlt", "CMLt", lambda v: f"{v:.2f}"),
    ("amlt", "AMLt", lambda v: f"{v:.2f}"),
    ("offset_ms", "beats late, ms", lambda v: f"{v:+.0f}"),
    ("offset_spread_ms", "spread, ms", lambda v: f"{v:.0f}"),
    ("best_shift_ms", "best shift, ms", lambda v: f"{v:+.0f}"),
    ("onset_bpm", "onsets' BPM", lambda v: f"{v:.2f}"),
    ("onset_offset_ms", "onsets late, ms", lambda v: f"{v:+.0f}"),
)
_OVER_GENRES = ("f_measure", "cmlt", "amlt", "offset_ms", "best_shift_ms", "onset_offset_ms")


def _values(row: Row) -> dict[str, float]:
    """The numbers of a row by name; best_shift_ms is the middle of the shifts with the song's best F-measure."""
    best = _SHIFTS_S[row.f_by_shift >= row.f_by_shift.max() - 1e-9]
    return asdict(row) | {"best_shift_ms": 500 * float(best[0] + best[-1])}


def tables(rows: Sequence[Row]) -> str:
    """The figures as markdown: over all songs, by genre, and every song."""
    of_songs = [_values(row) for row in rows]
    shown = {name: (title, write) for name, title, write in _SHOWN}
    first, last, best = common_shift(rows)
    bursts = [(bpm, own_lateness(bpm)) for bpm in sorted({row.nominal_bpm for row in rows})]
    zero = float(np.mean([row.f_measure for row in rows]))
    lines = [f"## All {len(rows)} songs", "| | mean [95 % interval over songs] | median |", "| --- | --- | --- |"]
    for name in _OVER_GENRES:
        title, write = shown[name]
        mean, low, high = interval([values[name] for values in of_songs])
        middle = float(np.median([values[name] for values in of_songs]))
        lines.append(f"| {title} | {write(mean)} [{write(low)}, {write(high)}] | {write(middle)} |")
    lines += [
        "",
        f"One shift for all songs: mean F is {zero:.3f} as tracked, {best:.3f} at best, and less than 0.01 below that "
        f"with any shift from {1000 * first:+.0f} to {1000 * last:+.0f} ms taken off the tracked beats.",
        "",
        "The procedure by itself, on bursts of noise exactly on the grid:",
        "",
        "| BPM | beats late, ms | onsets late, ms |",
        "| --- | --- | --- |",
        *(f"| {bpm:.0f} | {1000 * beat:+.0f} | {1000 * onset:+.0f} |" for bpm, (beat, onset) in bursts),
        "",
        "## By genre (means)",
        "| genre | songs | " + " | ".join(shown[name][0] for name in _OVER_GENRES) + " |",
        "| --- |" + " --- |" * (1 + len(_OVER_GENRES)),
    ]
    for genre in sorted({row.song[1:3] for row in rows}):
        chosen = [values for row, values in zip(rows, of_songs, strict=True) if row.song[1:3] == genre]
        means = (shown[name][1](float(np.mean([values[name] for values in chosen]))) for name in _OVER_GENRES)
        lines.append(f"| {genre} | {len(chosen)} | " + " | ".join(means) + " |")
    lines += [
        "",
        "## Every song",
        "| song | " + " | ".join(title for _, title, _ in _SHOWN) + " |",
        "| --- |" + " --- |" * len(_SHOWN),
    ]
    for row, values in zip(rows, of_songs, strict=True):
        lines.append(f"| {row.song} | " + " | ".join(write(values[name]) for name, _, write in _SHOWN) + " |")
    return "\n".join(lines) + "\n"


def write_page(page: Path, text: str) -> None:
    """Put the tables into a page below its mark; the text above the mark is kept."""
    above = page.read_text(encoding="utf-8").split(MARK)[0] if page.is_file() else ""
    with whole_file(page) as unfinished:
        unfinished.write_text(f"{above}{MARK}\n\n{text}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aistpp_beats", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of mXXN.npy, (frames, 35) at 60 frames per second")
    parser.add_argument("--markdown", type=Path, help="page for the tables (its other text is kept)")
    arguments = parser.parse_args()
    text = tables(read(arguments.folder))
    print(text)
    if arguments.markdown:
        write_page(arguments.markdown, text)


if __name__ == "__main__":
    run(main)
