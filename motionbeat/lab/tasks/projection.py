"""Baselines in retrieval: a frozen encoder's features through a trained projection head into our motion space.

The paper: "for cross-modal retrieval, we add a projection head to map embeddings into a shared space while keeping
the backbone fixed" (section 3.3). It does not say what is on the motion side; here it is our trained motion encoder,
frozen. On the music side the encoder's frames are averaged over each sub-beat, as MotionBeat's tokens are,
standardised and reduced to principal components of the training songs. The head is linear in each beat: it is
MotionBeat's readout, trained anew, with the same contrastive loss. A mean over the whole window, or over the whole
beat, would be unfair to the baselines: it erases where the onsets fall.

Axes: n distinct music windows, m dance windows, k beats, f features of a beat, c components, e embedding.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from attrs import evolve, frozen
from numpy.typing import NDArray
from torch import Tensor, nn

from motionbeat.lab.params import Retrieve
from motionbeat.lab.tasks.window_embeddings import Bars
from motionbeat.losses.ecl import embodied_contrastive_loss
from motionbeat.model.config import ModelConfig
from motionbeat.model.readout import readout
from motionbeat.model.rotation import bar_phase
from motionbeat.parallel import in_parallel
from motionbeat.retrieval import retrieval_metrics
from motionbeat.tokens.pooling import pool_frames, subbeat_edges

Floats = NDArray[np.floating]
_WEIGHT_DECAY = 0.01  # as the method's AdamW
_SMALLEST_STD = 1e-6
_EXACT_UP_TO = 1024  # features; the exact components of wider ones take minutes (Jukebox: 4 * 4,800)


def beat_features(frames: Floats, frame_rate: float, edges: Floats, subbeats: int) -> NDArray[np.float32]:
    """Frames averaged over the S equal parts of each beat.

    frames: (T, D), frame t centred on t / frame_rate s; the last one holds beyond the end, where a song's last beat
    may reach. edges: (N + 1,) s. Returns (N, S * D), part after part.
    """
    parts = subbeat_edges(edges, subbeats)
    missing = max(int(np.ceil(parts[-1] * frame_rate)) + 1 - len(frames), 0)
    held = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    return pool_frames(held, frame_rate, parts).reshape(len(edges) - 1, -1)


@frozen(eq=False)
class Reduction:
    """Standardised features, projected on the principal components of the training songs, all with one scale."""

    mean: NDArray[np.float64]  # (f,)
    axes: NDArray[np.float64]  # (f, c), standardisation and scale included

    @classmethod
    def fit(cls, rows: Floats, components: int, seed: int) -> "Reduction":
        """From rows (N, f): the first `components`, or as many as there are; a column of zeros makes the width even.

        The scale gives the components a mean square of 1 over the rows; it is one for all, so that the small ones,
        which hold noise, stay small.
        """
        from sklearn.decomposition import PCA
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        rows = np.asarray(rows, np.float64)
        mean, std = rows.mean(axis=0), np.maximum(rows.std(axis=0), _SMALLEST_STD)
        count = min(components, *rows.shape)
        solver = "covariance_eigh" if rows.shape[1] <= _EXACT_UP_TO else "randomized"
        with threadpool_limits(1):  # the order of sums depends on the number of threads, and results must not
            pca = PCA(count, svd_solver=solver, random_state=seed).fit((rows - mean) / std)
        scale = max(float(np.sqrt(pca.explained_variance_.mean())), _SMALLEST_STD)
        axes = (pca.components_ / std).T / scale
        return cls(mean, np.pad(axes, ((0, 0), (0, count % 2))))

    def __call__(self, features: Floats) -> NDArray[np.float32]:
        """(..., f) -> (..., c)."""
        return ((features - self.mean) @ self.axes).astype(np.float32)


class MusicInput(NamedTuple):
    """Music windows as the head takes them."""

    features: Tensor  # (n, k, c)
    bars: Bars


@frozen(eq=False)
class Matched:
    """Music windows and the dance windows over them, which the frozen motion encoder has embedded."""

    music: MusicInput
    motion: Tensor  # (m, e)
    music_row: NDArray[np.int64]  # (m,) the music window of each dance window
    song: NDArray[Any]  # (m,)
    start: NDArray[np.integer]  # (m,) first beat, as its index in the song

    def batches(self, size: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Every dance window once, in random order; a last batch of one is left out."""
        order = generator.permutation(len(self.music_row))
        for begin in range(0, len(order) - 1, size):
            yield order[begin : begin + size]

    def same(self, index: NDArray[np.int64]) -> Tensor:
        """(n, n) bool: other windows on overlapping beats of the same song, which are no negatives."""
        song, start = self.song[index], self.start[index]
        beats = self.music.features.shape[1]
        overlap = (song[:, None] == song) & (np.abs(start[:, None] - start) < beats)
        return torch.as_tensor(overlap & ~np.eye(len(index), dtype=bool))


