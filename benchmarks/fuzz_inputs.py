"""The sound inputs of `benchmarks.fuzz`, made here: one of each kind of file that the project reads."""

import functools
import io
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from motionbeat.index import Index
from motionbeat.inference import MotionBeat, load
from motionbeat.lab import params, tables
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.labelled import nsynth
from motionbeat.lab.results.training_curves import COLUMNS
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import JOINTS, PARENTS, REST_OFFSETS
from motionbeat.search.rhythm_windows import Windows
from motionbeat.tokens.layout import Layout

ROOT = Path(__file__).parents[1]
_RATE = 8_000
_FRAMES = 24


def tone(kind: str) -> bytes:
    buffer = io.BytesIO()
    time = np.arange(_RATE) / _RATE
    soundfile.write(buffer, 0.3 * np.sin(2 * np.pi * 330 * time) * (time % 0.25 < 0.05), _RATE, format=kind)
    return buffer.getvalue()


def aac(kind: str) -> bytes:
    """The tone as PyAV writes it; kind: `ipod` (m4a) or `adts` (aac)."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream("aac", rate=_RATE, layout="mono")
        samples, _ = soundfile.read(io.BytesIO(tone("WAV")), dtype="float32")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = _RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return buffer.getvalue()


def _poses() -> tuple[np.ndarray, np.ndarray]:
    phase = np.linspace(0, 2 * np.pi, _FRAMES)[:, None, None]
    poses = 0.2 * np.sin(phase + np.arange(72).reshape(24, 3))
    return poses, np.array([0.0, 0.9, 0.0]) + 0.05 * np.sin(phase[:, 0] + np.arange(3))


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _pickle(protocol: int, **fields: Any) -> bytes:
    return pickle.dumps(fields, protocol)


def bvh() -> bytes:
    """A skeleton with SMPL's own proportions, in degrees and metres."""
    lines, closed = ["HIERARCHY"], []
    children: dict[int, list[int]] = {number: [] for number in range(-1, 24)}
    for number, parent in enumerate(PARENTS):
        children[parent].append(number)

    def joint(number: int) -> None:
        name = JOINTS[number]
        side = {"l": "L_", "r": "R_"}.get(name[0], "") if name[1:] in {other[1:] for other in JOINTS} else ""
        lines.append(f"{'ROOT' if number == 0 else 'JOINT'} {side}{name[1:] if side and number else name}")
        lines.append("{\nOFFSET " + " ".join(f"{value:.4f}" for value in REST_OFFSETS[number]))
        places = "Xposition Yposition Zposition " if number == 0 else ""
        lines.append(f"CHANNELS {6 if number == 0 else 3} {places}Zrotation Xrotation Yrotation")
        for child in children[number]:
            joint(child)
        if not children[number]:
            lines.append("End Site\n{\nOFFSET 0 0.01 0.05\n}")
        lines.append("}")
        closed.append(number)

    joint(0)
    poses, places = _poses()
    rows = np.concatenate([places, np.rad2deg(poses.reshape(_FRAMES, -1))], axis=1)
    frames = "\n".join(" ".join(f"{value:.4f}" for value in row) for row in rows)
    return "\n".join([*lines, f"MOTION\nFrames: {_FRAMES}\nFrame Time: 0.033333\n{frames}\n"]).encode()


def joints() -> bytes:
    return _npz(joints=forward_kinematics(*_poses()), poses=_poses()[0], fps=30.0)


def smplx() -> bytes:
    poses, places = _poses()
    hands = np.zeros((_FRAMES, 45))
    return _npz(
        global_orient=poses[:, 0], body_pose=poses[:, 1:22].reshape(_FRAMES, -1), transl=places, left_hand_pose=hands,
        right_hand_pose=hands, mocap_framerate=30.0,
    )  # fmt: skip


def finedance() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate([_poses()[1], np.tile([1.0, 0, 0, 0, 1, 0], (_FRAMES, 52))], axis=1))
    return buffer.getvalue()


def aist(protocol: int) -> bytes:
    poses, places = _poses()
    flat = poses.reshape(_FRAMES, 72)
    return _pickle(protocol, smpl_poses=flat, smpl_trans=places, smpl_scaling=np.ones(1), gender="neutral")


def gdance() -> bytes:
    poses, places = _poses()
    return _pickle(4, smpl_poses=poses.reshape(1, _FRAMES, 72), root_trans=places[None], meta={"a": [1, "b"]})


def own_folder() -> dict[str, bytes]:
    head = "clip,song,motion,audio,split,offset,genre,bpm,beats_per_bar,fps,up,unit,person"
    rows = [f"c{n},s{n},c{n}.npz,s{n}.wav,{split},0,house,120,4,30,y,m," for n, split in enumerate(tables.SPLITS)]
    files = {f"c{n}.npz": joints() for n in range(3)} | {f"s{n}.wav": tone("WAV") for n in range(3)}
    return files | {"clips.csv": "\n".join([head, *rows, ""]).encode()}


def columns(schema: Any, count: int = 6) -> bytes:
    made: dict[str, Any] = {}
    for field in schema:
        kind = str(field.type)
        if kind.startswith("list"):
            made[field.name] = np.linspace(0, 1, count * 4, dtype=np.float32).reshape(count, 4)
        elif kind == "string":
            made[field.name] = [f"name{n // 2}" for n in range(count)]
        elif kind == "bool":
            made[field.name] = [True] * count
        else:
            made[field.name] = [n if kind == "int32" else n + 0.5 for n in range(count)]
    with tempfile.TemporaryDirectory() as place:
        tables.write(Path(place) / "a.parquet", schema, made)
        return (Path(place) / "a.parquet").read_bytes()


