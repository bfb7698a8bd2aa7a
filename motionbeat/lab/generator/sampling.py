"""Music2Dance: dances of any length from noise, by 5-s slices that are blended at each denoising step.

The sample is one sequence as long as the dance. Each step predicts the clean dance slice by slice; where two slices
overlap, their predictions are blended, and the step is applied to the whole sequence. So slices cannot diverge, and
there are no seams.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from attrs import frozen
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import motion_vector
from motionbeat.lab.generator.diffusion import ddim, noised
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.motion_vector import FPS, FRAMES, WIDTH
from motionbeat.lab.generator.music_condition import Music
from motionbeat.lab.generator.planting import planted
from motionbeat.model.model_folder import refuse_not_finite
from motionbeat.motion.limbs import minimum_jerk
from motionbeat.motion.skeleton import INDEX

if TYPE_CHECKING:
    from motionbeat.lab.params import Dance

HOP = FRAMES // 2
_SLICES_AT_ONCE = 64
_BRIDGE = 15
"""Frames over which the effect of held frames on free ones fades."""


@frozen(eq=False)
class GeneratedDance:
    """A dance at 30 frames per second, y up."""

    joints: NDArray[np.float32]
    """(T, 24, 3) m, on the neutral body."""
    poses: NDArray[np.float32]
    """(T, 24, 3) axis-angle, radians; the root's position is joints[:, 0]."""
    contacts: NDArray[np.float32]
    """(T, 4), about 0 or 1: left ankle, right ankle, left toes, right toes."""
    vectors: NDArray[np.float32]
    """(T, 151) vectors as sampled (or planted), contacts not rounded to 0 or 1."""
    fps: float = FPS


@frozen(eq=False)
class Held:
    """Known numbers of a dance: vectors (T, 151), and (T, 151) bool, True where they are known."""

    vectors: NDArray[np.float32]
    mask: NDArray[np.bool_]


def hold(
    vectors: NDArray[np.float32],
    frames: slice | NDArray[np.bool_] = slice(None),
    joints: Iterable[str] | None = None,
    root: bool = True,
) -> Held:
    """Fix a part of a dance (T, 151), encoded by `motion_vector.encode`.

    frames: a slice or (T,) bool; for in-betweening the first and last frames. joints: names of joints whose rotations
    are held; None: all joints and the foot contacts. root: whether its position is held. Raises `MotionBeatError` for
    unknown joints, another shape and when nothing is held.
    """
    values = np.asarray(vectors, np.float32)
    if values.ndim != 2 or values.shape[1] != WIDTH or not np.isfinite(values).all():
        raise MotionBeatError(f"held vectors have shape {values.shape}; give (frames, {WIDTH}), finite")
    named = list(INDEX) if joints is None else list(joints)
    unknown = [name for name in named if name not in INDEX]
    if unknown:
        raise MotionBeatError(f"held joints: {', '.join(unknown)} unknown; give some of {', '.join(INDEX)}")
    channels = np.zeros(WIDTH, bool)
    for name in named:
        channels[motion_vector.joint_channels(INDEX[name])] = True
    channels[motion_vector.ROOT] = root
    channels[motion_vector.CONTACT] = joints is None
    mask = np.zeros(values.shape, bool)
    mask[frames] = channels
    if not mask.any():
        raise MotionBeatError("nothing is held: give frames within the dance, and joints or the root")
    return Held(values, mask)


@torch.no_grad()
def generate(
    model: DanceGenerator,
    condition: ArrayLike,
    frames: int | None = None,
    seed: int = 0,
    guidance: float = 2.0,
    steps: int = 50,
    eta: float = 0.0,
    held: Held | None = None,
    plant: bool = True,
) -> GeneratedDance:
    """Dance to music.

    condition: (T, c) music features of the model's encoder at 30 frames per second. frames: length of the dance, all T
    by default. guidance: weight of the music, 0 for none. steps: number of DDIM steps; eta: DDIM's noise, 0..1. held:
    the given part of the dance, of `frames` frames; it is kept exactly. plant: whether feet are kept still during
    contacts (`planting`), which EDGE does not do. The same arguments give the same dance. Raises `MotionBeatError` for
    music that is too short, silent or of another width, and values out of range.
    """
    music = _checked_music(model, condition)
    count = len(music) if frames is None else frames
    _check(model, len(music), count, guidance, steps, eta)
    if held is not None and held.vectors.shape != (count, WIDTH):
        raise MotionBeatError(f"held vectors have shape {held.vectors.shape}; give ({count}, {WIDTH}) as the dance has")
    device = model.offset.device
    normalised = model.normalise_music(torch.as_tensor(music[:count], device=device))
    generator = torch.Generator().manual_seed(seed)  # on the CPU, for the same noise on every device
    start = torch.randn((count, WIDTH), generator=generator).to(device)
    rows = _slice_rows(count).to(device)  # (n, 150)
    share = _shares(count, rows)  # (n, 150, 1)
    parts = list(zip(rows.split(_SLICES_AT_ONCE), share.split(_SLICES_AT_ONCE), strict=True))
    encoded = [model.network.encode_music(normalised[part]) for part, _ in parts]
    bridge = None if held is None else _Bridge(held.mask, model.scaled(torch.as_tensor(held.vectors, device=device)))

    def predict(x: Tensor, step: int) -> Tensor:
        clean = torch.zeros_like(x)
        for (part, weight), music_of_part in zip(parts, encoded, strict=True):
            sliced = model.guided(x[part], step, music_of_part, guidance)
            # slice by slice: a sum in random order would differ between runs
            for addend, row in zip(weight * sliced, part, strict=True):
                clean[row] += addend
        return clean if bridge is None else bridge(clean)

    settle = None
    if bridge is not None:
        mask, known = bridge.mask, bridge.known

        def settle(x: Tensor, step: int) -> Tensor:
            if step < 0:
                return torch.where(mask, known, x)
            noise = torch.randn(x.shape, generator=generator).to(x)
            return torch.where(mask, noised(known, model.levels[step].to(x), noise), x)

    vectors = model.unscaled(ddim(predict, start, model.levels, steps, eta, generator, settle)).cpu()
    refuse_not_finite(vectors.numpy())
    if plant:
        vectors = torch.as_tensor(planted(vectors.numpy(), None if held is None else held.mask))
    if held is not None:  # scaling and back rounds
        vectors = torch.where(torch.as_tensor(held.mask), torch.as_tensor(held.vectors), vectors)
    return as_dance(vectors)


