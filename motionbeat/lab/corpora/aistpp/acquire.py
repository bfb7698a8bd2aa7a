"""Addresses2Parts: download, verify and unpack the parts of AIST++ that the user's folder lacks.

The annotations (motions, split lists, ignore list) are CC BY 4.0. The music belongs to the AIST Dance
Database, whose terms of use the user must accept before anything is downloaded. All files go to the cache, `.cache` or
MOTIONBEAT_CACHE; the user's folder is only read. Archives are kept next to their unpacked files, which are in a folder
named by the archive's digest: a second run downloads nothing, and files of different archives are never mixed up.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from attrs import evolve, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder
from motionbeat.lab import params
from motionbeat.lab.corpora.acquisition.fetch import fetch
from motionbeat.lab.corpora.acquisition.ledger import Ledger
from motionbeat.lab.corpora.acquisition.unpack import check, unpack
from motionbeat.lab.corpora.aistpp import aistpp_layout, aistpp_names
from motionbeat.lab.tables import SPLITS

LEDGER = Path("data/downloads.json")
TERMS = "https://aistdancedb.ongaaccel.jp/terms_of_use/"
_LISTS = {f"crossmodal_{split}.txt" for split in SPLITS}


@frozen
class _Archive:
    """An archive, which of its files are kept, and the limit of its unpacked size."""

    file: str
    knob: str  # the param of its address
    holds: str  # the kept files, for messages
    keep: Callable[[str], bool]  # whether a file name (without folders) is one of those
    max_bytes: int
    max_members: int


_MOTIONS = _Archive(
    "motions.zip",
    "corpus.annotations_url",
    f"motions named {aistpp_names.FORM}.pkl",
    lambda file: file.endswith(".pkl") and aistpp_names.parse(file[:-4]) is not None,
    max_bytes=8 * 2**30,
    max_members=10_000,
)
_SPLITS = _Archive(
    "splits.zip",
    "corpus.annotations_url",
    "the lists crossmodal_train.txt, crossmodal_val.txt and crossmodal_test.txt",
    _LISTS.__contains__,
    max_bytes=16 * 2**20,
    max_members=100,
)
_MUSIC = _Archive(
    "wav.zip",
    "corpus.music_url",
    "songs named mXXN.wav",
    lambda file: file.endswith(".wav") and aistpp_names.is_song(file[:-4]),
    max_bytes=16 * 2**30,
    max_members=10_000,
)


def cache() -> Path:
    """The folder for downloads of AIST++, in the folder MOTIONBEAT_CACHE or in .cache."""
    return cache_folder() / "aistpp"


def parts(settings: params.Corpus, ledger: Path = LEDGER) -> aistpp_layout.Parts:
    """All parts of AIST++: from corpus.root, or else from the cache, to which missing parts are downloaded.

    Prints which part is used from where. Raises `MotionBeatError` if corpus.root is not a folder; if the music is
    missing and corpus.accept_aist_terms is false (before anything is downloaded); and if a file cannot be downloaded,
    has changed, or has the wrong content.
    """
    found = aistpp_layout.locate(Path(settings.root))
    if not found.music and not settings.accept_aist_terms:
        raise MotionBeatError(_terms(settings))
    base, records = settings.annotations_url.rstrip("/"), Ledger(ledger)
    if found.ignore_list is None:
        file = "ignore_list.txt"
        path = fetch(
            f"aistpp/{file}",
            f"{base}/{file}",
            cache() / file,
            records,
            verify=_names,
            fix=_fix("corpus.annotations_url"),
        )
        found = evolve(found, ignore_list=path)
    if found.splits is None:
        found = evolve(found, splits=_unpacked(_SPLITS, f"{base}/{_SPLITS.file}", records))
    if found.motions is None:
        found = evolve(found, motions=_unpacked(_MOTIONS, f"{base}/{_MOTIONS.file}", records))
    if not found.music:
        found = evolve(found, music=(_unpacked(_MUSIC, settings.music_url, records),))
    for what, places in (
        ("motions", [found.motions]),
        ("splits", [found.splits]),
        ("ignore list", [found.ignore_list]),
        ("music", found.music),
    ):
        print(f"AIST++ {what}: {', '.join(map(str, places))}", flush=True)
    return found


def _fix(knob: str) -> str:
    return f"correct {knob} in params.yaml, or point corpus.root at a folder that has the files already"


def _terms(settings: params.Corpus) -> str:
    return (
        f"the music of AIST++ is not in {settings.root} (as wav/mXXN.wav), and may only be downloaded by those who "
        f"accept the terms of use of the AIST Dance Database: read them at {TERMS}, then set corpus.accept_aist_terms "
        "to true in params.yaml (for one run: dvc exp run -S corpus.accept_aist_terms=true); if you already have the "
        "files, set corpus.root to their folder"
    )


def _names(path: Path) -> None:
    """Refuse a file that is not a list of clips: some servers send a web page instead of a file."""
    wrong = [
        name for name in path.read_text(encoding="utf-8", errors="replace").split() if aistpp_names.parse(name) is None
    ]
    if wrong:
        raise MotionBeatError(
            f"ignore_list.txt names {wrong[0][:40]!r}, which is not a clip of AIST++: {_fix('corpus.annotations_url')}"
        )


def _unpacked(archive: _Archive, url: str, ledger: Ledger) -> Path:
    """The folder with the kept files of an archive, which is downloaded and unpacked if necessary."""

    def verify(arrived: Path) -> None:
        check(arrived, max_bytes=archive.max_bytes, max_members=archive.max_members)
        _place(archive, arrived)

    name, path = f"aistpp/{archive.file}", cache() / archive.file
    fetch(name, url, path, ledger, verify=verify, fix=_fix(archive.knob))
    entry = ledger.expected(name)
    if entry is None:
        raise MotionBeatError(f"{ledger.path} lost its entry {name} while it was in use: run this again")
    folder = cache() / f"{path.stem}-{entry.sha256[:16]}"
    if not folder.is_dir():
        bounds = {"max_bytes": archive.max_bytes, "max_members": archive.max_members}
        unpack(path, folder, **bounds, keep=lambda member: archive.keep(PurePosixPath(member).name))
    return folder / _place(archive, path)


def _place(archive: _Archive, path: Path) -> PurePosixPath:
    """The folder in the archive at `path` that has the files to keep; there must be exactly one."""
    with ZipFile(path) as file:
        members = [PurePosixPath(member.filename) for member in file.infolist() if not member.is_dir()]
    places = sorted({member.parent for member in members if archive.keep(member.name)})
    if len(places) != 1:
        where = " and ".join(f"{place}/" for place in places[:3]) if places else "none of them"
        raise MotionBeatError(
            f"{archive.file} should hold {archive.holds} in one folder, and has {'them in ' if places else ''}{where}: "
            + _fix(archive.knob)
        )
    return places[0]
