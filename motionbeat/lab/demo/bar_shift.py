"""What the bar of a song looks like to the model: its accents around the bar, and what a shift by a beat does to it.

Axes: n beats, B beats of a bar, S sub-beats, d embedding.
"""

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio.mel import SAMPLE_RATE, log_mel
from motionbeat.beats import Beats
from motionbeat.inference import MotionBeat
from motionbeat.model.encode_windows import encode_windows
from motionbeat.tokens.signals import mel_tokens, onset_tokens

Floats = NDArray[np.float32]


def accent_profiles(model: MotionBeat, wave: Floats, beats: Beats) -> tuple[Floats, Floats]:
    """Mean onset strength, and the accents that the model expects, at each sub-beat of the bar: (B, S) twice.

    wave: (samples,) at 22,050 Hz. Each profile sums to 1 around the bar. The second is the softmax of the accent
    head's mean logits.
    """
    layout, edges, bar = model.layout, beats.edges(), beats.positions - 1
    mel = log_mel(wave, SAMPLE_RATE, layout.mel_bands)
    measured = _by_position(onset_tokens(mel, edges, layout), bar, beats.beats_per_bar)
    tokens = mel_tokens(mel, edges, layout)
    size, count = layout.window_beats, len(bar)
    starts = np.unique(np.append(np.arange(0, max(count - size, 0) + 1, size), max(count - size, 0)))
    rows = starts[:, None] + np.arange(size)
    mask, rows = rows < count, np.minimum(rows, count - 1)
    encoded = encode_windows(model.model, "audio", tokens, bar[rows], beats.beats_per_bar, mask, rows=rows)
    logits = _by_position(encoded.accent_logits.cpu().numpy()[mask], bar[rows][mask], beats.beats_per_bar)
    expected = np.exp(logits - logits.max())
    return measured / max(float(measured.sum()), 1e-9), expected / expected.sum()


def shift_curves(vectors: Floats, most: int, window_beats: int | None) -> tuple[list[float], list[float]]:
    """How alike the embeddings of a song are to those 0, 1, ..., `most` beats later: mean cosine over its windows.

    vectors: (n, d) of length 1, one from each beat on. The second list turns the earlier embedding by the shift first
    (`turned`); it is empty without `window_beats`.
    """
    shifts = range(min(most, len(vectors) - 1) + 1)
    pairs = [(vectors[: len(vectors) - shift], vectors[shift:]) for shift in shifts]
    plain = [float((one * other).sum(axis=1).mean()) for one, other in pairs]
    if window_beats is None:
        return plain, []
    after = (turned(one, shift, window_beats) for shift, (one, _) in zip(shifts, pairs, strict=True))
    return plain, [float((one * other).sum(axis=1).mean()) for one, (_, other) in zip(after, pairs, strict=True)]


def turned(vectors: Floats, shift: int, window_beats: int) -> Floats:
    """Embeddings (n, d) of the readout `window_harmonic`, turned as if their windows began `shift` beats later.

    That readout is a Fourier transform over the K beats of a window: harmonic n of content that comes `shift` beats
    earlier is multiplied by exp(2 pi i n shift / K). Exact for music that repeats with the window
    (`model.readout.WindowReadout`); it needs no other look at the song.
    """
    harmonics = window_beats // 2 + 1
    single = [n for n in range(harmonics) if n == 0 or 2 * n == window_beats]
    double = [n for n in range(harmonics) if n not in single]
    parts = vectors.reshape(len(vectors), harmonics + len(double), -1)  # real of all, imaginary of the double ones
    whole = np.zeros((len(vectors), harmonics, parts.shape[2]), np.complex128)
    whole += parts[:, :harmonics]
    whole[:, double] += 1j * parts[:, harmonics:]
    whole *= np.exp(2j * np.pi * np.arange(harmonics) * shift / window_beats)[:, None]
    return np.concatenate([whole.real, whole[:, double].imag], axis=1).reshape(vectors.shape).astype(np.float32)


def _by_position(values: Floats, position: NDArray[np.integer], meter: int) -> Floats:
    """Mean of values (n, S) at each place of the bar: (B, S); a place that has none is 0."""
    total, count = np.zeros((meter, values.shape[1])), np.zeros((meter, 1))
    np.add.at(total, position, values)
    np.add.at(count, position, 1)
    return (total / np.maximum(count, 1)).astype(np.float32)
