"""What a batch holds and what an epoch shows, on beats and on lattices."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from attrs import evolve

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batch_order import by_tempo
from motionbeat.lab.training.batches import Batch, Batches

K, S = 8, 4
CPU = torch.device("cpu")
PERIODS = (0.4, 0.7)


@pytest.fixture(scope="module")
def with_lattices(token_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The token folder, with two lattices of the first three training songs; the third dance has too few rows."""
    folder = copytree(token_folder, tmp_path_factory.mktemp("lattices") / "tokens")
    generator = np.random.default_rng(3)
    audio: dict[str, list] = {name: [] for name in tables.LATTICE_AUDIO.names}
    motion: dict[str, list] = {name: [] for name in tables.LATTICE_MOTION.names}
    for song in ("train0", "train1", "train2"):
        for number, period in enumerate(PERIODS):
            count = 20 - 6 * number
            for name, values in {
                "song": [song] * count,
                "beat": range(count),
                "time_s": 0.1 + period * np.arange(count),
                "duration_s": [period] * count,
                "bar_position": [0] * count,
                "beats_per_bar": [1] * count,
                "lattice": [number] * count,
            }.items():
                audio[name] += list(values)
            audio["mel"].append(generator.random((count, 24)))
            audio["onset"].append(generator.random((count, S)))
        for dancer in range(3):
            for number in range(2):
                beats = np.arange(1, 20 - 6 * number) if dancer < 2 else np.arange(K - 1)
                for name, same in {
                    "clip": f"{song}_d{dancer}",
                    "song": song,
                    "split": "train",
                    "beats_per_bar": 1,
                    "lattice": number,
                }.items():
                    motion[name] += [same] * len(beats)
                motion["beat"] += beats.tolist()
                motion["bar_position"] += [0] * len(beats)
                for name, width in (("features", 40), ("contact", S), ("energy", S)):
                    motion[name].append(generator.random((len(beats), width)))
    for columns, names in ((audio, ("mel", "onset")), (motion, ("features", "contact", "energy"))):
        for name in names:
            columns[name] = np.concatenate(columns[name]).astype(np.float32)
    tables.write(folder / "lattice_audio.parquet", tables.LATTICE_AUDIO, audio)
    tables.write(folder / "lattice_motion.parquet", tables.LATTICE_MOTION, motion)
    return folder


@pytest.fixture
def tokens(with_lattices: Path) -> Tokens:
    return Tokens.load(with_lattices, lattices=True)


def mined(tokens: Tokens, settings: Params, folder: Path, shifts: list[float]) -> Path:
    chosen = evolve(settings.negatives, jitter_shifts=shifts, bar_shifts=[])
    write_negatives(tokens, ["train"], K, chosen, folder)
    return folder


@pytest.fixture
def batches(tokens: Tokens, settings: Params, tmp_path: Path) -> Batches:
    return Batches(tokens, mined(tokens, settings, tmp_path, [-1, 1]), "train", K, CPU)


def lattice_windows(tokens: Tokens) -> list[tuple[str, int, int]]:
    """(clip, lattice, first row in the table of lattices) of every window, by looking at every row."""
    motion = tokens.lattices.motion
    found = []
    for row in range(len(motion["beat"]) - K + 1):
        span = slice(row, row + K)
        alone = len(set(zip(motion["clip"][span], motion["lattice"][span], strict=True))) == 1
        if alone and (np.diff(motion["beat"][span]) == 1).all():
            found.append((motion["clip"][row], int(motion["lattice"][row]), row))
    return found


def equal(one: Batch, other: Batch) -> bool:
    flat = [
        [part for value in batch[:-1] for part in (value if isinstance(value, tuple) else (value,))]
        for batch in (one, other)
    ]
    return one.clips == other.clips and all(torch.equal(a, b) for a, b in zip(*flat, strict=True))


def test_without_a_share_lattices_change_nothing_in_an_epoch(
    batches: Batches, with_lattices: Path, tmp_path: Path
) -> None:
    plain = Batches(Tokens.load(with_lattices), tmp_path, "train", K, CPU)
    generators = np.random.default_rng(5), np.random.default_rng(5)
    for one, other in zip(plain.epoch(5, 2, 2, generators[0]), batches.epoch(5, 2, 2, generators[1]), strict=True):
        assert equal(one, other)
    assert generators[0].random() == generators[1].random()


def test_the_share_of_clips_on_lattices_is_that_of_clips_which_a_window_on_one_fits(
    batches: Batches, tokens: Tokens, token_folder: Path, tmp_path: Path
) -> None:
    can = {clip for clip, _, _ in lattice_windows(tokens)} & set(batches.windows.clip)
    assert 0 < len(can) < len(set(batches.windows.clip))
    assert batches.on_lattices == pytest.approx(len(can) / len(set(batches.windows.clip)))
    assert Batches(Tokens.load(token_folder), tmp_path, "train", K, CPU).on_lattices == 0.0


