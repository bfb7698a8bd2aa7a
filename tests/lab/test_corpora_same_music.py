"""A recording is recognised by its sound, whatever its name, format, cut and level; and Debian's music is collected."""

import csv
import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition import debian_music
from motionbeat.lab.corpora.same_music import SAME, agreement, fingerprint, fingerprint_of

RATE = 22_050
FREE_SONGS = Path(__file__).parents[3] / "shared" / "data" / "free_songs"


def music(seed, seconds=40.0):
    """Chords of a random progression with noise for drums: each seed another piece of the same kinds of sound."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    step = (time / rng.uniform(0.4, 0.6)).astype(int)
    notes = 2 ** (rng.integers(0, 24, (4, step[-1] + 1))[:, step] / 12) * np.array([[55], [110], [220], [440]])
    chords = np.sin(2 * np.pi * np.cumsum(notes, axis=1) / RATE).sum(axis=0)
    drums = rng.normal(0, 1, len(time)) * rng.uniform(0, 1, step[-1] + 1)[step] * np.exp(-10 * (time % 0.25))
    return (0.08 * chords + 0.15 * drums).astype(np.float32)


def test_a_copy_is_recognised_after_lossy_coding_resampling_a_cut_and_a_change_of_level(tmp_path):
    whole = music(0)
    low = soxr.resample(0.3 * whole[10 * RATE + 123 : 30 * RATE], RATE, 16_000)
    soundfile.write(tmp_path / "copy.mp3", low, 16_000)
    copy = fingerprint_of(tmp_path / "copy.mp3")
    assert agreement(copy, fingerprint(whole)) > SAME + 0.1
    assert agreement(fingerprint(whole), copy) == agreement(copy, fingerprint(whole))


def test_other_music_is_not_taken_for_a_copy():
    prints = [fingerprint(music(seed)) for seed in range(6)]
    found = [agreement(one, other) for number, one in enumerate(prints) for other in prints[:number]]
    assert max(found) < SAME - 0.05
    assert all(agreement(one, one) > 0.999 for one in prints)


@pytest.mark.real
def test_real_songs_are_told_apart():
    songs = [fingerprint_of(path) for path in sorted(FREE_SONGS.glob("*.ogg"))[:3]]
    assert max(agreement(one, other) for number, one in enumerate(songs) for other in songs[:number]) < SAME - 0.05


COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: someone
License: GPL-2+

Files: data/music/*
Copyright: a composer
License: CC-BY-SA-3.0
 A longer text
 of it.

Files: data/music/theme.ogg
Copyright: another
License: Expat
"""


@pytest.mark.parametrize(
    ("path", "licence"),
    [
        ("usr/share/game/music/theme.ogg", "Expat"),
        ("usr/share/game/music/other.ogg", "CC-BY-SA-3.0"),
        ("usr/share/game/sounds/bang.ogg", "GPL-2+"),
    ],
)
def test_the_licence_is_that_of_the_files_own_paragraph(path, licence):
    assert debian_music.licence_of(COPYRIGHT, Path(path)) == licence


def test_of_a_free_text_the_line_with_the_licence_is_quoted_and_none_is_invented():
    text = "This package was debianised by X.\n\nThe music is under the Creative Commons licence.\n"
    assert debian_music.licence_of(text, Path("a.ogg")) == "The music is under the Creative Commons licence."
    assert debian_music.licence_of("By X.\n", Path("a.ogg")) == "not stated"


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A folder with two real packages."""
    folder = tmp_path_factory.mktemp("archives")
    if subprocess.run(["which", "dpkg-deb"], capture_output=True).returncode:
        pytest.skip("dpkg-deb is not installed")
    contents = {
        "game-music": {"one.ogg": music(1), "two.ogg": music(2), "jingle.ogg": music(3, 5.0)},
        "other-music": {"a/one.ogg": music(4), "b/one.flac": music(5), "again.flac": music(2), "test.flac": music(9)},
    }
    for package, files in contents.items():
        root = folder / "build" / package
        (root / "DEBIAN").mkdir(parents=True)
        control = f"Package: {package}\nVersion: 1.2-3\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
        (root / "DEBIAN" / "control").write_text(control)
        (root / "usr/share/doc" / package).mkdir(parents=True)
        (root / "usr/share/doc" / package / "copyright").write_text(COPYRIGHT)
        for name, samples in files.items():
            path = root / "usr/share/game/music" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with soundfile.SoundFile(path, "w", RATE, 1) as file:
                for begin in range(0, len(samples), 1 << 14):
                    file.write(samples[begin : begin + (1 << 14)])
        if package == "other-music":  # as the Quake engines keep it
            game = root / "usr/share/game"
            shutil.make_archive(str(game / "data"), "zip", game, "music/b")
            (game / "data.zip").rename(game / "data.pk3")
            shutil.rmtree(game / "music/b")
        archive = folder / f"{package}_1.2-3_all.deb"
        subprocess.run(["dpkg-deb", "-z1", "-b", root, archive], check=True, capture_output=True)
    return folder


@pytest.fixture
def packages(archives, monkeypatch):
    """They stand in place of those that apt would fetch; gives the names that were asked for."""
    asked = []

    def run(command, **options):
        if command[0] != "apt-get":
            return original(command, **options)
        asked.append(command[2])
        archive = archives / f"{command[2]}_1.2-3_all.deb"
        if archive.is_file():
            (options["cwd"] / archive.name).write_bytes(archive.read_bytes())
        return subprocess.CompletedProcess(command, 0 if archive.is_file() else 100)

    original = subprocess.run
    monkeypatch.setattr(debian_music.subprocess, "run", run)
    return asked


def test_songs_are_copied_unchanged_and_listed_and_test_data_and_twins_are_left_out(packages, tmp_path, capsys):
    test_data = tmp_path / "test data"
    test_data.mkdir()
    soundfile.write(test_data / "known.mp3", 0.5 * music(9)[8 * RATE : 30 * RATE], RATE)
    names = ["game-music", "gone-music", "other-music"]
    kept, excluded = debian_music.collect(tmp_path / "out", names, [test_data])
    assert "could not fetch: gone-music" in capsys.readouterr().err
    expected = ["game-music/one.ogg", "game-music/two.ogg", "other-music/one.flac", "other-music/one.ogg"]
    with (tmp_path / "out" / "songs.csv").open() as file:
        listed = list(csv.DictReader(file))
    assert [row["file"] for row in listed] == sorted(song.file for song in kept) == expected
    for row in listed:
        content = (tmp_path / "out" / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert (row["version"], row["licence"], float(row["seconds"])) == ("1.2-3", "CC-BY-SA-3.0", 40.0)
    assert {song.file: song.excluded for song in excluded} == {
        "other-music/again.flac": "the same recording as game-music/two.ogg",
        "other-music/test.flac": "the same recording as known.mp3",
    }
    assert not (tmp_path / "out" / "other-music" / "test.flac").exists()
    packages.clear()
    again, _ = debian_music.collect(tmp_path / "out", names, [test_data])
    assert again == sorted(kept, key=lambda song: song.file)
    assert packages == ["gone-music"]


def test_a_collection_of_nothing_is_refused(packages, tmp_path):
    with pytest.raises(MotionBeatError, match="no package gone-music: run apt-get update"):
        debian_music.collect(tmp_path / "out", ["gone-music"])
    with pytest.raises(MotionBeatError, match="nowhere is not a folder"):
        debian_music.collect(tmp_path / "out", ["game-music"], [tmp_path / "nowhere"])