@functools.cache
def layout() -> Layout:
    return Layout(
        subbeats=2, mel_bands=8, motion_width=12, rotation_start=6, motion_fps=30.0, contact_speed=0.3,
        contact_height=0.05, window_beats=4,
    )  # fmt: skip


def _saved(model: Any) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        model.save(place)
        return {path.name: path.read_bytes() for path in Path(place).iterdir()}


def model() -> dict[str, bytes]:
    import attrs

    settings = params.load(ROOT / "params.yaml").model
    small = attrs.evolve(
        settings, width=params.Count(16), layers=params.Count(1), heads=params.Count(2), embedding=params.Count(16)
    )
    return _saved(DualEncoder(ModelConfig.of(small, layout())))


@functools.cache
def loaded() -> MotionBeat:
    with tempfile.TemporaryDirectory() as place:
        for name, data in model().items():
            (Path(place) / name).write_bytes(data)
        return load(place)


def windows() -> Windows:
    vectors = np.random.default_rng(0).normal(size=(12, 16))
    times = np.arange(12)[:, None] * 0.5 + np.array([0.0, 2.0])
    return Windows(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), times, 120.0, 4)


def library() -> dict[str, bytes]:
    index = Index(loaded(), "librosa")
    index.add("a.wav", windows())
    with tempfile.TemporaryDirectory() as place:
        index.save(Path(place) / "a.mbi")
        return {"a.mbi": (Path(place) / "a.mbi").read_bytes()}


def embedding() -> bytes:
    return _npz(clip=np.ones(4), tokens=np.ones((3, 4)), times=np.arange(4) * 0.5, made_by=np.array("a"))


def generator() -> dict[str, bytes]:
    config = GeneratorConfig(
        condition_width=4, width=16, layers=1, heads=2, feedforward=8, dropout=0.0, condition_layers=1, patch=5,
        aligned=False, preconditioned=False, encoder="mel", encoder_identity="0", diffusion_steps=10,
    )  # fmt: skip
    return _saved(DanceGenerator(config))


def metrics() -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in sorted((ROOT / "metrics").glob("*"))
        if path.suffix in (".json", ".csv")
    }


@functools.cache
def settings() -> params.Params:
    return params.load(ROOT / "params.yaml")


def nsynth_set() -> dict[str, bytes]:
    note = {"instrument_str": "bass_0", "instrument_family_str": "bass", "instrument_family": 0}
    files: dict[str, bytes] = {}
    for number, place in enumerate(nsynth.FOLDERS.values()):
        files[f"{place}/examples.json"] = json.dumps({f"bass_0-{number}": note}).encode()
        files[f"{place}/audio/bass_0-{number}.wav"] = tone("WAV")
    return files


def magnatagatune_set() -> dict[str, bytes]:
    tags = [f"t{n}" for n in range(50)]
    rows = ["\t".join(["clip_id", *tags, "mp3_path"])]
    rows += ["\t".join([str(n), *["1"] * 50, f"{letter}/a-0-29.mp3"]) for n, letter in enumerate("0cd")]
    return {"annotations_final.csv": "\n".join(rows).encode()} | {f"{c}/a-0-29.mp3": b"x" for c in "0cd"}


def emomusic_set() -> dict[str, bytes]:
    artists = "abcdefghij"  # of which some are validation by their hash
    info = "song_id,Artist,Mediaeval 2013 set\n" + "".join(
        f"{n},{name},development\n" for n, name in enumerate(artists, 2)
    )
    info += "1,z,evaluation\n"
    ratings = "song_id,mean_arousal,mean_valence\n" + "".join(f"{n},5.5,4\n" for n in range(1, 12))
    return {"songs_info.csv": info.encode(), "static_annotations.csv": ratings.encode()} | {
        f"clips_45seconds/{n}.mp3": b"x" for n in range(1, 12)
    }


def pairs() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number in range(1, 4):
        points = np.random.default_rng(number).normal(size=(30, 23, 3)).round(2).tolist()
        there = f"DANCE_C_{10 + number}"
        files[f"{there}/skeletons.json"] = json.dumps({"skeletons": points, "center": [[0, 90, 0]] * 30}).encode()
        files[f"{there}/config.json"] = b'{"start_position": 0, "end_position": 30}'
        files[f"{there}/audio.wav"] = b"x"
    return files


def lists() -> dict[str, bytes]:
    name = "gBR_sBM_cAll_d04_mBR{}_ch0{}"
    files = {f"motions/{name.format(n, n + 1)}.pkl": b"x" for n in range(3)} | {
        f"wav/mBR{n}.wav": b"x" for n in range(3)
    }
    for number, split in enumerate(tables.SPLITS):
        files[f"splits/crossmodal_{split}.txt"] = name.format(number, number + 1).encode() + b"\n"
    return files | {"ignore_list.txt": b"\n"}


def history() -> bytes:
    names = sorted(COLUMNS)
    return f"{','.join(names)}\n{','.join('1' for _ in names)}\n".encode()
