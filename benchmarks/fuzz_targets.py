"""The readers that `benchmarks.fuzz` tries, each with a sound input of its own."""

import contextlib
import functools
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, frozen

from benchmarks import fuzz_inputs as made
from motionbeat.audio import decode
from motionbeat.beats.beats_text import read_beats
from motionbeat.cli.embed_files import embedded_before
from motionbeat.errors import MotionBeatError
from motionbeat.index import Index
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import aistpp, dance_with_melody, folder, formats
from motionbeat.lab.corpora.acquisition.ledger import Ledger
from motionbeat.lab.corpora.aistpp import aistpp_reader
from motionbeat.lab.corpora.formats import Hints
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.item_cache import entry_content, read_entry
from motionbeat.lab.labelled import emomusic, gtzan, magnatagatune, nsynth
from motionbeat.lab.results.__main__ import print_results
from motionbeat.lab.results.training_curves import read_history
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.search.piece_files import pieces_of
from motionbeat.tokens.layout import Layout


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


def _motion(name: str, data: Callable[[], bytes], hints: Hints | None = None) -> Target:
    suffix = name.partition("_")[0]
    file = f"a.{ {'pickle': 'pkl', 'npy': 'npy', 'bvh': 'bvh'}.get(suffix, 'npz') }"
    return Target(name, lambda at: formats.read_motion(at / file, hints), lambda: {file: data()})


def _table(name: str, schema: Any) -> Target:
    return Target(
        f"parquet_{name}", lambda at: tables.read(at / "a.parquet", schema), lambda: {"a.parquet": made.columns(schema)}
    )


def _search(at: Path) -> None:
    Index.open(at / "a.mbi", made.loaded()).match([made.windows()], tempo="any")


def _results(at: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        print_results(made.settings(), at)


def _read_pairs(at: Path) -> None:
    for clip in dance_with_melody.read(at).clips:
        clip.read()


def _only(*endings: str) -> Callable[[str], bool]:
    return lambda name: name.endswith(endings)


TARGETS = (
    *(
        Target(f"audio_{kind.lower()}",
               functools.partial(lambda file, at: decode.load(at / file, 22_050), f"a.{kind.lower()}"),
               functools.partial(lambda kind, file: {file: made.tone(kind)}, kind, f"a.{kind.lower()}"))
        for kind in ("WAV", "FLAC", "OGG", "MP3", "AU", "AIFF")
    ),
    *(
        Target(f"audio_{suffix}",
               functools.partial(lambda file, at: decode.load(at / file, 22_050), f"a.{suffix}"),
               functools.partial(lambda kind, file: {file: made.aac(kind)}, kind, f"a.{suffix}"))
        for suffix, kind in (("m4a", "ipod"), ("aac", "adts"))
    ),
    Target("library", _search, made.library),
    Target("piece_files", pieces_of, lambda: {"a.npz": made.embedding(), "b.wav": b"x"}, _only(".npz")),
    Target("embedding", lambda at: embedded_before(at / "a.npz"), lambda: {"a.npz": made.embedding()}),
    *(_motion(f"pickle_aist_{protocol}", functools.partial(made.aist, protocol)) for protocol in (0, 2, 5)),
    _motion("pickle_gdance", made.gdance, Hints(fps=30.0, person=0)),
    Target("pickle_official", lambda at: aistpp.read_motion(at / "a.pkl"), lambda: {"a.pkl": made.aist(4)}),
    _motion("npz_joints", made.joints),
    _motion("npz_smplx", made.smplx),
    _motion("npy_finedance", made.finedance),
    _motion("bvh", made.bvh),
    Target("clips_csv", folder.check, made.own_folder, _only(".csv")),
    Target("aistpp_lists", aistpp_reader.read, made.lists, _only(".txt")),
    Target("dance_with_melody", _read_pairs, made.pairs, _only(".json")),
    *(
        _table(name, schema)
        for name, schema in (
            ("manifest", tables.MANIFEST), ("beats", tables.BEATS), ("audio", tables.AUDIO_TOKENS),
            ("motion", tables.MOTION_TOKENS), ("statistics", tables.STATISTICS), ("tempo", tables.TEMPO_NEGATIVES),
        )
    ),
    Target("params", lambda at: params.load(at / "params.yaml"),
           lambda: {"params.yaml": (made.ROOT / "params.yaml").read_bytes()}),
    Target("model_folder", DualEncoder.load, made.model),
    Target("generator_folder", DanceGenerator.load, made.generator),
    Target("layout", lambda at: Layout.read(at / "layout.json"),
           lambda: {"layout.json": json.dumps(asdict(made.layout())).encode()}),
    Target("results", _results, made.metrics),
    Target("history", lambda at: read_history(at / "a.csv"), lambda: {"a.csv": made.history()}),
    Target("ledger", lambda at: Ledger(at / "a.json").expected("a"),
           lambda: {"a.json": json.dumps({"a": {"bytes": 1, "sha256": "0" * 64, "url": "x"}}).encode()}),
    Target("cache", lambda at: read_entry(at / "a.kept"),
           lambda: {"a.kept": entry_content({"times": np.array([0.5, 1.0, 1.5]), "downbeats": True})}),
    Target("gtzan_beats", lambda at: gtzan.beats_of(at / "a.beats"), lambda: {"a.beats": b"0.5\t1\n1.0\t2\n1.5\t3\n"}),
    Target("beats_text", lambda at: read_beats(at / "a.beats"), lambda: {"a.beats": b"0.5 1\n1.0 2\n1.5 3\n"}),
    Target("nsynth", nsynth.read, made.nsynth_set, _only(".json")),
    Target("magnatagatune", magnatagatune.read, made.magnatagatune_set, _only(".csv")),
    Target("emomusic", emomusic.read, made.emomusic_set, _only(".csv")),
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
