"""Clips2Quality: unusual properties of each clip, and the check that no song or dance is in two splits.

data/corpus/quality.csv has a line for each clip; its last column describes what is unusual, and is empty otherwise. The
delay between dance and music is measured from foot landings and onsets of the low drums, at every shift up to 0.4 s.
Correct clips may differ by 60 ms; so a clip is compared with the median of its corpus. A clip that fits its music much
better at a longer shift or another speed is named too. If the corpus has no clear delay, there is no message.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.errors import refuse
from motionbeat.lab import tables
from motionbeat.lab.corpora import leaks, plausibility
from motionbeat.lab.corpora.manifest import SAMPLE_RATE, Clip, Corpus, Motion
from motionbeat.lab.corpora.sound_series import FLOOR_DB, ONSET_RATE, at_rate, loudness, onsets, smooth
from motionbeat.lab.item_cache import ItemCache, Values
from motionbeat.lab.params import MotionChecks
from motionbeat.motion.contacts import foot_contacts
from motionbeat.parallel import in_parallel

COLUMNS = ("clip", "song", "split", "root_m_s", "joint_m_s", "frozen", "lag_s", "clearness", "beyond_song_s", "odd")
_LONGEST_LAG_S = 0.4
_NEARBY, _ANYWHERE, _STRETCHED = (3.3, 0.8), (4.0, 1.5), (3.5, 1.5)
"""How clear a shift up to 1.2 s, any shift, or another speed must be, and by how much clearer than the best shift up to
0.4 s: no clip is so among 460 synthetic dances and 160 dances to 60 real songs."""
_NEARBY_S = 1.2
_CLEAR, _CORPUS_CLEAR = 3.0, 3.0
_STANDS_MPS, _STANDS_M = 0.3, 0.05
"""Standard deviations by which the best shift must exceed the mean: for a clip, and for the median of a corpus."""
_LEAST_CLIPS = 4
_BEYOND_S = 1.0
_SILENT_S = 2.0
_STRETCHES = {2.0: "twice", 0.5: "half"}


@frozen(eq=False)
class Measured:
    """Features of a clip, kept until all clips can be compared."""

    series: leaks.Series
    landings: NDArray[np.float32]
    """(n,) at `ONSET_RATE`: foot landings, smoothed over 0.18 s."""
    root_m_s: float
    joint_m_s: float
    frozen: float
    doubts: tuple[str, ...]


def measure(motion: Motion, checks: MotionChecks) -> Measured:
    """The features of a clip that corpus-wide comparisons need."""
    joints = motion.joints.astype(np.float64)
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * motion.fps  # (T - 1, 24) m/s
    contacts = foot_contacts(motion.joints, motion.fps, _STANDS_MPS, _STANDS_M)  # (T, 4): both ankles, both toes
    stands = contacts[:, :2].astype(bool) | contacts[:, 2:].astype(bool)
    landed = np.flatnonzero((np.diff(stands.astype(int), axis=0) > 0).any(axis=1)) + 1
    landings = np.zeros(max(int(len(joints) / motion.fps * ONSET_RATE), 1))
    np.add.at(landings, np.minimum((landed / motion.fps * ONSET_RATE).astype(int), len(landings) - 1), 1.0)
    return Measured(
        leaks.dance_series(motion),
        smooth(landings, 9),
        float(np.percentile(steps[:, 0], 95)),
        float(np.percentile(steps.max(axis=1), 99)),
        float((steps.max(axis=1) == 0).mean()),
        tuple(plausibility.doubts(motion, checks)),
    )


def leaked(
    clips: Sequence[Clip],
    measured: Mapping[str, Measured],
    songs: Mapping[str, leaks.Series],
    share: float,
) -> Iterator[str]:
    """One error for each recording or dance that is in two splits."""
    split_of = {clip.name: clip.split for clip in clips}
    splits: dict[str, set[str]] = {}
    for clip in clips:
        splits.setdefault(clip.song, set()).add(clip.split)
    # a song may be in several splits by the corpus's own lists (AIST++'s val and test): these are compared with others
    within = {song: " and ".join(sorted(names)) for song, names in splits.items()}
    for leak in leaks.same_songs(songs, within, share):
        yield (
            f"songs {leak.first} ({within[leak.first]}) and {leak.second} ({within[leak.second]}) are the same "
            f"recording for {100 * leak.share:.0f} % of the shorter: give both one name and one split"
        )
    for leak in leaks.same_dances({name: each.series for name, each in measured.items()}, split_of, share):
        how = ", mirrored" if leak.mirrored else ""
        yield (
            f"clips {leak.first} ({split_of[leak.first]}) and {leak.second} ({split_of[leak.second]}) are the same "
            f"dance{how} for {100 * leak.share:.0f} % of the shorter: put both into one split, or leave one out"
        )


def rows(
    clips: Sequence[Clip],
    measured: Mapping[str, Measured],
    heard: Mapping[str, NDArray[np.float32]],
    songs: Mapping[str, leaks.Series],
    checks: MotionChecks,
) -> list[dict[str, Any]]:
    """A row of `COLUMNS` for each clip. heard: the low onsets of each song; songs: their loudness."""
    found = {clip.name: _lag(measured[clip.name].landings, heard[clip.song], clip.offset_s) for clip in clips}
    clear = [clearness for _, clearness in found.values()]
    lags = [lag for lag, clearness in found.values() if clearness >= _CLEAR]
    known = len(lags) >= min(_LEAST_CLIPS, len(clips)) and float(np.median(clear)) >= _CORPUS_CLEAR
    usual = float(np.median(lags)) if len(lags) >= _LEAST_CLIPS else 0.0
    if abs(usual) > checks.shift_s:  # then it is no habit of dancers: every clip is shifted
        usual = 0.0
    table = []
    for clip in sorted(clips, key=lambda clip: clip.name):
        each, (lag, clearness) = measured[clip.name], found[clip.name]
        beyond = clip.offset_s + len(each.landings) / ONSET_RATE - len(heard[clip.song]) / ONSET_RATE
        odd = list(each.doubts)
        if beyond > _BEYOND_S:
            odd.append(f"ends {beyond:.1f} s after its song: are its offset and frame rate right?")
        if (silent := _silent_s(songs[clip.song], clip.offset_s, len(each.landings) / ONSET_RATE)) > _SILENT_S:
            odd.append(f"its music is silent for {silent:.1f} s: is this the right file, and is it complete?")
        if known:
            odd += _against_music(each, heard[clip.song], clip.offset_s, usual, checks.shift_s)
        table.append(
            {
                "clip": clip.name,
                "song": clip.song,
                "split": clip.split,
                "root_m_s": f"{each.root_m_s:.2f}",
                "joint_m_s": f"{each.joint_m_s:.2f}",
                "frozen": f"{each.frozen:.3f}",
                "lag_s": f"{lag:.2f}" if clearness >= _CLEAR else "",
                "clearness": f"{clearness:.1f}",
                "beyond_song_s": f"{max(beyond, 0):.1f}",
                "odd": "; ".join(odd),
            }
        )
    return table


def check(corpus: Corpus, folder: Path, checks: MotionChecks, strict: bool) -> list[str]:
    """Check the corpus that `manifest.write_corpus` wrote to `folder`, write quality.csv, and return notes on odd
    clips.

    Raises `MotionBeatError` for recordings and dances in two splits, and with `strict` for every odd clip.
    """
    manifest = tables.read(folder / "manifest.parquet", tables.MANIFEST)
    clips = [clip for clip in corpus.clips if clip.name in set(manifest["clip"])]
    names = sorted({clip.song for clip in clips})
    kept = ItemCache.of("quality", __name__)
    heard = in_parallel(_hear, [(kept, folder / "audio" / f"{name}.flac") for name in names], "songs compared")
    levels = dict(zip(names, heard, strict=True))
    motions = [
        (kept, folder / str(path), float(fps), checks)
        for path, fps in zip(manifest["motion"], manifest["fps"], strict=True)
    ]
    found = in_parallel(_measured, motions, "clips measured")
    measured = dict(zip(map(str, manifest["clip"]), found, strict=True))
    series = {name: sound for name, (sound, _) in levels.items()}
    refuse(leaked(clips, measured, series, checks.leak_share))
    table = rows(clips, measured, {name: onset for name, (_, onset) in levels.items()}, series, checks)
    write(folder / "quality.csv", table)
    odd = [f"clip {row['clip']}: {row['odd']}" for row in table if row["odd"]]
    if strict:
        refuse(f"{line} (refused by corpus.strict)" for line in odd)
    return odd


def _hear(kept: ItemCache, path: Path) -> tuple[leaks.Series, NDArray[np.float32]]:
    def found() -> Values:
        level = loudness(decode.load(path, SAMPLE_RATE), SAMPLE_RATE)
        return {"series": at_rate(level, leaks.SOUND_RATE), "onsets": onsets(level)}

    values = kept.get(path, found)
    return values["series"], values["onsets"]


def _measured(kept: ItemCache, path: Path, fps: float, checks: MotionChecks) -> Measured:
    values = kept.get([path, fps, checks], lambda: asdict(measure(_motion(path, fps), checks)))
    return Measured(**values | {"doubts": tuple(values["doubts"])})


def _motion(path: Path, fps: float) -> Motion:
    with np.load(path, allow_pickle=False) as arrays:
        return Motion(arrays["joints"], arrays.get("poses"), fps)


def write(path: Path, table: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows as a csv file with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def _silent_s(level: leaks.Series, offset_s: float, seconds: float) -> float:
    """The longest silence of a song during a dance, in seconds."""
    begin, end = (round(at * leaks.SOUND_RATE) for at in (offset_s, offset_s + seconds))
    edges = np.flatnonzero(np.diff((level[begin:end] <= FLOOR_DB).all(axis=1), prepend=False, append=False))
    return float((edges[1::2] - edges[::2]).max(initial=0) / leaks.SOUND_RATE)


def _against_music(
    each: Measured, heard: NDArray[np.float32], offset_s: float, usual: float, limit: float
) -> Iterator[str]:
    lag, clearness = _lag(each.landings, heard, offset_s)
    near, near_clear = _lag(each.landings, heard, offset_s, _NEARBY_S)
    if _exceeds(near_clear, clearness, _NEARBY):
        lag, clearness = near, near_clear
    late = 1000 * (lag - usual)
    if clearness >= _CLEAR:
        if abs(late) > 1000 * limit:
            yield (
                f"its dance is {abs(late):.0f} ms {'later' if late > 0 else 'earlier'} relative to its music "
                "than usual: is its offset right?"
            )
        return
    for stretch, word in _STRETCHES.items():
        frames = np.arange(0, len(each.landings) - 1e-9, stretch)
        stretched = np.interp(frames, np.arange(len(each.landings)), each.landings)
        if _exceeds(_lag(stretched, heard, offset_s)[1], clearness, _STRETCHED):
            yield f"its dance fits its music at {word} the speed: is its frame rate, or its song, right?"
            return
    far, far_clear = _lag(each.landings, heard, offset_s, np.inf)
    if _exceeds(far_clear, clearness, _ANYWHERE):
        yield (
            f"its dance does not fit its music, or {abs(far):.1f} s {'later' if far > 0 else 'earlier'}: are its song "
            "and its offset right?"
        )


def _exceeds(clearness: float, other: float, least: tuple[float, float]) -> bool:
    return clearness >= max(least[0], other + least[1])


def _lag(
    landings: NDArray[np.float32], heard: NDArray[np.float32], offset_s: float, longest_s: float = _LONGEST_LAG_S
) -> tuple[float, float]:
    """Seconds by which the dance is later than its music, and how many deviations this shift is above the mean.

    The music is shifted circularly, so that each shift uses the whole dance.
    """
    begin = round(offset_s * ONSET_RATE)
    music = heard[begin : begin + len(landings)]
    dance = landings[: len(music)]
    if len(music) < 4 * _LONGEST_LAG_S * ONSET_RATE or not np.ptp(music) or not np.ptp(dance):
        return 0.0, 0.0
    one, two = (np.fft.rfft((values - values.mean()) / values.std()) for values in (dance, music))
    correlation = np.fft.irfft(one * two.conj(), len(dance))
    reach = round(min(longest_s * ONSET_RATE, (len(dance) - 1) // 2))
    near = np.concatenate([correlation[-reach:], correlation[: reach + 1]])
    best = int(near.argmax())
    return (best - reach) / ONSET_RATE, float((near[best] - correlation.mean()) / max(float(correlation.std()), 1e-12))
