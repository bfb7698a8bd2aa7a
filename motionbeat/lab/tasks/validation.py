"""The score for early stopping: retrieval and discrimination on the validation split."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import batches_of, encode_windows
from motionbeat.retrieval import retrieval_metrics


class Compared(NamedTuple):
    """Embeddings (n, d), and results against the negatives: 1 won, 1/2 tie, 0 lost, NaN without a negative."""

    audio: NDArray[np.float32]
    motion: NDArray[np.float32]
    tempo: NDArray[np.float32]  # (n, p)
    jitter: NDArray[np.float32]  # (n, q)
    tempo_same_phase: NDArray[np.bool_]  # (n, p): the negative is there, in the anchor's meter and bar phase


class Validation:
    """Call it with a model: returns val_r10 and val_nll in both directions (percent, nats), accuracies (0..1) and the
    score.

    For a mix of corpora there is also NAME_CORPUS of each figure, for the windows and the gallery of that corpus only.
    """

    def __init__(self, tokens: Tokens, batches: Batches, temperature: float) -> None:
        self._batches, self._temperature = batches, temperature
        bars = tokens.windows(batches.split, batches.beats, every="bar")
        keys = set(zip(bars.clip, bars.start, strict=True))
        windows = batches.windows
        # windows at every bar, as indices into those of `batches`
        self.index = np.flatnonzero([key in keys for key in zip(windows.clip, windows.start, strict=True)])
        self._source = np.array([tokens.sources.get(song) for song in windows.song[self.index]])

    def __call__(self, model: DualEncoder) -> dict[str, float]:
        """Figures over the windows at every bar; `tempo_accuracy` is left out if no validation pair exists.

        An accuracy is the share of (anchor, negative) pairs in which the anchor's dance is
        nearer to its music than the negative is; a tie counts one half. `tempo_accuracy` counts all pairs,
        `tempo_accuracy_same_phase` those in the anchor's bar phase. The score is minus the mean of
        the two directions' negative log-likelihood: accuracies near 0.99 would not distinguish two models.
        """
        compared = self.compare(model)
        figures = self._figures(compared, slice(None))
        figures["score"] = -(figures["val_nll_music_to_motion"] + figures["val_nll_motion_to_music"]) / 2
        for source in sorted({name for name in self._source.tolist() if name is not None}):
            of_source = self._figures(compared, self._source == source)
            figures |= {f"{name}_{source}": value for name, value in of_source.items()}
        return figures

    def _figures(self, compared: Compared, chosen: slice | NDArray[np.bool_]) -> dict[str, float]:
        """Figures of some of the windows `index`."""
        part = Compared(*(values[chosen] for values in compared))  # type: ignore[arg-type]  # each of its own type
        figures = self._gallery(part.audio, part.motion, self._batches.windows.audio_row[self.index][chosen])
        for name, wins in (
            ("jitter_accuracy", part.jitter),
            ("tempo_accuracy", part.tempo),
            ("tempo_accuracy_same_phase", part.tempo[part.tempo_same_phase]),
        ):
            present = wins[np.isfinite(wins)]
            if len(present):
                figures[name] = float(present.mean())
        return figures

    def compare(self, model: DualEncoder) -> Compared:
        """Embeddings of the windows `index`, and whether each is nearer to its music than its negatives are."""
        batches = self._batches
        parts: list[tuple[Tensor, ...]] = []
        for part in batches_of(len(self.index)):
            batch = batches.gather(self.index[part], batches.tempo_negatives, batches.jitter_negatives)
            audio = encode_windows(model, "audio", batch.mel, *batch.motion[1:]).embedding  # (n, d)
            motion = encode_windows(model, "motion", *batch.motion).embedding  # (n, d)
            wins = []
            for negatives, absent in ((batch.tempo, batch.tempo_absent), (batch.jitter, batch.jitter_absent)):
                won = torch.full(absent.shape, torch.nan, device=audio.device)
                if absent.numel():
                    far = encode_windows(model, "motion", *negatives).embedding.unflatten(0, absent.shape)  # (n, p, d)
                    margin = (audio * motion).sum(1)[:, None] - (audio[:, None] * far).sum(2)
                    won = torch.where(absent, won, _wins(margin))
                wins.append(won)
            parts.append((audio, motion, *wins, batch.tempo_same_phase & ~batch.tempo_absent))
        return Compared(*(torch.cat(tensors).cpu().numpy() for tensors in zip(*parts, strict=True)))

    def _gallery(self, audio: np.ndarray, motion: np.ndarray, rows: NDArray[np.integer]) -> dict[str, float]:
        """R@10 in percent and negative log-likelihood; each distinct music window is in the gallery once.

        rows: of the music's first beats in the tokens.
        """
        _, first, song_window = np.unique(rows, return_index=True, return_inverse=True)
        similarity = motion @ audio[first].T  # (m, n)
        relevant = song_window[:, None] == np.arange(len(first))
        by_direction = {
            "music_to_motion": retrieval_metrics(similarity.T, relevant.T, temperature=self._temperature),
            "motion_to_music": retrieval_metrics(similarity, relevant, temperature=self._temperature),
        }
        return {f"val_{name}_{way}": figures[name] for name in ("r10", "nll") for way, figures in by_direction.items()}


def _wins(margin: Tensor) -> Tensor:
    """1 where the margin is positive, 1/2 where it is a tie to float32 precision, else 0."""
    tie = margin.abs() < 1e-6
    return torch.where(tie, 0.5, (margin > 0).float())
