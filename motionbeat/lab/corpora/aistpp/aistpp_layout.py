"""Where the four parts of AIST++ lie: motions, split lists, ignore list and music, each on its own."""

from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.aistpp import aistpp_names
from motionbeat.lab.tables import SPLITS

AUDIO = ("wav", "flac", "mp3")
EXPECTED = (
    "expected motions/*.pkl, splits/crossmodal_{train,val,test}.txt, ignore_list.txt and wav/*.wav, "
    "as the official archives unpack; set corpus.root in params.yaml to the folder that holds them"
)


@frozen
class Parts:
    """The parts that were found; none (or no folder of music) for one that was not."""

    root: Path  # where they were looked for
    motions: Path | None = None  # folder of the pickles
    splits: Path | None = None  # folder of crossmodal_{train,val,test}.txt
    ignore_list: Path | None = None  # file
    music: tuple[Path, ...] = field(default=())  # folders of the songs, the first to have a song wins

    def list_of(self, split: str) -> Path:
        """The official list of a split."""
        return (self.splits or self.root / "splits") / f"crossmodal_{split}.txt"

    def audio(self, song: str) -> Path | None:
        """The audio file of a song, none if there is none."""
        files = (folder / f"{song}.{kind}" for folder in self.music for kind in AUDIO)
        return next((path for path in files if path.is_file()), None)


def locate(root: Path) -> Parts:
    """The parts in a folder that the user has: each in `root`, or in aist_plusplus_final/ in it.

    Motions lie in motions/, lists in splits/, the ignore list beside or in splits/, songs (wav, flac or mp3)
    in wav/ or music/. Raises `MotionBeatError` if `root` is not a folder; a part that is not there is for the
    caller to refuse or to get elsewhere.
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
    """Whether any official list is there: a folder with some of them is the user's, and is not passed over."""
    return any((folder / f"crossmodal_{split}.txt").is_file() for split in SPLITS)


def _has_songs(folder: Path) -> bool:
    return any(aistpp_names.is_song(path.stem) and path.suffix[1:] in AUDIO for path in folder.glob("m*"))


def _first(paths: Iterable[Path]) -> Path | None:
    return next(iter(paths), None)
