"""Where the four parts of AIST++ are: motions, split lists, ignore list and music, each found separately."""

from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.aistpp import aistpp_names
from motionbeat.lab.tables import SPLITS

AUDIO = ("wav", "flac", "mp3")
EXPECTED = (
    "expected motions/*.pkl, splits/crossmodal_{train,val,test}.txt, ignore_list.txt and wav/*.wav, "
    "as in the official archives; set corpus.root in params.yaml to the folder with them"
)


@frozen
class Parts:
    """The parts that were found; a missing part is None (for music: no folder)."""

    root: Path  # the folder that was searched
    motions: Path | None = None  # folder of the pickles
    splits: Path | None = None  # folder of crossmodal_{train,val,test}.txt
    ignore_list: Path | None = None  # file
    music: tuple[Path, ...] = field(default=())  # folders of the songs; if several have a song, the first is used

    def list_of(self, split: str) -> Path:
        """The official list of a split."""
        return (self.splits or self.root / "splits") / f"crossmodal_{split}.txt"

    def audio(self, song: str) -> Path | None:
        """The audio file of a song, or None."""
        files = (folder / f"{song}.{kind}" for folder in self.music for kind in AUDIO)
        return next((path for path in files if path.is_file()), None)


def locate(root: Path) -> Parts:
    """The parts in a folder that the user has: each in `root`, or in aist_plusplus_final/ in it.

    Motions are in motions/, lists in splits/, the ignore list next to or in splits/, songs (wav, flac or mp3) in wav/
    or music/. Raises `MotionBeatError` if `root` is not a folder; the caller deals with missing parts.
    """
    if not root.is_dir():
        raise MotionBeatError(f"{root} is not a folder: {EXPECTED}")
    bases = (root, root / "aist_plusplus_final")
    motions = [base / "motions" for base in bases if any((base / "motions").glob("*.pkl"))]
    splits = [base / "splits" for base in bases if _has_lists(base / "splits")]
    ignored = [base / place for base in bases for place in ("ignore_list.txt", "splits/ignore_list.txt")]
    music = [base / place for base in bases for place in ("wav", "music") if _has_songs(base / place)]
    return Parts(root, _first(motions), _first(splits), _first(path for path in ignored if path.is_file()), (*music,))


def _has_lists(folder: Path) -> bool:
    """Whether any official list is there: a folder with only some is used, so that the error names the others."""
    return any((folder / f"crossmodal_{split}.txt").is_file() for split in SPLITS)


def _has_songs(folder: Path) -> bool:
    return any(aistpp_names.is_song(path.stem) and path.suffix[1:] in AUDIO for path in folder.glob("m*"))


def _first(paths: Iterable[Path]) -> Path | None:
    return next(iter(paths), None)
