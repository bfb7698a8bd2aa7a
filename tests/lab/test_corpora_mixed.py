"""A mix of corpora: names do not collide, leaks are found across corpora, and figures come by source and together."""

import csv
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve
from rhythm_songs import pattern_song
from ruamel.yaml import YAML
from training_parts import CPU, K, tiny, write_negatives

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import quality
from motionbeat.lab.corpora.manifest import write_corpus
from motionbeat.lab.corpora.read_corpus import read_corpus
from motionbeat.lab.params import Params
from motionbeat.lab.synthetic import made_music
from motionbeat.lab.synthetic.plan import SAMPLE_RATE, tempo
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batch_order import by_source
from motionbeat.lab.training.batches import Batches

ROOT = Path(__file__).parents[2]
NAMES = ["mBR60", "mBR6000", "mBR9000"]
"""Of the synthetic corpus's own songs, one in each split."""
COUNTS = {"songs": 1, "val_songs": 1, "test_songs": 1, "clips_per_song": 1, "clip_beats": 32, "dancers": 1}
MIX = ["synthetic", "choreographed"]


def own_songs(folder: Path, seed: int | None = None) -> Path:
    """The first half of songs of the synthetic corpus, made from a seed, or clicks, with their beats beside them."""
    folder.mkdir()
    for number, name in enumerate(NAMES):
        path = folder / f"{name}.wav"
        if seed is None:
            pattern_song(path, number, tempo(name))
        else:
            samples = made_music.render(seed, name, rhythm(seed, name, [4]))
            soundfile.write(path, samples[: round(32 * 60 / tempo(name) * SAMPLE_RATE)], SAMPLE_RATE, subtype="PCM_16")
        lines = [f"{beat * 60 / tempo(name):.6f}\t{beat % 4 + 1}\n" for beat in range(32)]
        path.with_suffix(".beats").write_text("".join(lines))
    return folder


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "1")
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_mix_goes_through_the_pipeline_and_is_reported_by_source_and_together(alone: Path) -> None:
    values = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    values["corpus"] |= COUNTS | {"name": MIX, "songs_root": str(own_songs(alone / "songs")), "held_out_songs": 1}
    values["model"] |= {"width": 16, "layers": 1, "heads": 2, "embedding": 16}
    values["tokens"]["lattices"] = 1
    values["train"] |= {"epochs": 1, "batch": 4, "shares": {"synthetic": 0.75, "choreographed": 0.25}}
    values["retrieve"] |= {"bootstrap": 20, "head_epochs": 1}
    values["encoders"]["names"] = ["motionbeat"]
    YAML(typ="safe", pure=True).dump(values, Path("params.yaml"))
    for stage in ("corpus", "beats", "tokens", "negatives", "train", "retrieve"):
        importlib.import_module(f"stages.{stage}").main()

    manifest = tables.read(Path("data/corpus/manifest.parquet"), tables.MANIFEST)
    sources = tables.read_sources(Path("data/tokens"))
    assert sources == {song: song.partition(".")[0] for song in manifest["song"].tolist()}
    own = {song.partition(".")[2] for song, source in sources.items() if source == "choreographed"}
    made = {song.partition(".")[2] for song, source in sources.items() if source == "synthetic"}
    assert own == made == set(NAMES), "the same names in both corpora"

    trained = json.loads(Path("metrics/train.json").read_text())
    assert {f"val_nll_music_to_motion{end}" for end in ("", "_synthetic", "_choreographed")} <= set(trained)
    with Path("metrics/retrieve_table.csv").open() as file:
        rows = {(row["task"], row["row"], row["metric"]): row for row in csv.DictReader(file)}
    for protocol in ("win", "slice", "seq"):
        task = f"{protocol}.motion_to_music"
        together, *parts = (rows[f"{task}{end}", "model", "r1"] for end in ("", ".synthetic", ".choreographed"))
        assert int(together["n"]) == sum(int(part["n"]) for part in parts)
        assert float(together["value"]) <= max(float(part["value"]) for part in parts)
    about = json.loads(Path("metrics/retrieve_about.json").read_text())
    assert set(about["sizes_by_source"]) == set(MIX)


