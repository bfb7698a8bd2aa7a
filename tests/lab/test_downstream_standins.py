"""The synthesised stand-ins: read by the real readers, the same bytes again, labels that can be heard, and no more."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from motionbeat.audio import decode
from motionbeat.errors import MotionBeatError
from motionbeat.lab import labelled, registry
from motionbeat.lab.labelled import gtzan
from motionbeat.lab.labelled.emomusic import official_split
from motionbeat.lab.labelled.labelled_set import LabelledSet
from motionbeat.lab.standins import (
    band,
    made_emomusic,
    made_gtzan,
    made_magnatagatune,
    made_nsynth,
    tags,
    voices,
)
from motionbeat.lab.standins.write_standins import generate
from motionbeat.lab.synthetic.plan import stream

COUNTS = {
    "gtzan": (30, 10, 20),
    "magnatagatune": (57, 19, 38),
    "nsynth": (66, 20, 30),
    "emomusic": (48, 12, 15),
}
SPLITS = ("train", "val", "test")


@pytest.fixture
def hush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything as it is but the sound: 0.2 s of a tone, so that a whole set is made in a second."""
    short = 0.1 * np.sin(np.arange(4410) / 10).astype(np.float32)
    monkeypatch.setattr(band, "perform", lambda rng, piece: short)
    monkeypatch.setattr(made_nsynth, "render", lambda seed, planned: short)


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.usefixtures("hush")
@pytest.mark.parametrize("name", registry.names("data set"))
def test_a_stand_in_is_read_by_the_real_reader_and_says_that_it_is_one(tmp_path: Path, name: str) -> None:
    generate(tmp_path / name, name, 0)
    found = labelled.read(name, tmp_path / name)
    assert tuple(len(found.of(split)) for split in SPLITS) == COUNTS[name]
    assert not found.left_out
    assert all(len(decode.load(item.audio, 16_000)) > 3000 for item in found.items[::25])
    readme = (tmp_path / name / "README.txt").read_text()
    assert "say nothing about music" in readme and f"has {sum(COUNTS[name])} synthetic" in readme
    groups = [{item.group for item in found.of(split)} for split in SPLITS]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


@pytest.mark.usefixtures("hush")
def test_the_stand_in_of_gtzan_has_beats_for_every_clip_and_some_bars_of_three(tmp_path: Path) -> None:
    generate(tmp_path / "gtzan", "gtzan", 3)
    found = gtzan.read_beats(tmp_path / "gtzan")
    assert len(found.items) == sum(COUNTS["gtzan"])
    bars = {item.name: int(item.label.positions.max()) for item in found.items}
    assert set(bars.values()) == {3, 4}
    for item in found.items:
        gaps, steps = np.diff(item.label.times), np.diff(item.label.positions)
        np.testing.assert_allclose(gaps, gaps.mean(), atol=2e-3)  # times are written in milliseconds
        assert set(steps.tolist()) == {1, 1 - bars[item.name]}


@pytest.mark.parametrize("name", ["gtzan", "magnatagatune", "nsynth", "emomusic"])
def test_bytes_depend_on_the_seed_and_not_on_workers(tmp_path: Path, name: str, monkeypatch) -> None:
    module = {
        "gtzan": made_gtzan,
        "magnatagatune": made_magnatagatune,
        "nsynth": made_nsynth,
        "emomusic": made_emomusic,
    }[name]
    everything = module.plan(0) if name == "nsynth" else module.plan()
    monkeypatch.setattr(module, "plan", lambda *seed: everything[::-1][:2])
    made = {}
    for folder, seed, workers in (("one", 0, "1"), ("two", 0, "2"), ("other", 1, "1")):
        monkeypatch.setenv("MOTIONBEAT_WORKERS", workers)
        generate(tmp_path / folder, name, seed)
        made[folder] = digest(tmp_path / folder)
    assert made["one"] == made["two"]
    heard = [path for path in made["one"] if Path(path).suffix in (".mp3", ".wav", ".flac")]
    assert len(heard) == 2 and all(made["one"][path] != made["other"][path] for path in heard)


def test_nothing_is_left_of_a_stand_in_that_could_not_be_finished(tmp_path: Path, monkeypatch) -> None:
    def fail(*_) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(made_nsynth, "render", fail)
    with pytest.raises(OSError, match="disk full"):
        generate(tmp_path / "nsynth", "nsynth", 0)
    assert not list(tmp_path.iterdir())


def test_an_unknown_stand_in_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match="'fma' is unknown; expected one of gtzan"):
        generate(tmp_path / "fma", "fma", 0)


# What is heard


