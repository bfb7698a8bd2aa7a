"""AIST++ from addresses to a written corpus, over a server that misbehaves: what is refused, resumed and kept."""

import io
import json
import zipfile
from pathlib import Path

import attrs
import pytest
from hostile_server import Behaviour, HostileServer

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.corpora.aistpp import acquire
from motionbeat.lab.corpora.manifest import write_corpus
from motionbeat.lab.corpora.read_corpus import read_corpus
from motionbeat.lab.synthetic.plan import PlannedClip
from motionbeat.lab.synthetic.write_corpus import generate

ROOT = Path(__file__).parents[2]
BEATS = params.load(ROOT / "params.yaml").beats
FEW = [
    PlannedClip("mBR0", "BM", 4, 1, "train"),
    PlannedClip("mBR1", "BM", 5, 2, "val"),
    PlannedClip("mLO0", "BM", 13, 3, "test"),
]
SONGS = {clip.song: clip.split for clip in FEW}
BROKEN = PlannedClip("mBR0", "BM", 4, 5, "train", broken=True)
ANNOTATIONS, MUSIC = "/20210308", "/v1.0.0/audio/wav.zip"
FILES = {f"{ANNOTATIONS}/{name}" for name in ("motions.zip", "splits.zip", "ignore_list.txt")} | {MUSIC}


def zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Three songs of the synthetic corpus with a dance each, and a fourth dance on the ignore list."""
    folder = tmp_path_factory.mktemp("made") / "corpus"
    generate(folder, [*FEW, BROKEN], 0, [4])
    return folder


@pytest.fixture(scope="module")
def archives(source: Path) -> dict[str, bytes]:
    """The files as they are published, by path; the music among other files of the database."""
    folders = {
        name: {f"{name}/{p.name}": p.read_bytes() for p in sorted((source / name).iterdir())}
        for name in ("motions", "splits", "wav")
    }
    folders["wav"] |= {"wav/readme.txt": b"AIST", "wav/all.wav": b"RIFF", "__MACOSX/wav/._mBR0.wav": b"junk"}
    return {
        f"{ANNOTATIONS}/motions.zip": zipped(folders["motions"]),
        f"{ANNOTATIONS}/splits.zip": zipped(folders["splits"]),
        f"{ANNOTATIONS}/ignore_list.txt": (source / "ignore_list.txt").read_bytes(),
        MUSIC: zipped(folders["wav"]),
    }


class Publisher:
    """The server with the published files, the params that lead there, and the run that reads and writes."""

    def __init__(self, server: HostileServer, archives: dict[str, bytes], settings: params.Corpus) -> None:
        self.server, self.archives, self.settings = server, archives, settings
        for path, content in archives.items():
            server.serve(path, content)

    def answer(self, path: str, *behaviours: Behaviour, content: bytes | None = None) -> None:
        self.server.serve(path, self.archives[path] if content is None else content, behaviours or None)

    def read_and_write(self, folder: Path, **changes: object) -> dict:
        corpus = read_corpus(attrs.evolve(self.settings, **changes), folder / "working", BEATS)
        write_corpus(corpus, folder / "corpus")
        manifest = tables.read(folder / "corpus" / "manifest.parquet", tables.MANIFEST)
        return dict(zip(manifest["song"].tolist(), manifest["split"].tolist(), strict=True))

    @property
    def asked(self) -> list[str]:
        return [request.path for request in self.server.requests]


@pytest.fixture
def publisher(archives, settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOTIONBEAT_CACHE", raising=False)
    Path("raw").mkdir()
    with HostileServer() as server:
        changes = {
            "name": "aistpp",
            "root": "raw",
            "accept_aist_terms": True,
            "annotations_url": server.url + ANNOTATIONS + "/",
            "music_url": server.url + MUSIC,
        }
        yield Publisher(server, archives, attrs.evolve(settings.corpus, **changes))


def test_what_is_not_there_is_downloaded_and_a_second_run_downloads_nothing(publisher, tmp_path, capsys):
    assert publisher.read_and_write(tmp_path / "first") == SONGS
    assert sorted(publisher.asked) == sorted(FILES)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == [
        f"AIST++ {part}" for part in ("motions", "splits", "ignore list", "music")
    ]
    assert all(".cache/aistpp/" in line for line in said)
    music = Path(said[-1].split(": ")[1])
    assert sorted(path.name for path in music.iterdir()) == [f"{song}.wav" for song in SONGS]
    assert set(json.loads(Path("data/downloads.json").read_text())) == {
        f"aistpp/{name}" for name in ("ignore_list.txt", "motions.zip", "splits.zip", "wav.zip")
    }
    assert publisher.read_and_write(tmp_path / "second") == SONGS
    assert len(publisher.asked) == len(FILES)
    assert list(Path("raw").iterdir()) == []


def test_the_downloaded_corpus_is_the_local_one_byte_for_byte(publisher, source, tmp_path):
    publisher.read_and_write(tmp_path / "downloaded")
    publisher.read_and_write(tmp_path / "local", root=str(source), accept_aist_terms=False)
    written = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "downloaded" / "corpus", tmp_path / "local" / "corpus")
    ]
    assert len(written[0]) == 7 and written[0] == written[1]
    assert len(publisher.asked) == len(FILES)  # those of the first run


def test_a_cut_download_goes_on_where_it_stopped_and_the_corpus_is_whole(publisher, tmp_path):
    path = f"{ANNOTATIONS}/motions.zip"
    half = len(publisher.archives[path]) // 2
    publisher.answer(path, Behaviour(cut_after=half), Behaviour())
    assert publisher.read_and_write(tmp_path) == SONGS
    ranges = [request.range for request in publisher.server.requests if request.path == path]
    assert ranges == [None, f"bytes={half}-"]


def test_no_byte_is_asked_for_until_the_terms_are_accepted(publisher, tmp_path):
    with pytest.raises(MotionBeatError) as refused:
        publisher.read_and_write(tmp_path, accept_aist_terms=False)
    for part in (
        "music of AIST++ is not in raw",
        acquire.TERMS,
        "-S corpus.accept_aist_terms=true",
        "params.yaml",
        "set corpus.root to",
    ):
        assert part in str(refused.value)
    assert publisher.asked == [] and not Path(".cache").exists()


def test_a_user_with_the_music_need_not_accept_anything(publisher, source, tmp_path):
    (Path("raw") / "music").symlink_to(source / "wav")
    assert publisher.read_and_write(tmp_path, accept_aist_terms=False) == SONGS
    assert sorted(publisher.asked) == sorted(FILES - {MUSIC})


def test_a_user_with_the_motions_is_only_sent_the_music(publisher, source, tmp_path, capsys):
    base = Path("raw") / "aist_plusplus_final"
    base.mkdir()
    for name in ("motions", "splits", "ignore_list.txt"):
        (base / name).symlink_to(source / name)
    assert publisher.read_and_write(tmp_path) == SONGS
    assert publisher.asked == [MUSIC]
    said = capsys.readouterr().out
    assert "AIST++ motions: raw/aist_plusplus_final/motions" in said and "AIST++ music: .cache/aistpp/wav-" in said


def test_the_cache_is_where_the_environment_says(publisher, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / "elsewhere"))
    assert publisher.read_and_write(tmp_path) == SONGS
    assert (tmp_path / "elsewhere" / "aistpp" / "motions.zip").is_file() and not Path(".cache").exists()


def test_after_a_404_what_came_is_kept_and_only_the_rest_is_fetched(publisher, tmp_path):
    publisher.answer(MUSIC, Behaviour(status=404))
    with pytest.raises(MotionBeatError, match=r"404"):
        publisher.read_and_write(tmp_path)
    before = len(publisher.asked)
    publisher.answer(MUSIC)
    assert publisher.read_and_write(tmp_path) == SONGS
    assert publisher.asked[before:] == [MUSIC]


def hostile(name: str, content: bytes = b"0") -> bytes:
    return zipped({name: content, f"motions/{FEW[0].name}.pkl": content})


CORRUPT = bytearray(zipped({f"motions/{FEW[0].name}.pkl": bytes(range(256)) * 40}))
CORRUPT[len(CORRUPT) // 3] ^= 0xFF


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(CORRUPT), "not a complete zip|damaged"),
        (b"moved to another place", "not a complete zip"),
        (hostile("../../outside.pkl"), "leads out of its folder"),
        (zipped({"motions/readme.txt": b"empty"}), "should hold motions named .*none of them"),
        (zipped({f"{of}/{FEW[0].name}.pkl": b"0" for of in ("a", "b")}), "in one folder, and has them in a/ and b/"),
    ],
    ids=["corrupted", "words", "hostile", "other", "two"],
)
def test_a_wrong_archive_is_refused_and_leaves_nothing_that_looks_complete(publisher, tmp_path, content, reason):
    path = f"{ANNOTATIONS}/motions.zip"
    publisher.answer(path, content=content)
    with pytest.raises(MotionBeatError, match=rf"aistpp/motions\.zip(?s:.)*({reason})"):
        publisher.read_and_write(tmp_path)
    left = {p.name for p in Path(".cache/aistpp").iterdir()}
    assert not any(name.startswith("motions") for name in left)
    assert not list(tmp_path.rglob("outside.pkl")) and not (tmp_path / "corpus").exists()
    assert "aistpp/motions.zip" not in json.loads(Path("data/downloads.json").read_text())
    publisher.answer(path)
    assert publisher.read_and_write(tmp_path) == SONGS


def test_words_are_no_ignore_list(publisher, tmp_path):
    publisher.answer(f"{ANNOTATIONS}/ignore_list.txt", content=b"Sorry, moved")
    with pytest.raises(MotionBeatError, match=r"ignore_list\.txt names 'Sorry,'.*corpus\.annotations_url"):
        publisher.read_and_write(tmp_path)


def test_another_archive_than_the_one_on_record_is_refused(publisher, tmp_path):
    publisher.read_and_write(tmp_path / "first")
    for path in Path(".cache/aistpp").glob("splits*"):
        path.rename(tmp_path / path.name)
    other = zipped({f"splits/crossmodal_{split}.txt": b"" for split in ("train", "val", "test")})
    publisher.answer(f"{ANNOTATIONS}/splits.zip", content=other)
    with pytest.raises(MotionBeatError, match=r"data/downloads\.json.*on record"):
        publisher.read_and_write(tmp_path / "second")


def test_a_root_that_does_not_exist_is_an_error_before_anything_is_downloaded(publisher, tmp_path):
    with pytest.raises(MotionBeatError, match=r"gone is not a folder: expected motions/"):
        publisher.read_and_write(tmp_path, root="gone")
    assert publisher.asked == []
