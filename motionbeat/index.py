"""Search a library of songs and dances by rhythm.

>>> import motionbeat
>>> model = motionbeat.load("models/motionbeat")
>>> index = motionbeat.Index.build(model, "music")
>>> index.save("library.mbi")
>>> index = motionbeat.Index.open("library.mbi", model)
>>> for match in index.search(like="song.wav", count=5):
...     print(f"{match.score:.3f} {match.piece.name} at {match.places[0].begin_s:.1f} s")

Two pieces are similar if the windows that begin at many successive beats have a high cosine at one offset. Beats are
the time axis, so tempo does not affect the score; it decides which pieces are compared (`tempo`). docs/search.md has
measurements.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import asdict
from numpy.typing import ArrayLike, NDArray

from motionbeat.beats import default_tracker
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.inference import MotionBeat
from motionbeat.search import index_file, piece_files
from motionbeat.search.index_file import model_digest
from motionbeat.search.matches import Kind, Match, Piece, Place, Update
from motionbeat.search.nearest import EXACT_LIMIT, Nearest
from motionbeat.search.rhythm_windows import Windows, folded, motion_windows, music_windows
from motionbeat.search.stretches import best_stretches

Tempo = Literal["folded", "same", "any"]
TEMPI: tuple[Tempo, ...] = ("folded", "same", "any")
_NEIGHBOURS = 100  # neighbours of each query window, if not all are compared
_CANDIDATES = 200  # pieces that are then compared in full
_QUERIES = 64  # query windows that look for them


class Index:
    """Windows of songs and dances, embedded by one model; the module has an example."""

    def __init__(self, model: MotionBeat, tracker: str | None = None) -> None:
        """An empty index.

        tracker: for all its songs and queries (`motionbeat.beats.TRACKERS`); None: the best one installed.
        """
        self.model, self.tracker = model, tracker or default_tracker()
        if self.tracker not in ("madmom", "librosa"):
            raise MotionBeatError(f"tracker = {tracker!r}: give madmom or librosa")
        self.digest = model_digest(model)
        self.pieces: tuple[Piece, ...] = ()
        self._windows: tuple[tuple[NDArray[np.float16], NDArray[np.float64]], ...] = ()
        self._nearest: dict[str, Nearest] = {}

    @classmethod
    def build(cls, model: MotionBeat, *folders: str | Path, tracker: str | None = None) -> "Index":
        """An index of every song and dance in some folders and their subfolders; raises an error for one that
        cannot be embedded.
        """
        index = cls(model, tracker)
        for folder in folders:
            refused = index.update(folder).refused
            if refused:
                raise MotionBeatError("\n".join(refused.values()))
        return index

    @classmethod
    def open(cls, path: str | Path, model: MotionBeat) -> "Index":
        """The index that `save` wrote. Refused if another model made it, since its vectors cannot be compared."""
        header, tensors = index_file.read(Path(path))
        index = cls(model, header["tracker"])
        if header["model"] != index.digest:
            raise MotionBeatError(
                f"{path} was made by another model ({header['model'][:12]}; this one is {index.digest[:12]}): name "
                "that model with --model, or make a new index with motionbeat index FOLDER -o another.mbi"
            )
        try:
            index.pieces = tuple(Piece(**piece) for piece in header["pieces"])
        except (TypeError, ValueError) as error:
            raise MotionBeatError(f"{path}: {error.args[0]}: create it anew with motionbeat index") from None
        width = model.model.config.embedding
        if tensors["vectors"].shape[1] != width:
            raise MotionBeatError(f"{path}: its vectors are not {width} wide: create it anew with motionbeat index")
        ends = np.cumsum([piece.windows for piece in index.pieces])[:-1]
        parts = np.split(tensors["vectors"], ends), np.split(tensors["times"], ends)
        index._windows = tuple(zip(*parts, strict=True)) if index.pieces else ()
        for kind in ("song", "dance"):
            if index._large(kind) and f"nearest_{kind}" in tensors:  # else faiss's reader has no part in it
                index._nearest[kind] = Nearest.unpack(tensors[f"nearest_{kind}"])
                if len(index._nearest[kind]) != sum(p.windows for p in index.pieces if p.kind == kind):
                    raise MotionBeatError(f"{path}: its search structure belongs to other windows: make it anew")
        return index

    def save(self, path: str | Path, structures: bool = True) -> None:
        """Write the index as one file, complete or absent.

        structures: include faiss's structure of a large library; without it, the structure is built at the first
        search.
        """
        width = self.model.model.config.embedding
        tensors = {
            "vectors": np.concatenate([v for v, _ in self._windows] or [np.zeros((0, width), np.float16)]),
            "times": np.concatenate([t for _, t in self._windows] or [np.zeros((0, 2))]),
        }
        for kind in ("song", "dance"):
            if structures and self._large(kind):
                tensors[f"nearest_{kind}"] = self._structure(kind).pack()
        header = {"model": self.digest, "tracker": self.tracker, "pieces": [asdict(piece) for piece in self.pieces]}
        index_file.write(Path(path), header, tensors)

    def __len__(self) -> int:
        """The number of windows."""
        return sum(piece.windows for piece in self.pieces)

    def update(
        self,
        folder: str | Path,
        *,
        each: Callable[[list[str]], Iterable[str]] = iter,
        done: Callable[[], None] = lambda: None,
    ) -> Update:
        """Embed new and changed files of a folder, and remove deleted ones; pieces of other folders are kept.

        each: wraps the names to embed, to show progress. done: called after each piece, for example to save.
        """
        root = Path(folder).resolve()
        found = piece_files.pieces_of(root)
        mine = {piece.name: piece for piece in self.pieces if piece.folder == str(root)}
        kept = [n for n, (p, kind) in found.items() if n in mine and piece_files.has_state(p, kind, mine[n].state)]
        unlisted = {name for name, (_, kind) in found.items() if kind == "folder"}  # what is in these is not known
        removed = sorted(n for n in mine.keys() - found.keys() if unlisted.isdisjoint(map(str, Path(n).parents)))
        self._drop({(str(root), name) for name in removed})
        added: list[str] = []
        changed: list[str] = []
        refused: dict[str, str] = {}
        for name in each([name for name in found if name not in set(kept)]):
            path, kind = found[name]
            try:
                piece_files.refuse_bytes(name)
                state, content = piece_files.state_of(path, kind), piece_files.content_of(path)
                windows = self._song(path, None)[0] if kind == "song" else self._dance(path)
            except MotionBeatError as error:
                refused[name] = str(error)
                self._drop({(str(root), name)})
                continue
            if name in mine:
                self._drop({(str(root), name)})
            self.add(name, windows, "song" if kind == "song" else "dance", str(root), content, state)
            (changed if name in mine else added).append(name)
            done()
        return Update(tuple(added), tuple(changed), tuple(kept), tuple(removed), refused)

    def add(
        self, name: str, windows: Windows, kind: Kind = "song", folder: str = "", content: str = "", state: str = ""
    ) -> None:
        """Add one piece as windows (`motionbeat.search.rhythm_windows`). The rest: see `Piece`."""
        count = len(windows.vectors)
        piece = Piece(name, folder, kind, windows.bpm, windows.beats_per_bar, count, content, state)
        more = ((windows.vectors.astype(np.float16), windows.times),)
        self.pieces, self._windows = (*self.pieces, piece), self._windows + more  # in one: a signal finds both or none
        self._nearest.pop(kind, None)

    def search(
        self,
        *,
        like: str | Path | ArrayLike | None = None,
        dance: str | Path | ArrayLike | None = None,
        to_dance: str | Path | ArrayLike | None = None,
        sample_rate: int | None = None,
        fps: float | None = None,
        beats: Beats | None = None,
        start_s: float = 0.0,
        count: int = 10,
        tempo: Tempo = "folded",
        tolerance: float = 0.08,
        stretch_beats: int = 32,
        places: int = 3,
    ) -> list[Match]:
        """The best matches of one query, best first.

        like: a song; finds songs similar in rhythm. to_dance: a song; finds dances that fit it. Each a file, or an
        array with sample_rate in Hz. dance: finds songs that fit a dance: a file, or joints (T, 24, 3) m, y up, with
        fps. beats: of the query; without them those of a song are tracked, those of a dance lie beside its file.
        start_s: of the query, windows that begin so many seconds into it or later are used.
        The rest: see `match`. The query's own file is left out. Raises `MotionBeatError` for what cannot be used.
        """
        given = [(name, value) for name, value in (("like", like), ("dance", dance), ("to_dance", to_dance))]
        given = [(name, value) for name, value in given if value is not None]
        if len(given) != 1:
            raise MotionBeatError("give exactly one of like, dance and to_dance")
        name, query = given[0]
        grids = (
            [self._dance(query, fps, beats)] if name == "dance" else self._song(query, sample_rate, beats, fold=True)
        )
        return self.match(
            [grid.since(start_s) for grid in grids] if start_s else grids,
            "dance" if name == "to_dance" else "song",
            count=count,
            tempo=tempo,
            tolerance=tolerance,
            stretch_beats=stretch_beats,
            places=places,
            leave_out=piece_files.content_of(Path(query)) if isinstance(query, str | Path) else None,
        )

    def match(
        self,
        grids: Sequence[Windows],
        kind: Kind = "song",
        *,
        count: int = 10,
        tempo: Tempo = "folded",
        tolerance: float = 0.08,
        stretch_beats: int = 32,
        places: int = 3,
        leave_out: str | None = None,
    ) -> list[Match]:
        """The best matches of a query that is embedded already, best first.

        grids: its windows, first those of its own beat grid, then of others (`rhythm_windows.folded`). tempo: which
        pieces are compared. `same`: those within `tolerance` (0.08 = 8 %) of the query's tempo; `folded`: those within
        it of the tempo of any of its grids, compared on that grid; `any`: all, on its own grid. stretch_beats:
        successive beats that must fit, fewer for short pieces. places: the most places per match. leave_out:
        `Piece.content` of pieces to leave out.
        """
        if tempo not in TEMPI:
            raise MotionBeatError(f"tempo = {tempo!r}: give one of {', '.join(TEMPI)}")
        if min(count, stretch_beats, places) < 1 or not 0 < tolerance < 1:
            raise MotionBeatError("give count, stretch_beats and places of at least 1, and a tolerance between 0 and 1")
        length = max(1, stretch_beats - self.model.layout.window_beats + 1)
        found: dict[int, list[Place]] = {}
        for grid in grids if tempo == "folded" else grids[:1]:
            allowed = self._allowed(kind, grid.bpm, None if tempo == "any" else tolerance, leave_out)
            for number in self._candidates(kind, grid, allowed):
                vectors, times = self._windows[number]
                cosine = grid.vectors.astype(np.float32) @ vectors.astype(np.float32).T
                last = min(length, *cosine.shape) - 1
                for i, j, score in best_stretches(cosine, length, places):
                    asked = float(grid.times[i, 0]), float(grid.times[i + last, 1])
                    answered = float(times[j, 0]), float(times[j + last, 1])
                    found.setdefault(number, []).append(Place(score, *asked, *answered, grid.speed))
        best = {number: sorted(each, key=lambda place: -place.score)[:places] for number, each in found.items()}
        order = sorted(best, key=lambda number: (-best[number][0].score, self.pieces[number].name))
        return [Match(self.pieces[n], best[n][0].score, tuple(best[n])) for n in order[:count]]

    def _allowed(self, kind: Kind, bpm: float, tolerance: float | None, leave_out: str | None) -> NDArray[np.bool_]:
        """(pieces,) True for pieces of a kind with a tempo that is near enough."""
        near = math.inf if tolerance is None else math.log1p(tolerance)
        return np.array(
            [
                piece.kind == kind and piece.content != leave_out and abs(math.log(piece.bpm / bpm)) <= near
                for piece in self.pieces
            ],
            bool,
        )

    def _candidates(self, kind: Kind, grid: Windows, allowed: NDArray[np.bool_]) -> list[int]:
        """All allowed pieces; in a large library, those with the nearest windows by the sum of cosines."""
        if not self._large(kind):
            return np.flatnonzero(allowed).tolist()
        numbers = [number for number, piece in enumerate(self.pieces) if piece.kind == kind]
        owner = np.repeat(numbers, [self.pieces[number].windows for number in numbers])
        chosen = np.unique(np.linspace(0, len(grid.vectors) - 1, _QUERIES).astype(int))
        scores, rows = self._structure(kind).search(grid.vectors[chosen], _NEIGHBOURS, allowed[owner])
        votes = np.zeros(len(self.pieces))
        np.add.at(votes, owner[rows[rows >= 0]], np.maximum(scores[rows >= 0], 0))
        order = np.argsort(-votes, kind="stable")[:_CANDIDATES]
        return order[votes[order] > 0].tolist()

    def _large(self, kind: str) -> bool:
        return sum(piece.windows for piece in self.pieces if piece.kind == kind) > EXACT_LIMIT

    def _structure(self, kind: str) -> Nearest:
        if kind not in self._nearest:
            chosen = [v for piece, (v, _) in zip(self.pieces, self._windows, strict=True) if piece.kind == kind]
            self._nearest[kind] = Nearest.build(np.concatenate(chosen))
        return self._nearest[kind]

    def _song(
        self, audio: Any, sample_rate: int | None, beats: Beats | None = None, fold: bool = False
    ) -> list[Windows]:
        own = beats or piece_files.beats_of_song(audio, sample_rate, self.tracker)
        return music_windows(self.model, audio, sample_rate, folded(own) if fold else [(1.0, own)])

    def _dance(self, dance: Any, fps: float | None = None, beats: Beats | None = None) -> Windows:
        if isinstance(dance, str | Path):
            motion = piece_files.read_dance(Path(dance))
            seconds = len(motion.joints) / motion.fps
            own = beats or piece_files.beats_of_dance(Path(dance), seconds, self.tracker)
            return motion_windows(self.model, motion.joints, motion.fps, own, motion.poses)
        if fps is None or beats is None:
            raise MotionBeatError("a dance as an array needs fps and the beats of its music: give both")
        return motion_windows(self.model, np.asarray(dance, np.float32), fps, beats)

    def _drop(self, names: set[tuple[str, str]]) -> None:
        kept = [number for number, piece in enumerate(self.pieces) if (piece.folder, piece.name) not in names]
        if len(kept) < len(self.pieces):
            pieces = tuple(self.pieces[number] for number in kept)
            windows = tuple(self._windows[number] for number in kept)
            self.pieces, self._windows = pieces, windows
            self._nearest.clear()