@pytest.mark.parametrize("name", sorted(voices.VOICES))
def test_every_voice_plays_the_pitch_it_is_asked_for(name: str) -> None:
    voice = evolve(voices.VOICES[name], breath=0.0, vibrato=0.0, detune=0.0)
    wave = voices.note(stream(0, name), voice, 60, 1.0)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 4 * len(wave)))
    hertz = np.fft.rfftfreq(4 * len(wave), 1 / voices.RATE)
    fundamental = (hertz > 245) & (hertz < 280)
    found = hertz[fundamental][spectrum[fundamental].argmax()]
    assert found == pytest.approx(440 * 2 ** (-9 / 12), abs=0.6)
    assert spectrum[fundamental].max() > 10 * np.median(spectrum[fundamental])


def test_a_note_has_the_peak_of_its_velocity_ends_in_silence_and_is_brighter_when_hit_harder() -> None:
    def centroid(wave: voices.Sound) -> float:
        power = np.abs(np.fft.rfft(wave)) ** 2
        return float((power * np.fft.rfftfreq(len(wave), 1 / voices.RATE)).sum() / power.sum())

    soft, hard = (voices.note(stream(0, "a"), voices.VOICES["piano"], 60, 1.0, level) for level in (0.2, 1.0))
    assert np.abs(soft).max() == pytest.approx(0.2) and np.abs(hard).max() == pytest.approx(1.0)
    assert np.abs(hard[-20:]).max() < 1e-3
    assert centroid(hard) > 1.05 * centroid(soft)


def test_onsets_of_a_drummed_clip_stand_on_the_beats_that_are_written_down() -> None:
    import librosa

    clips = [made_gtzan.GtzanClip(genre, 0, "train") for genre in ("disco", "rock", "hiphop", "pop")]
    for clip in clips:
        piece = made_gtzan.piece(0, clip)
        wave = band.perform(stream(0, clip.name), piece)
        assert len(wave) == made_gtzan.SECONDS * voices.RATE
        assert np.abs(wave).max() == pytest.approx(piece.loudness, rel=1e-5)
        onset = librosa.onset.onset_strength(y=wave, sr=voices.RATE, hop_length=256)
        times, positions = piece.beats()
        assert positions.max() == piece.rhythm.beats_per_bar

        def near(seconds: np.ndarray, strength: np.ndarray = onset) -> float:
            frames = np.clip(np.round(seconds * voices.RATE / 256).astype(int), 2, len(strength) - 3)
            return float(np.mean([strength[frame - 2 : frame + 3].max() for frame in frames]))

        assert near(times) > 1.5 * near(times + 30 / piece.tempo / 2), clip.name


def test_no_instrument_is_in_two_splits_and_synth_leads_are_for_training_only() -> None:
    planned = made_nsynth.plan(0)
    seen = {split: {note.instrument for note in planned if note.split == split} for split in SPLITS}
    assert not (seen["train"] & seen["val"] or seen["train"] & seen["test"] or seen["val"] & seen["test"])
    assert {note.split for note in planned if note.family == "synth_lead"} == {"train"}
    assert len({note.name for note in planned}) == len(planned)


def marked(seed: int) -> tuple[list[made_magnatagatune.TaggedClip], np.ndarray]:
    clips = made_magnatagatune.plan()
    given = [made_magnatagatune.tags(seed, clip) for clip in clips]
    return clips, np.array([[tag in each for tag in tags.TAGS] for each in given])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_50_tags_of_the_task_are_the_most_frequent_and_each_split_has_each_of_them(seed: int) -> None:
    clips, marks = marked(seed)
    counts = dict(zip(tags.TAGS, marks.sum(axis=0).tolist(), strict=True))
    others = [count for tag, count in counts.items() if tag not in tags.STANDARD]
    assert min(counts[tag] for tag in tags.STANDARD) > max(others)
    standard = marks[:, [tags.TAGS.index(tag) for tag in tags.STANDARD]]
    for split in SPLITS:
        rows = standard[[clip.split == split for clip in clips]]
        assert rows.any(axis=0).all() and not rows.all(axis=0).any()


def test_listeners_overlook_tags_and_mishear_few() -> None:
    clips = [clip for clip in made_magnatagatune.plan() if not clip.careful]
    right, wrong = [], []
    for clip in clips:
        fitting, given = (
            made_magnatagatune.truth(clip, made_magnatagatune.piece(0, clip)),
            made_magnatagatune.tags(0, clip),
        )
        right.append(len(given & fitting) / len(fitting))
        wrong.append(len(given - fitting))
    assert 0.6 < np.mean(right) < 0.8 and 0.2 < np.mean(wrong) < 2


