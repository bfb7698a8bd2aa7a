"""The synthetic corpus's songs: what is played can be heard, sounds like a record; timbre tells no rhythm."""

import numpy as np
import pytest
from scipy.signal import stft, welch
from scipy.stats import chi2_contingency, mannwhitneyu, spearmanr

from motionbeat.lab.synthetic import drums, harmony, made_music
from motionbeat.lab.synthetic.arrangement import QUIETEST_DB, arrangement
from motionbeat.lab.synthetic.plan import GENRES, SAMPLE_RATE, SONG_BEATS, SONGS, beats_per_bar, stream, tempo
from motionbeat.lab.synthetic.rhythm import rhythm

SEED = 3
# Where each part is heard, Hz: kick, snare, and the high percussion.
BANDS = ((40, 130), (1500, 10000), (500, 14000))


@pytest.fixture(scope="module")
def songs():
    return {
        song: (rhythm(SEED, song, [4]), made_music.render(SEED, song, rhythm(SEED, song, [4])))
        for song in ("mPO4", "mJS3", "mBR0")
    }


def _flux_by_slot(wave, song, low=0, high=SAMPLE_RATE):
    """Spectral flux (positive change of log magnitude) between low and high Hz around the beginning of each 16th."""
    hop = 441
    frequencies, times, spectrum = stft(wave.astype(float), SAMPLE_RATE, nperseg=2048, noverlap=2048 - hop)
    level = np.log1p(100 * np.abs(spectrum[(frequencies >= low) & (frequencies < high)]) / wave.std())
    flux = np.maximum(np.diff(level, axis=1), 0).sum(axis=0)
    slots = np.arange(SONG_BEATS * 4) * 15 / tempo(song)
    return np.array([flux[(times[1:] >= s - 0.02) & (times[1:] < s + 0.04)].sum() for s in slots])


def _more_often_higher(these, those):
    """The chance that one of these exceeds one of those."""
    return mannwhitneyu(these, those).statistic / len(these) / len(those)


def test_accents_are_heard(songs):
    for song, (pattern, wave) in songs.items():
        flux = _flux_by_slot(wave, song)
        strongest = pattern.accents.max(axis=0)
        assert _more_often_higher(flux[strongest > 0], flux[strongest == 0]) > 0.8
        assert spearmanr(strongest, flux).statistic > 0.5


@pytest.mark.parametrize("part", [0, 1, 2])
def test_each_part_is_heard_in_its_own_band(songs, part):
    """Its accents stand out from the 16ths without any accent, those apart where another part plays too."""
    for song, (pattern, wave) in songs.items():
        flux = _flux_by_slot(wave, song, *BANDS[part])
        here = pattern.accents > 0
        alone = here[part] & (here.sum(axis=0) == 1)
        assert _more_often_higher(flux[alone], flux[~here.any(axis=0)]) > 0.8, song


def test_no_phrase_hides_an_accent():
    for song in SONGS:
        plan = arrangement(SEED, song, rhythm(SEED, song, [4]))
        for part in ("low", "back", "high"):
            assert plan.gain[part].min() >= 10 ** (QUIETEST_DB / 20)
    assert QUIETEST_DB >= -5