def dance_to(model: DanceGenerator, music: Music, settings: "Dance", seed: int) -> GeneratedDance:
    """Dance to the first seconds of a song with the settings of the stage dance; errors as for `generate`."""
    return generate(
        model,
        music.condition(min(settings.length_s, float(music.times[-1]))),
        seed=seed,
        guidance=settings.guidance,
        steps=settings.sampling_steps,
        eta=settings.sampling_noise,
        plant=settings.plant_feet,
    )


def as_dance(vectors: Tensor) -> GeneratedDance:
    """Vectors (T, 151), not scaled, as joints and poses."""
    contact, root, rotations = motion_vector.decode(vectors)
    joints, poses = motion_vector.joints(root, rotations), motion_vector.rotation_vectors(rotations)
    return GeneratedDance(_array(joints), _array(poses), _array(contact), _array(vectors))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.numpy().astype(np.float32)


class _Bridge:
    """Joins held and free frames: the prediction error at held frames is subtracted from the free ones, fading within
    `_BRIDGE`.

    Without it the first free frame ignores the held ones, and the dance jumps there.
    """

    def __init__(self, mask: NDArray[np.bool_], known: Tensor) -> None:
        """mask, known: (T, 151), what is held, and its scaled vectors."""
        frames, count = np.arange(len(mask))[:, None], len(mask)
        before = np.maximum.accumulate(np.where(mask, frames, -1))
        after = np.minimum.accumulate(np.where(mask, frames, count)[::-1])[::-1]
        shares = [
            np.where((at >= 0) & (at < count), 1 - minimum_jerk(np.abs(frames - at) / _BRIDGE), 0.0)
            for at in (before, after)
        ]
        total = np.maximum(shares[0] + shares[1], 1.0)
        self.mask, self.known = torch.as_tensor(mask, device=known.device), known
        self._sides = [
            (torch.as_tensor(at.clip(0, count - 1), device=known.device), torch.as_tensor(share / total).to(known))
            for at, share in zip((before, after), shares, strict=True)
        ]

    def __call__(self, clean: Tensor) -> Tensor:
        """A predicted dance (T, 151), scaled, that continues the held frames."""
        missed = self.known - clean
        return clean + sum(share * missed.gather(0, at) for at, share in self._sides)


def _slice_rows(count: int) -> Tensor:
    """(n, 150) frames of overlapping slices that cover a dance; the last one ends with it."""
    starts = sorted({*range(0, count - FRAMES + 1, HOP), count - FRAMES})
    return torch.tensor(starts)[:, None] + torch.arange(FRAMES)


def _shares(count: int, rows: Tensor) -> Tensor:
    """(n, 150, 1) weight of each slice at its frames: it falls towards the ends, and the sum at every frame is 1."""
    place = torch.arange(FRAMES, device=rows.device)
    tent = torch.minimum(place + 1, FRAMES - place).float().expand(rows.shape)
    total = torch.zeros(count, device=rows.device)
    for row, weight in zip(rows, tent, strict=True):
        total[row] += weight
    return (tent / total[rows])[..., None]


def _checked_music(model: DanceGenerator, condition: ArrayLike) -> NDArray[np.float32]:
    music = np.asarray(condition, np.float32)
    width = model.config.condition_width
    if music.ndim != 2 or music.shape[1] != width:
        raise MotionBeatError(
            f"music of shape {music.shape}; this generator was trained with {model.config.encoder}: give "
            f"(frames, {width}) of that encoder"
        )
    if not np.isfinite(music).all():
        raise MotionBeatError("the music features contain NaN or infinity: encode the song again")
    if len(music) > 1 and (music == music[0]).all():
        raise MotionBeatError("the music features are constant, as for a silent song: use a song that is not silent")
    return music


def _check(model: DanceGenerator, length: int, frames: int, guidance: float, steps: int, eta: float) -> None:
    if length < FRAMES:
        raise MotionBeatError(
            f"the song lasts {length / FPS:.2f} s, shorter than a slice of {FRAMES / FPS:g} s: use a longer one"
        )
    if not FRAMES <= frames <= length:
        raise MotionBeatError(f"frames = {frames}; expected {FRAMES} to {length}, the frames of the music")
    check_choices(model, guidance, steps)
    if not 0 <= eta <= 1:
        raise MotionBeatError(f"eta = {eta}; expected a number from 0 to 1")


def check_choices(model: DanceGenerator, guidance: float, steps: int) -> None:
    """Raise `MotionBeatError` for a guidance or a number of steps that `generate` does not accept."""
    if not (np.isfinite(guidance) and guidance >= 0):
        raise MotionBeatError(f"guidance = {guidance}; expected a number of at least 0")
    if not 1 <= steps <= len(model.levels):
        raise MotionBeatError(f"steps = {steps}; expected 1 to {len(model.levels)}, the steps of the diffusion")