class Head(nn.Module):
    """Features of each beat -> embedding: the readout of `config`, over `width` features in place of states.

    centre: subtract each feature's mean over the window, as the model does with its tokens.
    """

    def __init__(self, config: ModelConfig, width: int, centre: bool) -> None:
        super().__init__()
        self.centre = centre
        self.readout = readout(evolve(config, width=width, heads=1))

    def forward(self, features: Tensor, bars: Bars) -> Tensor:
        """features (n, k, c) -> (n, e), length 1."""
        absent = ~bars.mask[..., None]  # (n, k, 1)
        features = features.masked_fill(absent, 0)
        if self.centre:
            mean = features.sum(1, keepdim=True) / bars.mask.sum(1).clamp(min=1)[:, None, None]
            features = (features - mean).masked_fill(absent, 0)
        phase = bar_phase(bars.position, bars.beats_per_bar).masked_fill(~bars.mask, 0)
        embedding: Tensor = self.readout(features, phase, bars.beats_per_bar, bars.mask)
        return embedding


@torch.no_grad()
def project(head: Head, music: MusicInput) -> NDArray[np.float32]:
    """Embeddings (n, e) of music windows."""
    return head.eval()(*music).numpy()


def train_head(
    config: ModelConfig,
    train: Matched,
    val: Matched,
    settings: Retrieve,
    *,
    centre: bool,
    temperature: float,
    symmetric: bool,
) -> tuple[Head, dict[str, float]]:
    """The head with the best validation score over all learning rates and epochs, and how it was reached.

    The score is the mean of both directions' R@10 (percent) on the validation windows. The second value holds
    learning_rate, epoch (from 1), val_r10, parameters and seed. Each learning rate starts from the same weights, and
    is trained in a process and a thread of its own, as a head is too small to share between threads.
    """
    calls = [
        (config, train, val, settings, learning_rate, centre, temperature, symmetric)
        for learning_rate in settings.head_learning_rates
    ]
    score, epoch, learning_rate, weights = max(
        in_parallel(_best_epoch, calls, "learning rates", shown=False), key=lambda found: found[0]
    )  # of equal scores the first
    head = _new_head(config, train, settings.seed, centre)
    head.load_state_dict({name: torch.as_tensor(values) for name, values in weights.items()})
    how = {"learning_rate": learning_rate, "epoch": epoch, "val_r10": score}
    return head, how | {"parameters": sum(p.numel() for p in head.parameters()), "seed": settings.seed}


def _new_head(config: ModelConfig, train: Matched, seed: int, centre: bool) -> Head:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Head(config, train.music.features.shape[2], centre)


def _best_epoch(
    config: ModelConfig,
    train: Matched,
    val: Matched,
    settings: Retrieve,
    learning_rate: float,
    centre: bool,
    temperature: float,
    symmetric: bool,
) -> tuple[float, int, float, dict[str, Floats]]:
    """Score, epoch, learning rate and weights of the best epoch at one learning rate."""
    head = _new_head(config, train, settings.seed, centre)
    matrices = [p for p in head.parameters() if p.ndim >= 2]
    others = [p for p in head.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": _WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=learning_rate)
    generator = np.random.default_rng(np.random.SeedSequence(settings.seed))
    best: tuple[float, int, float, dict[str, Floats]] | None = None
    for epoch in range(1, settings.head_epochs + 1):
        for index in train.batches(settings.head_batch, generator):
            _step(head, optimiser, train, index, temperature, symmetric)
        score = _validate(head, val)
        if best is None or score > best[0]:
            weights = {name: tensor.numpy().copy() for name, tensor in head.state_dict().items()}
            best = score, epoch, learning_rate, weights
    assert best is not None  # params has at least one epoch
    return best


def _step(
    head: Head,
    optimiser: torch.optim.Optimizer,
    train: Matched,
    index: NDArray[np.int64],
    temperature: float,
    symmetric: bool,
) -> None:
    music_row = train.music_row[index]
    with torch.enable_grad():
        music = head(train.music.features[music_row], Bars(*(tensor[music_row] for tensor in train.music.bars)))
        loss = embodied_contrastive_loss(
            music, train.motion[index], temperature=temperature, symmetric=symmetric, mask=train.same(index)
        )
        optimiser.zero_grad()
        loss.backward()
    optimiser.step()


def _validate(head: Head, val: Matched) -> float:
    similarity = val.motion.numpy() @ project(head, val.music).T  # (m, n)
    relevant = val.music_row[:, None] == np.arange(similarity.shape[1])
    both = retrieval_metrics(similarity, relevant), retrieval_metrics(similarity.T, relevant.T)
    return (both[0]["r10"] + both[1]["r10"]) / 2