def test_a_recording_that_two_corpora_hold_in_different_splits_is_refused(alone: Path, settings: Params) -> None:
    songs = own_songs(alone / "songs", settings.corpus.seed)  # the synthetic corpus's very songs
    wanted = evolve(settings.corpus, name=MIX, songs_root=str(songs), held_out_songs=1, **COUNTS)
    folder = alone / "corpus"
    corpus = read_corpus(wanted, folder, settings.beats)
    splits = {(clip.song.partition(".")[2], clip.split) for clip in corpus.clips}
    assert len({song for song, _ in splits}) < len(splits), "some song is in two splits"
    write_corpus(corpus, folder)
    with pytest.raises(MotionBeatError, match=r"songs choreographed\.m\w+ .*synthetic\.m.* are the same recording"):
        quality.check(corpus, folder, wanted.checks, strict=False)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_source_has_its_share_of_an_epoch_and_its_clips_stand_there_equally_often(share: float) -> None:
    source = np.array(["a"] * 30 + ["b"] * 10, object)
    drawn = by_source(source, {"a": share, "b": 1 - share}, np.random.default_rng(0))
    assert len(drawn) == 40 and (source[drawn] == "a").sum() == round(40 * share)
    for name in "ab":
        counts = np.bincount(drawn, minlength=40)[source == name]
        assert np.ptp(counts) <= 1


def test_shares_of_an_epoch_are_those_of_its_batches_and_none_are_drawn_without(
    token_folder: Path, settings: Params, tmp_path: Path
) -> None:
    tokens = Tokens.load(token_folder)
    songs = np.unique(tokens.motion["song"]).tolist()
    mix = evolve(tokens, sources={song: "a" if song == "train0" else "b" for song in songs})
    batches = Batches(mix, write_negatives(tokens, settings, tmp_path), "train", K, CPU)

    def clips(shares: dict[str, float] | None) -> list[str]:
        drawn = batches.epoch(6, 0, 0, np.random.default_rng(1), shares=shares)
        return [clip for batch in drawn for clip in batch.clips]

    assert sum(clip.startswith("train0") for clip in clips({"a": 0.5, "b": 0.5})) == 9
    assert clips({}) == clips(None)
    with pytest.raises(MotionBeatError, match=r"train\.shares gives c 0\.5, but no training clip is from c"):
        clips({"b": 0.5, "c": 0.5})


def test_validation_by_source_is_that_of_the_source_alone(token_folder: Path, settings: Params, tmp_path: Path) -> None:
    tokens = Tokens.load(token_folder)
    mix = evolve(tokens, sources={"val0": "a", "val1": "b", "val2": "b"})
    only = np.isin(tokens.motion["song"], ["val1", "val2"])
    part = evolve(tokens, motion={name: values[only] for name, values in tokens.motion.items()})
    model = tiny(settings, tokens).eval()

    def validated(of: Tokens, folder: Path) -> dict[str, float]:
        folder.mkdir()
        batches = Batches(of, write_negatives(of, settings, folder, ("val",)), "val", K, CPU)
        return Validation(of, batches, settings.loss.temperature)(model)

    whole, alone = validated(mix, tmp_path / "mix"), validated(part, tmp_path / "part")
    names = [name for name in alone if name.startswith("val_") or name == "jitter_accuracy"]
    assert len(names) == 5
    for name in names:
        assert whole[f"{name}_b"] == pytest.approx(alone[name], abs=1e-5)
    assert whole["val_nll_music_to_motion"] != whole["val_nll_music_to_motion_b"]


def test_each_corpus_of_a_mix_has_a_folder_below_the_root(alone: Path) -> None:
    loaded = params.load(ROOT / "params.yaml")
    wanted = evolve(loaded.corpus, name=["folder"], root="mine")
    with pytest.raises(MotionBeatError, match=r"mine/folder"):
        read_corpus(wanted, alone, loaded.beats)