def test_a_song_lasts_its_beats_and_starts_with_the_first(songs):
    for song, (_, wave) in songs.items():
        seconds = SONG_BEATS * 60 / tempo(song)
        assert seconds < len(wave) / SAMPLE_RATE < seconds + 60 / tempo(song)
        assert np.abs(wave[: SAMPLE_RATE // 20]).max() > 0.2 * np.abs(wave).max()


def test_waves_are_neither_clipped_nor_offset(songs):
    for song, (_, wave) in songs.items():
        peak = np.abs(wave).max()
        assert 10 ** (-9.1 / 20) < peak < 1, song
        assert (np.abs(wave) > 0.999 * peak).sum() < 50
        assert abs(wave.mean()) < 1e-3 * peak
        crest_db = 20 * np.log10(peak / wave.std())
        assert 8 < crest_db < 20


def test_phrases_differ_in_loudness(songs):
    """By more than a decibel somewhere, as arrangements do, and by less than a symphony."""
    for song, (_, wave) in songs.items():
        phrase = round(16 * 60 / tempo(song) * SAMPLE_RATE)
        level = [10 * np.log10(np.mean(wave[p * phrase : (p + 1) * phrase].astype(float) ** 2)) for p in range(4)]
        assert 0.3 < np.ptp(level) < 12, song


def test_the_spectrum_falls_as_that_of_recorded_music(songs):
    """Octave-band levels from 62.5 Hz to 8 kHz fall by 0.5 to 3 dB an octave, with no hole."""
    octaves = 62.5 * 2.0 ** np.arange(8)
    for song, (_, wave) in songs.items():
        frequency, density = welch(wave.astype(float), SAMPLE_RATE, nperseg=8192)
        level = [density[(frequency >= f / 2**0.5) & (frequency < f * 2**0.5)].sum() for f in octaves]
        level = 10 * np.log10(level)
        slope, offset = np.polyfit(np.arange(8), level, 1)
        assert -3 < slope < -0.5, song
        assert np.abs(level - slope * np.arange(8) - offset).max() < 9


def test_songs_are_the_same_whatever_was_made_before(songs):
    again = {song: made_music.render(SEED, song, rhythm(SEED, song, [4])) for song in reversed(songs)}
    for song, (_, wave) in songs.items():
        assert again[song].tobytes() == wave.tobytes()


def test_strokes_stay_within_ten_milliseconds_of_the_grid():
    click = drums.Drum((np.ones(1),), (np.zeros(1),))
    track, slot_s = np.zeros(20 * SAMPLE_RATE), 0.15
    drums.play(stream(SEED, "clicks"), track, click, np.ones(128), slot_s)
    late_s = np.flatnonzero(track) / SAMPLE_RATE - np.arange(128) * slot_s
    assert np.abs(late_s).max() < 0.0101 and late_s.std() > 0.001


def test_chords_are_in_key_and_move_little():
    for number in range(50):
        tune = harmony.harmony(stream(number, "a song"))
        chords = [tune.chord(bar, 52) for bar in range(16)]
        steps = {"major": {0, 2, 4, 5, 7, 9, 11}, "minor": {0, 2, 3, 5, 7, 8, 10}}[tune.scale]
        assert {(midi - 57 - tune.key) % 12 for chord in chords for midi in chord} <= steps
        assert all(52 <= midi < 64 for chord in chords for midi in chord)
        assert len({tuple(m % 12 for m in c) for c in chords[:4]}) > 1


def test_timbre_and_arrangement_are_independent_of_genre_and_rhythm():
    """Over many corpora, neither kit, key, instrument, loudness nor sections go with genre or density of accents."""
    drawn = [
        (song, seed, made_music.timbre(seed, song), rhythm(seed, song, [4])) for seed in range(8) for song in SONGS
    ]
    table = np.zeros((len(GENRES), made_music.KITS // 4))
    for song, _, sound, _ in drawn:
        table[GENRES.index(song[1:3]), sound.kit // 4] += 1
    assert chi2_contingency(table).pvalue > 0.001
    density = [(pattern.accents > 0).mean() for *_, pattern in drawn]
    quantities = {
        "kit": [sound.kit for _, _, sound, _ in drawn],
        "key": [sound.harmony.key for _, _, sound, _ in drawn],
        "tilt": [sound.instruments["pad"].tilt for _, _, sound, _ in drawn],
        "slope": [sound.mix.slope for _, _, sound, _ in drawn],
        "loudness": [sound.mix.loudness for _, _, sound, _ in drawn],
        "lead": [arrangement(seed, song, pattern).gain["lead"].mean() for song, seed, _, pattern in drawn],
    }
    for name, values in quantities.items():
        assert spearmanr(density, values).pvalue > 0.001, name


def test_songs_of_one_genre_differ_more_than_windows_of_one_song():
    between, within = [], []
    for genre in GENRES:
        grids = [rhythm(SEED, f"m{genre}{i}", [4]).accents.reshape(3, 4, 64) for i in range(6)]
        windows = np.stack([grid.transpose(1, 0, 2).reshape(4, -1) for grid in grids]) > 0
        within += [np.mean(song[0] != song[k]) for song in windows for k in range(1, 4)]
        between += [np.mean(windows[i, 0] != windows[j, 0]) for i in range(6) for j in range(i)]
    assert np.mean(within) > 0.01
    assert np.mean(between) > 2 * np.mean(within)


def test_slow_songs_have_no_accent_midway_between_beats():
    for song in SONGS:
        midway = rhythm(SEED, song, [4]).accents[:, 2::4]
        assert midway.any() == (tempo(song) >= 105)


def test_meters_are_dealt_out_and_kept():
    assert {beats_per_bar(song, [4]) for song in SONGS} == {4}
    dealt = [beats_per_bar(song, [3, 4]) for song in SONGS]
    assert dealt.count(3) == dealt.count(4) == 30
    waltz = next(song for song in SONGS if beats_per_bar(song, [3, 4]) == 3)
    pattern = rhythm(SEED, waltz, [3, 4])
    assert (pattern.accents[0, ::12] > 0.7).all() and pattern.accents.shape == (3, SONG_BEATS * 4)
    wave = made_music.render(SEED, waltz, pattern)
    kicks = _flux_by_slot(wave, waltz, *BANDS[0])
    assert np.median(kicks[::12]) > 1.5 * np.median(np.delete(kicks, np.arange(0, 256, 12)))


def test_beats_can_be_found_by_a_tracker(songs):
    """librosa's tracker, which knows neither the tempo nor the corpus, finds the beats of two songs."""
    librosa = pytest.importorskip("librosa")
    mir_eval = pytest.importorskip("mir_eval")
    for song in ("mPO4", "mJS3"):
        low_rate = librosa.resample(songs[song][1], orig_sr=SAMPLE_RATE, target_sr=22050)
        _, beats = librosa.beat.beat_track(y=low_rate, sr=22050, units="time")
        truth = np.arange(SONG_BEATS) * 60 / tempo(song)
        assert mir_eval.beat.f_measure(truth, np.asarray(beats)) > 0.85, song


@pytest.mark.slow
def test_madmom_finds_beats_and_downbeats_of_slow_and_fast_songs(songs):
    """At 80 and 110 BPM, in the first 24 s: no double tempo, and the first beat of the bar in its place."""
    mir_eval = pytest.importorskip("mir_eval")
    from motionbeat.beats import track

    for song in ("mBR0", "mJS3"):
        found = track(songs[song][1][: 24 * SAMPLE_RATE], SAMPLE_RATE)
        truth = np.arange(0, 24, 60 / tempo(song))
        matched = mir_eval.util.match_events(truth, found.times, 0.07)
        assert 2 * len(matched) / (len(truth) + len(found.times)) > 0.95, song
        bars, heard = truth[::4], found.times[found.positions == 1]
        assert 2 * len(mir_eval.util.match_events(bars, heard, 0.07)) / (len(bars) + len(heard)) > 0.9, song
