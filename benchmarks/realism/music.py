"""Song2Measures: the measures of a recording, with the same estimators for synthetic and real songs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from motionbeat.audio import decode
from motionbeat.audio.mel import FRAME_RATE, HOP, SAMPLE_RATE, log_mel
from motionbeat.audio.onsets import onset_strength
from motionbeat.errors import MotionBeatError

LONGEST_S = 20.0
"""Of each song the first so many seconds, as much as the shortest excerpts in use have."""
_LEVEL_S = 0.4
_QUIET_DB = 70.0  # below the loudest level: not part of the music
KINDS = (".flac", ".wav", ".mp3", ".ogg", ".au")

SECTIONS: dict[str, tuple[str, ...]] = {
    "Rhythm": (
        "tempo (BPM)",
        "onsets a second",
        "onsets a beat",
        "onset contrast: 95 % of the envelope over its mean",
        "regularity: autocorrelation of the envelope at one beat",
    ),
    "Sound": (
        "spectral centroid (Hz)",
        "spectral centroid, deviation over time (Hz)",
        "spectral flatness (dB)",
        "crest factor (dB)",
        "level range, 10 % to 95 % (dB)",
    ),
}
"""The measures in the order of the table."""


def files_in(folders: list[Path]) -> list[Path]:
    """Every audio file in the folders and below, sorted by name."""
    found = [
        path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in KINDS and path.is_file()
    ]
    if folders and not found:
        raise MotionBeatError(f"--songs {', '.join(map(str, folders))}: no audio there; expected {', '.join(KINDS)}")
    return sorted(found, key=lambda path: (path.name, path))


def measures(path: Path) -> dict[str, float]:
    """The measures of the beginning of one recording, at 22,050 Hz; tempo by librosa.

    A recording in which no beat is found has none of the measures that need a tempo. Raises `MotionBeatError` for
    audio that cannot be used.
    """
    import librosa

    samples = decode.load(path, SAMPLE_RATE)[: round(LONGEST_S * SAMPLE_RATE)]
    envelope = onset_strength(log_mel(samples))
    rate = len(librosa.onset.onset_detect(onset_envelope=envelope, sr=SAMPLE_RATE, hop_length=HOP)) * FRAME_RATE
    rate /= len(envelope)
    magnitude = np.abs(librosa.stft(samples, n_fft=1024, hop_length=HOP))
    sounding = magnitude[:, magnitude.sum(axis=0) > 1e-3 * magnitude.sum(axis=0).max()]
    centroid = librosa.feature.spectral_centroid(S=sounding, sr=SAMPLE_RATE)[0]
    flatness = librosa.feature.spectral_flatness(S=sounding)[0]
    found = {
        "onsets a second": rate,
        "onset contrast: 95 % of the envelope over its mean": float(np.percentile(envelope, 95) / envelope.mean()),
        "spectral centroid (Hz)": float(centroid.mean()),
        "spectral centroid, deviation over time (Hz)": float(centroid.std()),
        "spectral flatness (dB)": float(10 * np.log10(flatness).mean()),
        "crest factor (dB)": float(20 * np.log10(np.abs(samples).max() / np.sqrt(np.mean(samples**2)))),
        "level range, 10 % to 95 % (dB)": level_range(samples),
    }
    tempo = float(librosa.feature.tempo(onset_envelope=envelope, sr=SAMPLE_RATE, hop_length=HOP)[0])
    if tempo > 0:
        found["tempo (BPM)"] = tempo
        found["onsets a beat"] = rate * 60 / tempo
        found["regularity: autocorrelation of the envelope at one beat"] = regularity(envelope, tempo)
    return found


def level_range(samples: NDArray[np.floating]) -> float:
    """dB between the 10th and the 95th percentile of the level in windows of 0.4 s, silence left out."""
    window = round(_LEVEL_S * SAMPLE_RATE)
    power = uniform_filter1d(samples.astype(np.float64) ** 2, window)[window // 2 : -window // 2 : window // 4]
    level = 10 * np.log10(np.maximum(power, 1e-12))
    level = level[level > level.max() - _QUIET_DB]
    return float(np.percentile(level, 95) - np.percentile(level, 10))


def regularity(envelope: NDArray[np.floating], tempo: float) -> float:
    """Correlation of the onset envelope with itself one beat later, -1..1."""
    lag = round(60 / tempo * FRAME_RATE)
    first, second = envelope[:-lag], envelope[lag:]
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
