"""A dance generator: the denoiser, the scaling of vectors and music, and the encoder that it was trained with.

A folder with config.json and model.safetensors; no pickle is loaded.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import asdict, fields, frozen
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.diffusion import signal_levels
from motionbeat.lab.generator.motion_vector import CONTACT, FRAMES, ROOT, ROTATION, WIDTH, with_rotations
from motionbeat.lab.generator.network import Denoiser, EncodedMusic, NetworkConfig
from motionbeat.lab.generator.spectrum import Spectrum
from motionbeat.model.config import MOST, MOST_LAYERS
from motionbeat.model.model_folder import CONFIG_FILE, build, read_config, save

_KIND = "dance generator"
_SMALLEST_RANGE = 1e-6
_SMALLEST_STD = 1e-6
_LEAST_UNKNOWN = 0.02


@frozen(kw_only=True)
class GeneratorConfig(NetworkConfig):
    """The sizes of the denoiser, the encoder of its music, and the steps of the diffusion."""

    encoder: str
    encoder_identity: str
    """Digest of the weights of the encoder: other weights give other features."""
    diffusion_steps: int = 1000

    @classmethod
    def of(cls, settings: Any, **others: Any) -> "GeneratorConfig":
        """The configuration from the settings of the stage dance, and the `others`."""
        names = {field.name for field in fields(NetworkConfig)} - set(others)
        return cls(**{name: getattr(settings, name) for name in names}, **others)

    def __attrs_post_init__(self) -> None:
        counts = [field.name for field in fields(type(self)) if field.type is int and field.name != "condition_layers"]
        wrong = [name for name in counts if not _is_count(getattr(self, name), 1)]
        wrong += [] if _is_count(self.condition_layers, 0) else ["condition_layers"]
        for name in ("layers", "condition_layers"):
            wrong += [name] if name not in wrong and getattr(self, name) > MOST_LAYERS else []
        if isinstance(self.dropout, bool) or not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            wrong.append("dropout")
        wrong += [name for name in ("aligned", "preconditioned") if not isinstance(getattr(self, name), bool)]
        wrong += [name for name in ("encoder", "encoder_identity") if not isinstance(getattr(self, name), str)]
        if not wrong and self.width % (2 * self.heads):
            raise MotionBeatError(
                f"dance generator: width = {self.width}; expected a multiple of 2 * heads = {2 * self.heads}"
            )
        if not wrong and FRAMES % self.patch:
            raise MotionBeatError(f"dance generator: patch = {self.patch}; expected a divisor of {FRAMES} frames")
        if wrong:
            listed = ", ".join(f"{name} = {getattr(self, name)!r}" for name in wrong)
            raise MotionBeatError(f"dance generator: {listed}; use the config.json that training wrote")


class DanceGenerator(nn.Module):
    """Noised, scaled dance vectors -> clean ones, given music features of one encoder."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.network = Denoiser(config)
        self.spectrum = Spectrum() if config.preconditioned else None
        self.offset: Tensor
        self.scale: Tensor
        self.weighted: Tensor
        self.music_mean: Tensor
        self.music_std: Tensor
        self.levels: Tensor
        self.register_buffer("offset", torch.zeros(WIDTH))
        self.register_buffer("scale", torch.ones(WIDTH))
        self.register_buffer("weighted", torch.ones(WIDTH))
        self.register_buffer("music_mean", torch.zeros(config.condition_width))
        self.register_buffer("music_std", torch.ones(config.condition_width))
        self.register_buffer("levels", signal_levels(config.diffusion_steps), persistent=False)

    def set_statistics(self, vectors: Tensor, music: Tensor, slices: Iterable[Tensor]) -> None:
        """Set scale and spectrum from training vectors (N, 151), and mean and deviation from training music (M, c).

        slices: (b, 150, 151), parts of all slices of the vectors. If preconditioned, contacts, root and rotations are
        each scaled to unit variance: in EDGE's range -1..1 most channels vary by 0.2, so noise of variance 1 hides them
        at very low levels. A constant channel is then scaled to 0, otherwise to -1; unscaling restores it.
        """
        lowest, highest = vectors.amin(dim=0), vectors.amax(dim=0)
        full = torch.where(highest - lowest > _SMALLEST_RANGE, highest - lowest, 1.0)
        if self.spectrum is None:
            offset, scale = lowest, full
        else:
            deviation = torch.ones(WIDTH)
            for part in (CONTACT, ROOT, ROTATION):
                spread = vectors[:, part].var(dim=0).mean().sqrt()
                deviation[part] = torch.where(spread > _SMALLEST_STD, spread, 1.0)
            offset, scale = vectors.mean(dim=0) - deviation, 2 * deviation
        self.offset.copy_(offset)
        self.scale.copy_(scale)
        self.weighted.copy_(scale / full)
        if self.spectrum is not None:
            self.spectrum.fit(self.scaled(part) for part in slices)
        self.music_mean.copy_(music.mean(dim=0))
        deviation = music.std(dim=0)
        self.music_std.copy_(torch.where(deviation > _SMALLEST_STD, deviation, 1.0))

    @property
    def orthonormal(self) -> bool:
        """Whether the six numbers of predicted rotations are already columns of rotations."""
        return self.spectrum is not None

    def scaled(self, vectors: Tensor) -> Tensor:
        """Vectors (..., 151) -> scaled by `offset` and `scale`, the input of the network."""
        return 2 * (vectors - self.offset) / self.scale - 1

    def unscaled(self, vectors: Tensor) -> Tensor:
        """The inverse of `scaled`."""
        return 0.5 * (vectors + 1) * self.scale + self.offset

    def normalise_music(self, music: Tensor) -> Tensor:
        """Music (..., c), z-scored by training statistics, so that the scale of an encoder has no effect."""
        return (music - self.music_mean) / self.music_std

    def clean(
        self, noised: Tensor, step: Tensor, music: Tensor | EncodedMusic | None, shown: Tensor | None = None
    ) -> Tensor:
        """Prediction of x0 (b, f, 151); arguments as for the network.

        If preconditioned: the estimate for a Gaussian dance plus the network's correction, scaled by the unknown part;
        then the six numbers become proper rotations, because a mean of rotations is not a rotation and makes limbs
        spin.
        """
        level = self.levels[step].to(noised.dtype)[:, None, None]
        return self._cleaned(noised, step, level, [music], shown)[0]

    def _cleaned(
        self,
        noised: Tensor,
        step: Tensor,
        level: Tensor,
        musics: Sequence[Tensor | EncodedMusic | None],
        shown: Tensor | None = None,
    ) -> list[Tensor]:
        """`clean` with each of the musics, which share the linear estimate. level: of the step, (b or 1, 1, 1)."""
        if self.spectrum is None:
            return [self.network(noised, step, music, shown) for music in musics]
        likely, white = self.spectrum.estimate(noised, level)
        # of equal size at every level: with much noise the estimate is small, and it is the network's only input
        given = torch.cat([likely / self.spectrum.spread(level), white], dim=-1)
        results = []
        for music in musics:
            added = self.spectrum.shaped(self.network(given, step, music, shown).float(), level)
            results.append(self.scaled(with_rotations(self.unscaled(likely + added))))
        return results

    def weights(self, step: Tensor) -> Tensor:
        """Weight of the loss at each step (b,).

        If preconditioned, 1 / the unknown part, so that the network learns equally at low and high noise; otherwise 1,
        as in EDGE.
        """
        if self.spectrum is None:
            return torch.ones(len(step), device=step.device)
        return 1 / (self.spectrum.unknown(self.levels[step].float()[:, None, None]).flatten() + _LEAST_UNKNOWN)

    def guided(self, noised: Tensor, step: int, music: Tensor | EncodedMusic, guidance: float) -> Tensor:
        """Classifier-free guidance (Ho & Salimans, 2021): x_without + guidance * (x_with - x_without).

        noised (b, f, 151), music (b, f, c) z-scored, or encoded by the network. With guidance 0 the music is not used.
        """
        steps = torch.full((len(noised),), step, device=noised.device)
        level = self.levels[step].to(noised.dtype).view(1, 1, 1)
        if guidance in (0, 1):
            return self._cleaned(noised, steps, level, [music if guidance else None])[0]
        conditional, unconditional = self._cleaned(noised, steps, level, [music, None])
        return unconditional + guidance * (conditional - unconditional)

    def save(self, folder: Path | str, half: bool = False) -> None:
        """Write config.json and model.safetensors, with parameters as float16 if `half`; the same weights give the
        same bytes.
        """
        save(folder, asdict(self.config), self, half)

    @classmethod
    def load(cls, folder: Path | str, encoder: str | None = None, identity: str | None = None) -> "DanceGenerator":
        """The generator that `save` wrote, in eval mode on the CPU.

        encoder, identity: name and digest of the encoder of the music features. Missing or foreign files, and a
        generator that was trained with another encoder or with other weights of it, raise `MotionBeatError`.
        """
        config = _config(Path(folder))
        if encoder is not None and encoder != config.encoder:
            raise MotionBeatError(
                f"{folder} was trained with music of the encoder {config.encoder}, not {encoder}: use that encoder, "
                "or train a generator for this one (dance.encoders in params.yaml)"
            )
        if identity is not None and identity != config.encoder_identity:
            raise MotionBeatError(
                f"{folder} was trained with other weights of the encoder {config.encoder}: use those, or train the "
                "generator again (dvc repro dance)"
            )
        return build(folder, lambda: cls(config), _KIND).eval()


def _config(folder: Path) -> GeneratorConfig:
    values = read_config(folder, _KIND)
    known = {field.name for field in fields(GeneratorConfig)}
    if not isinstance(values, dict) or set(values) != known:
        wrong = ", ".join(sorted(known ^ set(values))) if isinstance(values, dict) else "it is not a table"
        raise MotionBeatError(
            f"{folder / CONFIG_FILE}: wrong or missing fields ({wrong}): use the config.json of a dance generator"
        )
    return GeneratorConfig(**values)


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST
