"""The readers that `benchmarks.fuzz` tries, each with a sound input of its own that is made here."""

import contextlib
import functools
import io
import json
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from attrs import asdict, frozen

from motionbeat.audio import decode
from motionbeat.beats.beats_text import read_beats
from motionbeat.cli.embed_files import embedded_before
from motionbeat.errors import MotionBeatError
from motionbeat.index import Index
from motionbeat.inference import MotionBeat, load
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import aistpp, dance_with_melody, folder, formats
from motionbeat.lab.corpora.acquisition.ledger import Ledger
from motionbeat.lab.corpora.aistpp import aistpp_reader
from motionbeat.lab.corpora.formats import Hints
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.item_cache import entry_content, read_entry
from motionbeat.lab.labelled import emomusic, gtzan, magnatagatune, nsynth
from motionbeat.lab.results.__main__ import print_results
from motionbeat.lab.results.training_curves import COLUMNS, read_history
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import JOINTS, PARENTS, REST_OFFSETS
from motionbeat.search.piece_files import pieces_of
from motionbeat.search.rhythm_windows import Windows
from motionbeat.tokens.layout import Layout

ROOT = Path(__file__).parents[1]
_RATE = 8_000
_FRAMES = 24


@frozen
class Target:
    """A reader of a folder that holds the sound input, in which a file that `mutates` accepts was changed."""

    name: str
    read: Callable[[Path], Any]
    make: Callable[[], dict[str, bytes]]
    mutates: Callable[[str], bool] = lambda name: True


def seeds() -> dict[str, dict[str, bytes]]:
    """By target the files of its sound input."""
    return {target.name: target.make() for target in TARGETS}


def _tone(kind: str) -> bytes:
    buffer = io.BytesIO()
    time = np.arange(_RATE) / _RATE
    soundfile.write(buffer, 0.3 * np.sin(2 * np.pi * 330 * time) * (time % 0.25 < 0.05), _RATE, format=kind)
    return buffer.getvalue()


def _aac(kind: str) -> bytes:
    """The tone as PyAV writes it; kind: `ipod` (m4a) or `adts` (aac)."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream("aac", rate=_RATE, layout="mono")
        samples, _ = soundfile.read(io.BytesIO(_tone("WAV")), dtype="float32")
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


def _bvh() -> bytes:
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


def _motion(name: str, data: Callable[[], bytes], hints: Hints | None = None) -> Target:
    suffix = name.partition("_")[0]
    file = f"a.{ {'pickle': 'pkl', 'npy': 'npy', 'bvh': 'bvh'}.get(suffix, 'npz') }"
    return Target(name, lambda at: formats.read_motion(at / file, hints), lambda: {file: data()})


def _joints() -> bytes:
    return _npz(joints=forward_kinematics(*_poses()), poses=_poses()[0], fps=30.0)


def _smplx() -> bytes:
    poses, places = _poses()
    hands = np.zeros((_FRAMES, 45))
    return _npz(
        global_orient=poses[:, 0], body_pose=poses[:, 1:22].reshape(_FRAMES, -1), transl=places, left_hand_pose=hands,
        right_hand_pose=hands, mocap_framerate=30.0,
    )  # fmt: skip


def _finedance() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate([_poses()[1], np.tile([1.0, 0, 0, 0, 1, 0], (_FRAMES, 52))], axis=1))
    return buffer.getvalue()


def _aist(protocol: int) -> bytes:
    poses, places = _poses()
    flat = poses.reshape(_FRAMES, 72)
    return _pickle(protocol, smpl_poses=flat, smpl_trans=places, smpl_scaling=np.ones(1), gender="neutral")


def _gdance() -> bytes:
    poses, places = _poses()
    return _pickle(4, smpl_poses=poses.reshape(1, _FRAMES, 72), root_trans=places[None], meta={"a": [1, "b"]})


def _own_folder() -> dict[str, bytes]:
    head = "clip,song,motion,audio,split,offset,genre,bpm,beats_per_bar,fps,up,unit,person"
    rows = [f"c{n},s{n},c{n}.npz,s{n}.wav,{split},0,house,120,4,30,y,m," for n, split in enumerate(tables.SPLITS)]
    files = {f"c{n}.npz": _joints() for n in range(3)} | {f"s{n}.wav": _tone("WAV") for n in range(3)}
    return files | {"clips.csv": "\n".join([head, *rows, ""]).encode()}


def _columns(schema: Any, count: int = 6) -> bytes:
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


def _table(name: str, schema: Any) -> Target:
    return Target(
        f"parquet_{name}", lambda at: tables.read(at / "a.parquet", schema), lambda: {"a.parquet": _columns(schema)}
    )


@functools.cache
def _layout() -> Layout:
    return Layout(
        subbeats=2, mel_bands=8, motion_width=12, rotation_start=6, motion_fps=30.0, contact_speed=0.3,
        contact_height=0.05, window_beats=4,
    )  # fmt: skip


def _saved(model: Any) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        model.save(place)
        return {path.name: path.read_bytes() for path in Path(place).iterdir()}


def _model() -> dict[str, bytes]:
    import attrs

    settings = params.load(ROOT / "params.yaml").model
    small = attrs.evolve(
        settings, width=params.Count(16), layers=params.Count(1), heads=params.Count(2), embedding=params.Count(16)
    )
    return _saved(DualEncoder(ModelConfig.of(small, _layout())))


@functools.cache
def _loaded() -> MotionBeat:
    with tempfile.TemporaryDirectory() as place:
        for name, data in _model().items():
            (Path(place) / name).write_bytes(data)
        return load(place)


def _windows() -> Windows:
    vectors = np.random.default_rng(0).normal(size=(12, 16))
    times = np.arange(12)[:, None] * 0.5 + np.array([0.0, 2.0])
    return Windows(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), times, 120.0, 4)


def _library() -> dict[str, bytes]:
    index = Index(_loaded(), "librosa")
    index.add("a.wav", _windows())
    with tempfile.TemporaryDirectory() as place:
        index.save(Path(place) / "a.mbi")
        return {"a.mbi": (Path(place) / "a.mbi").read_bytes()}


def _search(at: Path) -> None:
    Index.open(at / "a.mbi", _loaded()).match([_windows()], tempo="any")


def _embedding() -> bytes:
    return _npz(clip=np.ones(4), tokens=np.ones((3, 4)), times=np.arange(4) * 0.5, made_by=np.array("a"))


def _generator() -> dict[str, bytes]:
    config = GeneratorConfig(
        condition_width=4, width=16, layers=1, heads=2, feedforward=8, dropout=0.0, condition_layers=1, patch=5,
        aligned=False, preconditioned=False, encoder="mel", encoder_identity="0", diffusion_steps=10,
    )  # fmt: skip
    return _saved(DanceGenerator(config))


def _metrics() -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in sorted((ROOT / "metrics").glob("*"))
        if path.suffix in (".json", ".csv")
    }


def _results(at: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        print_results(_settings(), at)


@functools.cache
def _settings() -> params.Params:
    return params.load(ROOT / "params.yaml")


def _nsynth() -> dict[str, bytes]:
    note = {"instrument_str": "bass_0", "instrument_family_str": "bass", "instrument_family": 0}
    files: dict[str, bytes] = {}
    for number, place in enumerate(nsynth.FOLDERS.values()):
        files[f"{place}/examples.json"] = json.dumps({f"bass_0-{number}": note}).encode()
        files[f"{place}/audio/bass_0-{number}.wav"] = _tone("WAV")
    return files


def _magnatagatune() -> dict[str, bytes]:
    tags = [f"t{n}" for n in range(50)]
    rows = ["\t".join(["clip_id", *tags, "mp3_path"])]
    rows += ["\t".join([str(n), *["1"] * 50, f"{letter}/a-0-29.mp3"]) for n, letter in enumerate("0cd")]
    return {"annotations_final.csv": "\n".join(rows).encode()} | {f"{c}/a-0-29.mp3": b"x" for c in "0cd"}


def _emomusic() -> dict[str, bytes]:
    artists = "abcdefghij"  # of which some are validation by their hash
    info = "song_id,Artist,Mediaeval 2013 set\n" + "".join(
        f"{n},{name},development\n" for n, name in enumerate(artists, 2)
    )
    info += "1,z,evaluation\n"
    ratings = "song_id,mean_arousal,mean_valence\n" + "".join(f"{n},5.5,4\n" for n in range(1, 12))
    return {"songs_info.csv": info.encode(), "static_annotations.csv": ratings.encode()} | {
        f"clips_45seconds/{n}.mp3": b"x" for n in range(1, 12)
    }


def _pairs() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number in range(1, 4):
        points = np.random.default_rng(number).normal(size=(30, 23, 3)).round(2).tolist()
        there = f"DANCE_C_{10 + number}"
        files[f"{there}/skeletons.json"] = json.dumps({"skeletons": points, "center": [[0, 90, 0]] * 30}).encode()
        files[f"{there}/config.json"] = b'{"start_position": 0, "end_position": 30}'
        files[f"{there}/audio.wav"] = b"x"
    return files


def _read_pairs(at: Path) -> None:
    for clip in dance_with_melody.read(at).clips:
        clip.read()


def _lists() -> dict[str, bytes]:
    name = "gBR_sBM_cAll_d04_mBR{}_ch0{}"
    files = {f"motions/{name.format(n, n + 1)}.pkl": b"x" for n in range(3)} | {
        f"wav/mBR{n}.wav": b"x" for n in range(3)
    }
    for number, split in enumerate(tables.SPLITS):
        files[f"splits/crossmodal_{split}.txt"] = name.format(number, number + 1).encode() + b"\n"
    return files | {"ignore_list.txt": b"\n"}


def _history() -> bytes:
    names = sorted(COLUMNS)
    return f"{','.join(names)}\n{','.join('1' for _ in names)}\n".encode()


def _only(*endings: str) -> Callable[[str], bool]:
    return lambda name: name.endswith(endings)


TARGETS = (
    *(
        Target(f"audio_{kind.lower()}",
               functools.partial(lambda file, at: decode.load(at / file, 22_050), f"a.{kind.lower()}"),
               functools.partial(lambda kind, file: {file: _tone(kind)}, kind, f"a.{kind.lower()}"))
        for kind in ("WAV", "FLAC", "OGG", "MP3", "AU", "AIFF")
    ),
    *(
        Target(f"audio_{suffix}",
               functools.partial(lambda file, at: decode.load(at / file, 22_050), f"a.{suffix}"),
               functools.partial(lambda kind, file: {file: _aac(kind)}, kind, f"a.{suffix}"))
        for suffix, kind in (("m4a", "ipod"), ("aac", "adts"))
    ),
    Target("library", _search, _library),
    Target("piece_files", pieces_of, lambda: {"a.npz": _embedding(), "b.wav": b"x"}, _only(".npz")),
    Target("embedding", lambda at: embedded_before(at / "a.npz"), lambda: {"a.npz": _embedding()}),
    *(_motion(f"pickle_aist_{protocol}", functools.partial(_aist, protocol)) for protocol in (0, 2, 5)),
    _motion("pickle_gdance", _gdance, Hints(fps=30.0, person=0)),
    Target("pickle_official", lambda at: aistpp.read_motion(at / "a.pkl"), lambda: {"a.pkl": _aist(4)}),
    _motion("npz_joints", _joints),
    _motion("npz_smplx", _smplx),
    _motion("npy_finedance", _finedance),
    _motion("bvh", _bvh),
    Target("clips_csv", folder.check, _own_folder, _only(".csv")),
    Target("aistpp_lists", aistpp_reader.read, _lists, _only(".txt")),
    Target("dance_with_melody", _read_pairs, _pairs, _only(".json")),
    *(
        _table(name, schema)
        for name, schema in (
            ("manifest", tables.MANIFEST), ("beats", tables.BEATS), ("audio", tables.AUDIO_TOKENS),
            ("motion", tables.MOTION_TOKENS), ("statistics", tables.STATISTICS), ("tempo", tables.TEMPO_NEGATIVES),
        )
    ),
    Target("params", lambda at: params.load(at / "params.yaml"),
           lambda: {"params.yaml": (ROOT / "params.yaml").read_bytes()}),
    Target("model_folder", DualEncoder.load, _model),
    Target("generator_folder", DanceGenerator.load, _generator),
    Target("layout", lambda at: Layout.read(at / "layout.json"),
           lambda: {"layout.json": json.dumps(asdict(_layout())).encode()}),
    Target("results", _results, _metrics),
    Target("history", lambda at: read_history(at / "a.csv"), lambda: {"a.csv": _history()}),
    Target("ledger", lambda at: Ledger(at / "a.json").expected("a"),
           lambda: {"a.json": json.dumps({"a": {"bytes": 1, "sha256": "0" * 64, "url": "x"}}).encode()}),
    Target("cache", lambda at: read_entry(at / "a.kept"),
           lambda: {"a.kept": entry_content({"times": np.array([0.5, 1.0, 1.5]), "downbeats": True})}),
    Target("gtzan_beats", lambda at: gtzan.beats_of(at / "a.beats"), lambda: {"a.beats": b"0.5\t1\n1.0\t2\n1.5\t3\n"}),
    Target("beats_text", lambda at: read_beats(at / "a.beats"), lambda: {"a.beats": b"0.5 1\n1.0 2\n1.5 3\n"}),
    Target("nsynth", nsynth.read, _nsynth, _only(".json")),
    Target("magnatagatune", magnatagatune.read, _magnatagatune, _only(".csv")),
    Target("emomusic", emomusic.read, _emomusic, _only(".csv")),
)  # fmt: skip


def check_sound(at: Path) -> list[str]:
    """The targets whose sound input is refused, with the reason: there should be none."""
    wrong = []
    for target in TARGETS:
        place = at / target.name
        for name, data in target.make().items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
        try:
            target.read(place)
        except MotionBeatError as error:
            wrong.append(f"{target.name}: {error}")
    return wrong