def test_with_the_whole_share_every_clip_that_can_is_shown_on_a_lattice(batches: Batches, tokens: Tokens) -> None:
    windows = {tokens.lattices.motion["features"][row].tobytes(): clip for clip, _, row in lattice_windows(tokens)}
    able = {f"train{song}_d{dancer}" for song in range(3) for dancer in range(2)}
    assert set(windows.values()) == able
    shown = set()
    for seed in range(3):
        seen = []
        for batch in batches.epoch(6, 1, 1, np.random.default_rng(seed), 1.0):
            for n, clip in enumerate(batch.clips):
                begins = batch.motion.features[n, 0].numpy().tobytes()
                assert windows.get(begins) == (clip if clip in able else None)
                shown.add(begins)
                seen.append(clip)
        assert sorted(seen) == sorted(set(tokens.motion["clip"][tokens.motion["split"] == "train"]))
    assert len(shown & set(windows)) > 9  # not the same ones in each epoch


def test_the_share_is_the_part_of_clips_on_lattices_and_each_lattice_is_as_likely(
    batches: Batches, tokens: Tokens
) -> None:
    generator = np.random.default_rng(0)
    drawn = np.concatenate([batches._sequences.one_each(generator, 0.3) for _ in range(800)])
    on_lattice = drawn[drawn >= len(batches.windows)] - len(batches.windows)
    able = 6 * 800
    assert abs(len(on_lattice) - 0.3 * able) < 4 * (0.3 * 0.7 * able) ** 0.5
    numbers = np.array([number for _, number, _ in lattice_windows(tokens)])[on_lattice]
    assert abs((numbers == 1).mean() - 0.5) < 2 / len(numbers) ** 0.5


def test_a_window_on_a_lattice_is_its_rows_and_has_no_tempo_negatives(batches: Batches, tokens: Tokens) -> None:
    found = lattice_windows(tokens)
    batch = batches.gather(len(batches.windows) + np.arange(len(found)), 2, 0)
    assert batch.tempo_absent.all()
    audio, motion = tokens.lattices.audio, tokens.lattices.motion
    for n, (clip, number, row) in enumerate(found):
        assert batch.clips[n] == clip
        span = slice(row, row + K)
        np.testing.assert_array_equal(batch.motion.features[n], motion["features"][span])
        assert not batch.motion.bar_position[n].any() and batch.motion.beats_per_bar[n] == 1
        own = (audio["song"] == clip.split("_")[0]) & (audio["lattice"] == number)
        own &= np.isin(audio["beat"], motion["beat"][span])
        np.testing.assert_array_equal(batch.mel[n], audio["mel"][own])


@pytest.mark.parametrize("shifts", [[-1, 1], [-1, 1, -0.5, 0.5], [4, 0.25]])
def test_jitter_moves_sub_beats_within_the_clip_or_rolls(
    tokens: Tokens, settings: Params, tmp_path: Path, shifts: list[float]
) -> None:
    batches = Batches(tokens, mined(tokens, settings, tmp_path, shifts), "train", K, CPU)
    sources = [(tokens.motion, int(row)) for row in batches.windows.motion_row]
    sources += [(tokens.lattices.motion, row) for _, _, row in lattice_windows(tokens)]
    index = np.arange(0, len(sources), 3)
    batch = batches.gather(index, 0, len(shifts))
    moved_features = batch.jitter.features.unflatten(0, (len(index), -1)).numpy()
    for n, window in enumerate(index):
        motion, row = sources[window]
        meter = motion["beats_per_bar"][row]
        expected = []
        for shift in sorted(shifts):
            if abs(shift) > 1 if meter == 1 else shift % meter == 0:  # the music of these songs repeats each bar
                continue
            clip = motion["clip"] == motion["clip"][row]
            clip &= motion.get("lattice", np.zeros(len(clip))) == motion.get("lattice", np.zeros(len(clip)))[row]
            pieces = motion["features"][clip].reshape(-1, 10)
            begin = (row - np.flatnonzero(clip)[0]) * S
            moved = begin + int(shift * S)
            if moved >= 0 and moved + K * S <= len(pieces):
                part = pieces[moved : moved + K * S]
            else:
                part = np.roll(pieces[begin : begin + K * S], -int(shift * S), axis=0)
            expected.append(part.reshape(K, -1))
        absent = batch.jitter_absent[n].numpy()
        assert (~absent).sum() == len(expected)
        np.testing.assert_array_equal(moved_features[n][~absent], np.array(expected).reshape(-1, K, 40))


