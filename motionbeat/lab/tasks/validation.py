"""The score that early stopping goes by: retrieval and discrimination on the validation split."""

import numpy as np
import torch
from torch import Tensor

from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.retrieval import retrieval_metrics

_AT_ONCE = 256


class Validation:
    """Call it with a model: val_r10 both ways (percent), jitter_accuracy, tempo_accuracy (0..1), score."""

    def __init__(self, tokens: Tokens, batches: Batches) -> None:
        self._batches = batches
        bars = tokens.windows(batches.split, batches.beats, every="bar")
        keys = set(zip(bars.clip, bars.start, strict=True))
        windows = batches.windows
        # windows at every bar, as indices into those of `batches`
        self.index = np.flatnonzero([key in keys for key in zip(windows.clip, windows.start, strict=True)])

    @torch.no_grad()
    def __call__(self, model: DualEncoder) -> dict[str, float]:
        """Figures over the windows at every bar; `tempo_accuracy` is left out where no validation pair exists.

        An accuracy is the share of (anchor, negative) pairs in which the anchor's own dance is
        nearer to its music than the negative is; a tie counts one half. The score is the mean of
        the two directions' R@10 (0..1) and of the jitter accuracy, each with half the weight.
        """
        model.eval()
        batches = self._batches
        audio: list[Tensor] = []
        motion: list[Tensor] = []
        tempo: list[Tensor] = []
        jitter: list[Tensor] = []
        for begin in range(0, len(self.index), _AT_ONCE):
            index = self.index[begin : begin + _AT_ONCE]
            batch = batches.gather(index, batches.tempo_negatives, batches.jitter_negatives)
            own = model.audio(batch.mel, *batch.motion[1:]).embedding  # (n, d)
            positive = model.motion(*batch.motion).embedding  # (n, d)
            audio.append(own)
            motion.append(positive)
            near = (own * positive).sum(1)
            for negatives, absent, wins in (
                (batch.tempo, batch.tempo_absent, tempo),
                (batch.jitter, batch.jitter_absent, jitter),
            ):
                if absent.numel():
                    far = model.motion(*negatives).embedding.unflatten(0, absent.shape)  # (n, p, d)
                    margin = near[:, None] - (own[:, None] * far).sum(2)
                    wins.append(_wins(margin)[~absent])
        recall = self._recall(torch.cat(audio).cpu().numpy(), torch.cat(motion).cpu().numpy())
        figures = dict(recall)
        discrimination = {"jitter_accuracy": jitter, "tempo_accuracy": tempo}
        for name, parts in discrimination.items():
            wins_of_all = torch.cat(parts) if parts else torch.empty(0)
            if len(wins_of_all):
                figures[name] = float(wins_of_all.mean())
        parts_of_score = [sum(recall.values()) / len(recall) / 100]
        if "jitter_accuracy" in figures:
            parts_of_score.append(figures["jitter_accuracy"])
        figures["score"] = sum(parts_of_score) / len(parts_of_score)
        return figures

    def _recall(self, audio: np.ndarray, motion: np.ndarray) -> dict[str, float]:
        """R@10 in percent; each distinct music window stands once in the gallery."""
        rows = self._batches.windows.audio_row[self.index]
        _, first, song_window = np.unique(rows, return_index=True, return_inverse=True)
        similarity = motion @ audio[first].T  # (m, n)
        relevant = song_window[:, None] == np.arange(len(first))
        return {
            "val_r10_music_to_motion": retrieval_metrics(similarity.T, relevant.T)["r10"],
            "val_r10_motion_to_music": retrieval_metrics(similarity, relevant)["r10"],
        }


def _wins(margin: Tensor) -> Tensor:
    """1 where the margin is positive, 1/2 where it is a tie to float32 precision, else 0."""
    tie = margin.abs() < 1e-6
    return torch.where(tie, 0.5, (margin > 0).float())