def test_the_table_of_tags_is_the_data_sets_188_and_its_50() -> None:
    assert len(tags.TAGS) == len(set(tags.TAGS)) == 188 and len(set(tags.STANDARD)) == 50
    used = {tag for names in (*tags.VOICE_TAGS.values(), *tags.STYLE_TAGS.values()) for tag in names}
    assert set(tags.STANDARD) <= set(tags.TAGS) and used <= set(tags.STANDARD)
    assert set(tags.STYLE_TAGS) == set(made_magnatagatune.SCENES)


def test_arousal_rises_with_tempo_and_loudness_and_valence_with_major_and_consonance() -> None:
    piece = evolve(made_emomusic.piece(0, made_emomusic.plan()[0]), tempo=100.0, loudness=0.3, scale="minor", clash=0.8)
    arousal, valence = made_emomusic.truth(piece)
    assert made_emomusic.truth(evolve(piece, tempo=130.0))[0] > arousal
    assert made_emomusic.truth(evolve(piece, loudness=0.6))[0] > arousal
    assert made_emomusic.truth(evolve(piece, scale="major"))[1] > valence
    assert made_emomusic.truth(evolve(piece, clash=0.0))[1] > valence


def test_annotators_disagree_about_the_same_truth() -> None:
    songs = made_emomusic.plan()
    ratings = np.array([made_emomusic.ratings(0, song) for song in songs])  # (songs, annotators, 2)
    heard = np.array([made_emomusic.truth(made_emomusic.piece(0, song)) for song in songs])
    assert ratings.min() >= 1 and ratings.max() <= 9
    assert 0.8 < ratings.std(axis=1).mean() < 1.6
    for axis in range(2):
        assert np.corrcoef(ratings.mean(axis=1)[:, axis], heard[:, axis])[0, 1] > 0.9
    splits = {song.artist: official_split(song.mediaeval_set, song.artist) for song in songs}
    assert set(splits.values()) == set(SPLITS)


# A probe


def spectral(item_path: Path) -> np.ndarray:
    """Mean and deviation of 40 log-mel bands, their mean rise, and the mean chroma."""
    import librosa

    wave = decode.load(item_path, voices.RATE)
    mel = np.log(librosa.feature.melspectrogram(y=wave, sr=voices.RATE, n_fft=1024, hop_length=512, n_mels=40) + 1e-6)
    power = np.abs(librosa.stft(wave, n_fft=4096, hop_length=2048)) ** 2
    chroma = librosa.feature.chroma_stft(S=power, sr=voices.RATE, tuning=0.0)
    return np.concatenate([mel.mean(1), mel.std(1), np.maximum(np.diff(mel, axis=1), 0).mean(1), chroma.mean(1)])


def scores(found: LabelledSet, train: np.ndarray, test: np.ndarray, targets: np.ndarray) -> list[float]:
    """Accuracy, macro ROC-AUC, or R2 of arousal and valence, of a linear probe."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(train)
    train, test, truth = scale.transform(train), scale.transform(test), found.targets("test")
    if found.kind == "classes":
        return [LogisticRegression(C=0.05, max_iter=2000).fit(train, targets).score(test, truth)]
    if found.kind == "regression":
        predicted = RidgeCV(np.logspace(0, 5, 20)).fit(train, targets).predict(test)
        return r2_score(truth, predicted, multioutput="raw_values").tolist()
    probes = [LogisticRegression(C=0.01, max_iter=500).fit(train, marks) for marks in targets.T]
    return [roc_auc_score(truth, np.array([probe.decision_function(test) for probe in probes]).T, average="macro")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "most", "chance"),
    [
        ("gtzan", [0.5], [0.97], [0.3]),
        ("magnatagatune", [0.7], [0.95], [0.62]),
        ("nsynth", [0.35], [0.95], [0.25]),
        ("emomusic", [0.4, 0.2], [0.95, 0.95], [0.15, 0.15]),
    ],
)
def test_a_probe_beats_chance_but_is_not_perfect_and_one_on_shuffled_labels_is_at_chance(
    tmp_path: Path, name: str, least: list[float], most: list[float], chance: list[float]
) -> None:
    generate(tmp_path / name, name, 0)
    found = labelled.read(name, tmp_path / name)
    train, test = (np.array([spectral(item.audio) for item in found.of(split)]) for split in ("train", "test"))
    targets = found.targets("train")
    for low, score, high in zip(least, scores(found, train, test, targets), most, strict=True):
        assert low < score < high
    shuffled = targets[stream(0, "shuffle").permutation(len(targets))]
    for score, high in zip(scores(found, train, test, shuffled), chance, strict=True):
        assert score < high
