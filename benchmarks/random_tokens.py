"""Random tokens of the sizes that the tokens stage makes, for measurements that need no corpus."""

from pathlib import Path

import numpy as np

from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.motion.feature_blocks import feature_slices
from motionbeat.tokens.layout import Layout

_SPARE_BEATS = 4


def random_tokens(negatives: Path, settings: Params, clips: int, seed: int = 0) -> Tokens:
    """A song and a dance for each of `clips`, a few beats longer than a window; mined negatives go to `negatives`."""
    wanted, generator = settings.tokens, np.random.default_rng(seed)
    slices = feature_slices(True, wanted.joint_events)
    sizes = (wanted.subbeats, wanted.mel_bands, max(part.stop for part in slices.values()), slices["rotations"].start)
    signal = wanted.motion_fps, wanted.contact_speed, wanted.contact_height
    layout = Layout(*sizes, *signal, wanted.window_beats, wanted.flux, wanted.joint_events)
    beats = wanted.window_beats + _SPARE_BEATS
    beat, rows = np.tile(np.arange(beats), clips), clips * beats
    song, bpm = (
        np.repeat([f"song{i:05}" for i in range(clips)], beats),
        np.repeat(generator.uniform(80, 160, clips), beats),
    )
    meter = np.repeat(generator.choice([3, 4, 4, 4], clips), beats)
    shared = {"song": song, "beat": beat, "bar_position": beat % meter, "beats_per_bar": meter}

    def numbers(width: int) -> np.ndarray:
        return generator.random((rows, width), dtype=np.float32)

    onset = numbers(wanted.subbeats)
    times = {"time_s": beat * 60 / bpm, "duration_s": 60 / bpm}
    audio = shared | times | {"mel": numbers(wanted.subbeats * layout.audio_width), "onset": onset}
    motion = shared | {"clip": song, "split": np.full(rows, "train")}
    motion |= {"features": numbers(wanted.subbeats * layout.motion_width), "energy": numbers(wanted.subbeats)}
    motion["contact"] = (onset > 0.5).astype(np.float32)
    widths = {"mel": layout.audio_width, "motion": layout.motion_width}
    statistics = {f"{kind}_mean": np.full(width, 0.5, np.float32) for kind, width in widths.items()}
    statistics |= {f"{kind}_std": np.full(width, 0.3, np.float32) for kind, width in widths.items()}
    tokens = Tokens(audio, motion, statistics, layout)
    write_negatives(tokens, ["train"], wanted.window_beats, settings.negatives, negatives)
    return tokens