def test_same_are_windows_of_a_song_that_overlap_in_time(batches: Batches, tokens: Tokens) -> None:
    spans = []
    for song, row in zip(batches.windows.song, batches.windows.audio_row, strict=True):
        time, length = tokens.audio["time_s"][row : row + K], tokens.audio["duration_s"][row + K - 1]
        spans.append((song, -1, time[0], time[-1] + length))
    for clip, number, row in lattice_windows(tokens):
        begin = 0.1 + PERIODS[number] * tokens.lattices.motion["beat"][row]
        spans.append((clip.split("_")[0], number, begin, begin + K * PERIODS[number]))
    index = np.random.default_rng(1).permutation(len(spans))[:150]
    batch = batches.gather(index, 0, 0)
    for i, one in enumerate(index):
        for j, other in enumerate(index):
            (song, grid, begin, end), (song_2, grid_2, begin_2, end_2) = spans[one], spans[other]
            shared = min(end, end_2) - max(begin, begin_2)
            assert batch.same[i, j] == (i != j and song == song_2 and shared > 1e-3)
            together = song == song_2 and grid == grid_2 and begin == begin_2
            assert batch.positives[i, j] == (i != j and together)
    assert batch.positives.any()


def test_windows_of_two_recordings_of_a_song_that_overlap_are_the_same(
    tokens: Tokens, settings: Params, tmp_path: Path
) -> None:
    names = {"train0": "mBR60", "train1": "mBR60-r1"}
    for table in (tokens.audio, tokens.motion):
        table["song"] = np.array([names.get(song, song) for song in table["song"]], object)
    tokens = evolve(tokens, lattices=None)
    batches = Batches(tokens, mined(tokens, settings, tmp_path, [-1, 1]), "train", K, CPU)
    rows = batches.windows.audio_row
    time, length = tokens.audio["time_s"], tokens.audio["duration_s"]
    begin, end = time[rows], time[rows + K - 1] + length[rows + K - 1]
    one, other = (np.flatnonzero(batches.windows.song == song) for song in ("mBR60", "mBR60-r1"))
    same = batches.gather(np.concatenate([one, other]), 0, 0).same[: len(one), len(one) :].numpy()
    overlap = np.minimum(end[one, None], end[other]) - np.maximum(begin[one, None], begin[other])
    clear = np.abs(overlap) > 0.1
    assert np.array_equal(same[clear], overlap[clear] > 0) and same.any() and not same.all()


def test_batches_of_like_tempo_hold_every_window_once_and_little_spread() -> None:
    generator = np.random.default_rng(2)
    bpm = 2 ** generator.uniform(6, 8, 640)
    parts = by_tempo(bpm, 64, generator)
    assert sorted(np.concatenate(parts).tolist()) == list(range(640))
    assert [len(part) for part in parts] == [64] * 10
    circle = [abs(np.exp(2j * np.pi * np.log2(bpm[part])).mean()) for part in parts]
    # 64 of 640 windows on a circle of one octave, moved by 1/20: an arc of a fifth at most
    assert min(circle) > np.sinc(0.2) - 0.02
    assert [part.tolist() for part in parts] != [part.tolist() for part in by_tempo(bpm, 64, generator)]


def test_double_and_half_tempo_share_a_batch() -> None:
    bpm = 2 ** np.random.default_rng(4).uniform(6, 7, 100)
    folded = bpm * np.tile([1.0, 2.0, 0.5, 4.0], 25)
    parts, others = (by_tempo(values, 16, np.random.default_rng(1)) for values in (bpm, folded))
    assert [part.tolist() for part in parts] == [part.tolist() for part in others]


def test_an_epoch_by_tempo_has_its_steps_and_every_clip(batches: Batches, tokens: Tokens) -> None:
    clips = set(tokens.motion["clip"][tokens.motion["split"] == "train"])
    for size in (4, 5, 17):
        drawn = list(batches.epoch(size, 1, 1, np.random.default_rng(size), 0.5, "tempo"))
        assert len(drawn) == batches.steps(size)
        shown = [clip for batch in drawn for clip in batch.clips]
        assert len(shown) == len(set(shown)) >= len(clips) - 1


def test_a_share_of_lattices_that_are_not_there_is_refused(
    with_lattices: Path, batches: Batches, tmp_path: Path
) -> None:
    plain = Batches(Tokens.load(with_lattices), tmp_path, "train", K, CPU)
    with pytest.raises(MotionBeatError, match=r"lattice_share = 0\.3.*raise tokens\.lattices"):
        next(plain.epoch(5, 1, 1, np.random.default_rng(0), 0.3))
