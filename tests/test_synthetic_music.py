"""The embedded corpus's songs: what is played can be heard, and timbre says nothing about rhythm."""

import numpy as np
import pytest

from motionbeat.corpora.synthetic import music
from motionbeat.corpora.synthetic.plan import GENRES, SAMPLE_RATE, SONG_BEATS, SONGS, beats_per_bar, tempo
from motionbeat.corpora.synthetic.rhythm import rhythm

SEED = 3


@pytest.fixture(scope="module")
def songs():
    return {
        song: (rhythm(SEED, song, [4]), music.render(SEED, song, rhythm(SEED, song, [4]))) for song in ("mPO4", "mJS3")
    }


def _flux_by_slot(wave, song):
    """Spectral flux (positive change of log magnitude) summed over the first 50 ms of each 16th."""
    from scipy.signal import stft

    hop = 441
    _, times, spectrum = stft(wave, SAMPLE_RATE, nperseg=2048, noverlap=2048 - hop, boundary="zeros")
    level = np.log1p(100 * np.abs(spectrum))
    flux = np.maximum(np.diff(level, axis=1), 0).sum(axis=0)
    slots = np.arange(SONG_BEATS * 4) * 15 / tempo(song)
    return np.array([flux[(times[1:] >= s - 0.02) & (times[1:] < s + 0.04)].sum() for s in slots])


def test_accents_are_heard(songs):
    for song, (pattern, wave) in songs.items():
        flux = _flux_by_slot(wave.astype(float), song)
        accented = pattern.accents.max(axis=0) > 0
        assert np.median(flux[accented]) > 2 * np.median(flux[~accented])
        strongest = pattern.accents.max(axis=0)
        assert np.corrcoef(strongest, flux)[0, 1] > 0.5


def test_a_song_lasts_its_beats_and_starts_with_the_first(songs):
    for song, (_, wave) in songs.items():
        seconds = SONG_BEATS * 60 / tempo(song)
        assert seconds < len(wave) / SAMPLE_RATE < seconds + 60 / tempo(song)
        assert np.abs(wave[: SAMPLE_RATE // 20]).max() > 0.2 * np.abs(wave).max()
        assert np.abs(wave).max() <= 1


def test_timbre_is_independent_of_genre_and_rhythm():
    """Over many corpora, no kit, key or loudness goes with a genre or with how dense the accents are."""
    from scipy.stats import chi2_contingency, spearmanr

    drawn = [(song[1:3], music.timbre(seed, song), rhythm(seed, song, [4])) for seed in range(8) for song in SONGS]
    table = np.zeros((len(GENRES), music.KITS))
    for genre, sound, _ in drawn:
        table[GENRES.index(genre), sound.kit] += 1
    assert chi2_contingency(table).pvalue > 0.001
    density = [(pattern.accents > 0).mean() for _, _, pattern in drawn]
    for quantity in ("kit", "key", "brightness", "loudness"):
        assert spearmanr(density, [getattr(sound, quantity) for _, sound, _ in drawn]).pvalue > 0.001


def test_songs_of_one_genre_differ_more_than_windows_of_one_song():
    between, within = [], []
    for genre in GENRES:
        grids = [rhythm(SEED, f"m{genre}{i}", [4]).accents.reshape(3, 4, 64) for i in range(6)]
        windows = np.stack([grid.transpose(1, 0, 2).reshape(4, -1) for grid in grids]) > 0
        within += [np.mean(song[0] != song[k]) for song in windows for k in range(1, 4)]
        between += [np.mean(windows[i, 0] != windows[j, 0]) for i in range(6) for j in range(i)]
    assert np.mean(within) > 0.01
    assert np.mean(between) > 2 * np.mean(within)


def test_meters_are_dealt_out_and_kept():
    assert {beats_per_bar(song, [4]) for song in SONGS} == {4}
    dealt = [beats_per_bar(song, [3, 4]) for song in SONGS]
    assert dealt.count(3) == dealt.count(4) == 30
    waltz = next(song for song in SONGS if beats_per_bar(song, [3, 4]) == 3)
    low = rhythm(SEED, waltz, [3, 4]).accents[0]
    assert (low[::12] > 0.7).all() and low.shape == (SONG_BEATS * 4,)


def test_beats_can_be_found_by_a_tracker(songs):
    """librosa's tracker, which knows neither the tempo nor the corpus, finds the beats of two songs."""
    librosa = pytest.importorskip("librosa")
    mir_eval = pytest.importorskip("mir_eval")
    for song, (_, wave) in songs.items():
        low_rate = librosa.resample(wave, orig_sr=SAMPLE_RATE, target_sr=22050)
        _, beats = librosa.beat.beat_track(y=low_rate, sr=22050, units="time")
        truth = np.arange(SONG_BEATS) * 60 / tempo(song)
        assert mir_eval.beat.f_measure(truth, np.asarray(beats)) > 0.85, song
