"""Stand-in for Emomusic: arousal follows tempo, loudness, brightness and density; valence follows mode and consonance.

Ten made-up annotators rate each clip, each with another error; an artist's clips share instruments.
"""

import csv
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.standins import band, standin_files
from motionbeat.lab.standins.voices import RATE, VOICES, varied
from motionbeat.lab.synthetic.plan import GENRES, stream
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.parallel import in_parallel

CONTENT = "it has 75 synthetic clips of 5 s with made-up ratings"
SECONDS = 5.0
ANNOTATORS = 10
_ANNOTATOR_ERROR = 1.3  # deviation of one rating, on the scale of 1 to 9
_SONGS_BY_ARTIST = 3
_EVALUATED = 5  # artists of the evaluation set
_LETTERS = "abcdefghijklmnopqrstuvwxy"
_BRIGHT = ("guitar", "trumpet", "flute", "piano", "marimba")
_DARK = ("cello", "clarinet", "strings", "organ", "overdriven guitar")


@frozen
class RatedSong:
    """One clip: its number, artist and set. Each artist is in one set only."""

    number: int
    artist: str
    mediaeval_set: str  # development or evaluation

    @property
    def title(self) -> str:
        """The title of the song."""
        return f"Piece {self.number}"


def plan() -> list[RatedSong]:
    """75 songs of 25 artists; the last five artists are the evaluation set."""
    songs: list[RatedSong] = []
    for place, letter in enumerate(_LETTERS):
        part = "evaluation" if place >= len(_LETTERS) - _EVALUATED else "development"
        for _ in range(_SONGS_BY_ARTIST):
            songs.append(RatedSong(len(songs) + 2, f"Artist {letter.upper()}", part))
    return songs


def write(folder: Path, seed: int) -> None:
    """Write annotations/ and clips_45seconds/ into `folder`."""
    songs = plan()
    (folder / "annotations").mkdir()
    header = ["song_id", "file_name", "Artist", "Song title", "start of the segment (min.sec)"]
    header += ["end of the segment (min.sec)", "Genre", "Mediaeval 2013 set"]
    rows = [
        [song.number, f"{song.number}.mp3", song.artist, song.title, "0.00", "0.05", "Made up", song.mediaeval_set]
        for song in songs
    ]
    _table(folder / "annotations" / "songs_info.csv", [header, *rows])
    rated: list[list] = [["song_id", "mean_arousal", "std_arousal", "mean_valence", "std_valence"]]
    for song in songs:
        given = ratings(seed, song)
        mean, spread = given.mean(axis=0).round(4), given.std(axis=0).round(4)
        rated.append([song.number, mean[0], spread[0], mean[1], spread[1]])
    _table(folder / "annotations" / "static_annotations.csv", rated)
    (folder / "clips_45seconds").mkdir()
    list(in_parallel(_make, ((folder, seed, song) for song in songs), "clips"))


def _table(path: Path, rows: list[list]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _make(folder: Path, seed: int, song: RatedSong) -> None:
    samples = band.perform(stream(seed, "emomusic performance", str(song.number)), piece(seed, song))
    standin_files.write_audio(folder / "clips_45seconds" / f"{song.number}.mp3", samples, RATE)


def piece(seed: int, song: RatedSong) -> band.Piece:
    """The music of a clip from its energy and mood, with much random variation."""
    rng = stream(seed, "emomusic", str(song.number))
    artist = stream(seed, "emomusic artist", song.artist)
    favourites = [str(voice) for voice in artist.choice([*_BRIGHT, *_DARK], 2, replace=False)]
    energy, mood = rng.uniform(-1, 1, 2)
    tempo, level, bright, dense = 0.75 * energy + 0.35 * rng.normal(0, 1, 4)
    cheerful = mood + 0.5 * rng.normal(0, 1, 3) > 0
    melody = str(rng.choice(_BRIGHT if cheerful[0] else _DARK)) if rng.random() < 0.7 else favourites[0]
    bpm = float(np.clip(105 * 1.35**tempo, 60, 180))
    nearest = int(np.clip(round((bpm - 80) / 10), 0, 5))
    return band.Piece(
        seconds=SECONDS,
        tempo=bpm,
        first_beat_s=-float(rng.uniform(0, 240 / bpm)),
        rhythm=rhythm(int(rng.integers(1 << 31)), f"m{GENRES[rng.integers(len(GENRES))]}{nearest}", [4]),
        parts=(
            band.BandPart(varied(artist, VOICES[melody]), "melody", 1.0),
            band.BandPart(varied(artist, VOICES[favourites[1]]), "pad" if dense < 0 else "comp", 1.0),
            band.BandPart(varied(artist, VOICES["electric bass"]), "bass", 1.0),
        ),
        key=int(rng.choice([0, 5])),
        scale="major" if cheerful[1] else "minor",
        drums=float(np.clip(0.5 + 0.6 * dense, 0, 1.2)),
        density=float(np.clip(0.5 + 0.4 * dense, 0.1, 1)),
        brightness=float(3 * bright),
        clash=0.0 if cheerful[2] else float(rng.uniform(0.5, 1)),
        loudness=float(10 ** (np.clip(-12 + 11 * level, -26, -0.5) / 20)),
    )


def truth(made: band.Piece) -> tuple[float, float]:
    """(arousal, valence), 1 to 9, computed from the piece, not from its target."""
    quantities = np.array(
        [np.log2(made.tempo / 105) / 0.35, (20 * np.log10(made.loudness) + 12) / 8, made.brightness / 2]
    )
    busy = (made.density - 0.5) / 0.3 + (made.drums - 0.5) / 0.5
    arousal = 5 + 0.6 * quantities.sum() + 0.35 * busy
    valence = 5 + (1.1 if made.scale == "major" else -1.1) + (0.7 if made.clash == 0 else -1.0)
    valence += 0.2 * quantities[0] + 0.15 * quantities[2]
    return float(np.clip(arousal, 1, 9)), float(np.clip(valence, 1, 9))


def ratings(seed: int, song: RatedSong) -> NDArray[np.float64]:
    """(ANNOTATORS, 2): each annotator's ratings of arousal and valence, whole numbers from 1 to 9."""
    rng = stream(seed, "emomusic annotators", str(song.number))
    rated = np.array(truth(piece(seed, song))) + rng.normal(0, _ANNOTATOR_ERROR, (ANNOTATORS, 2))
    return np.clip(np.round(rated), 1, 9)
