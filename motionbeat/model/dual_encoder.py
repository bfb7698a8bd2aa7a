"""The whole model: it maps windows of music and of dance, as beats, into one space.

Axes: b batch, k beats, s sub-beats, f features of a sub-beat, d width, e embedding.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError
from motionbeat.model.config import ModelConfig
from motionbeat.model.device import full_precision
from motionbeat.model.encoder import Encoder
from motionbeat.model.heads import ContactHead, RhythmHead
from motionbeat.model.model_folder import CONFIG_FILE, build, read_config, save
from motionbeat.model.readout import readout
from motionbeat.model.rotation import bar_phase

SMALLEST_STD = 1e-3
"""Lower bound of the deviations, so that a constant feature (the position of the root) is not divided by almost 0."""


class EncodedAudio(NamedTuple):
    embedding: Tensor  # (b, e), length 1
    states: Tensor  # (b, k, d)
    onset_logits: Tensor  # (b, k, s)
    accent_logits: Tensor  # (b, k, s)


class EncodedMotion(NamedTuple):
    embedding: Tensor  # (b, e), length 1
    states: Tensor  # (b, k, d)
    contact_probability: Tensor  # (b, k, r), r_t of eqs. 8-9, one number per beat or per sub-beat
    contact_guide_logits: Tensor  # (b, k, r), r_t before the sigmoid
    contact_logits: Tensor  # (b, k, s)
    energy_logits: Tensor  # (b, k, s)


class DualEncoder(nn.Module):
    """Two encoders with their readouts and heads. Takes raw tokens: the training statistics are saved with the weights.

    `mask` is True at real beats; values at masked beats (even NaN) have no effect. `bar_position`
    counts from 0 at the downbeat and may be fractional. Wrong shapes raise `MotionBeatError`.
    """

    mel_mean: Tensor
    mel_std: Tensor
    motion_mean: Tensor
    motion_std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mel_mean", torch.zeros(config.audio_width))
        self.register_buffer("mel_std", torch.ones(config.audio_width))
        self.register_buffer("motion_mean", torch.zeros(config.motion_width))
        self.register_buffer("motion_std", torch.ones(config.motion_width))
        self.audio_encoder = Encoder(config, config.audio_token)
        self.audio_readout = readout(config)
        self.audio_rhythm = RhythmHead(config.width, config.subbeats)
        self.contact_guide = ContactHead(config.motion_token, config.width // 2, config.contacts)
        self.motion_encoder = Encoder(config, config.motion_token, config.contacts * config.contact_attention)
        self.motion_readout = readout(config)
        self.motion_rhythm = RhythmHead(config.width, config.subbeats)

    def set_statistics(self, mel_mean: Any, mel_std: Any, motion_mean: Any, motion_std: Any) -> None:
        """Set mean and deviation of each feature over the training split; all sub-beats of a beat share them.

        Arrays (audio_width,) twice and (F,) twice; deviations are raised to `SMALLEST_STD`.
        """
        given = {"mel_mean": mel_mean, "mel_std": mel_std, "motion_mean": motion_mean, "motion_std": motion_std}
        for name, values in given.items():
            buffer = getattr(self, name)
            new = torch.as_tensor(values, dtype=buffer.dtype, device=buffer.device)
            if new.shape != buffer.shape:
                raise MotionBeatError(f"{name} has shape {tuple(new.shape)}; expected {tuple(buffer.shape)}")
            if not bool(torch.isfinite(new).all()) or (name.endswith("std") and bool((new < 0).any())):
                raise MotionBeatError(f"{name} has negative or non-finite values: run `dvc repro` to make it again")
            buffer.copy_(new.clamp(min=SMALLEST_STD) if name.endswith("std") else new)

    def audio(
        self,
        mel: Tensor,
        bar_position: Tensor,
        beats_per_bar: Tensor,
        mask: Tensor | None = None,
        *,
        validate: bool = True,
    ) -> EncodedAudio:
        """mel (b, k, S * audio_width), bar_position (b, k), beats_per_bar (b,), mask (b, k) bool, None = all real.

        validate: False skips the check of meters, so that nothing is read back from a GPU.
        """
        mask, whole = self._checked("mel", mel, self.config.audio_token, bar_position, beats_per_bar, mask, validate)
        tokens = self._z_scored(mel, self.mel_mean, self.mel_std, mask, whole).flatten(2)  # (b, k, s * bands)
        phase = self._phase(bar_position, beats_per_bar, mask)
        states = self.audio_encoder(tokens, phase, beats_per_bar, mask)
        with full_precision(states.device):
            embedding = self.audio_readout(states, phase, beats_per_bar, mask)
        return EncodedAudio(embedding, states, *self.audio_rhythm(states))

    def motion(
        self,
        features: Tensor,
        bar_position: Tensor,
        beats_per_bar: Tensor,
        mask: Tensor | None = None,
        has_rotations: Tensor | None = None,
        *,
        validate: bool = True,
    ) -> EncodedMotion:
        """features (b, k, S * F), the rest as `audio`; has_rotations (b,) bool, None = all have them.

        If it is False, the rotation block is set to zero, which is the mean of the window (or of the training set, if
        windows are not centred). A model without a rotation block ignores it.
        """
        width = self.config.motion_token
        mask, whole = self._checked("features", features, width, bar_position, beats_per_bar, mask, validate)
        tokens = self._z_scored(features, self.motion_mean, self.motion_std, mask, whole)  # (b, k, s, f)
        start = self.config.rotation_start
        if has_rotations is not None and start is not None:
            tokens[..., start:].masked_fill_(~has_rotations[:, None, None, None], 0)  # a new tensor: safe in place
        tokens = tokens.flatten(2)  # (b, k, s * f)
        phase = self._phase(bar_position, beats_per_bar, mask)
        guide = self.contact_guide(tokens).to(phase.dtype)  # (b, k, r)
        contact = guide.sigmoid()
        states = self.motion_encoder(tokens, phase, beats_per_bar, mask, self._guidance(contact, mask))
        with full_precision(states.device):
            embedding = self.motion_readout(states, phase, beats_per_bar, mask)
        return EncodedMotion(embedding, states, contact, guide, *self.motion_rhythm(states))

    def _guidance(self, contact: Tensor, mask: Tensor) -> Tensor:
        """(b, k, r) guidance of attention: r itself (paper), or each sub-beat's r minus its mean over real beats.

        A contact begins in most beats of a dance, so r itself hardly distinguishes beats.
        """
        if self.config.contact_resolution == "beat":
            return contact
        real = mask[:, :, None]
        mean = contact.masked_fill(~real, 0).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        return (contact - mean).masked_fill(~real, 0)

    def alphas(self) -> dict[str, float]:
        """alpha_logit and alpha_value of each motion layer (eqs. 8-9), for the log; empty without contact attention.

        If there is one for each sub-beat, it is their sum.
        """
        by_layer = {}
        for name, module in self.motion_encoder.named_modules():
            if getattr(module, "contact", False):
                layer = name.removeprefix("blocks.").removesuffix(".attention")
                by_layer[f"alpha_logit_{layer}"] = float(module.alpha_logit.detach().sum())
                by_layer[f"alpha_value_{layer}"] = float(module.alpha_value.detach().sum())
        return by_layer

    def parameter_groups(self, weight_decay: float, alpha_rate: float = 1.0) -> list[dict[str, Any]]:
        """Groups for AdamW: weight matrices decay; norms, biases and alphas, none of them a matrix, do not.

        alpha_rate: the factor by which the learning rate of the alphas is higher. Per step AdamW changes a scalar by
        about the learning rate, whatever its gradient; over a whole run that is too little for the alphas.
        """
        alphas = [p for name, p in self.named_parameters() if "alpha_" in name]
        matrices = [p for p in self.parameters() if p.ndim >= 2]
        others = [p for name, p in self.named_parameters() if p.ndim < 2 and "alpha_" not in name]
        groups = [(matrices, weight_decay, 1.0), (others, 0.0, 1.0), (alphas, 0.0, alpha_rate)]
        return [{"params": part, "weight_decay": decay, "rate": rate} for part, decay, rate in groups if part]

    def save(self, folder: Path | str) -> None:
        """Write config.json and model.safetensors; the same weights give the same bytes."""
        save(folder, self.config.to_dict(), self)

    @classmethod
    def load(cls, folder: Path | str) -> "DualEncoder":
        """The model that `save` wrote, in eval mode on the CPU. Missing or foreign files raise `MotionBeatError`."""
        config = ModelConfig.from_dict(read_config(folder, "model"), str(Path(folder) / CONFIG_FILE))
        return build(folder, lambda: cls(config), "model").eval()

    def _checked(
        self,
        name: str,
        tokens: Tensor,
        width: int,
        bar_position: Tensor,
        beats_per_bar: Tensor,
        mask: Tensor | None,
        validate: bool,
    ) -> tuple[Tensor, bool]:
        """Check the input; return the mask (all True by default), and whether it is known to be all True."""
        if tokens.ndim != 3 or tokens.shape[2] != width:
            raise MotionBeatError(f"{name} has shape {tuple(tokens.shape)}; expected (batch, beats, {width})")
        b, k = tokens.shape[:2]
        if mask is None:
            mask = torch.ones((b, k), dtype=torch.bool, device=tokens.device)
        for label, tensor, shape in (
            ("bar_position", bar_position, (b, k)),
            ("beats_per_bar", beats_per_bar, (b,)),
            ("mask", mask, (b, k)),
        ):
            if tuple(tensor.shape) != shape:
                raise MotionBeatError(f"{label} has shape {tuple(tensor.shape)}; expected {shape}, as for {name}")
        if mask.dtype != torch.bool:
            raise MotionBeatError(f"mask is {mask.dtype}; expected bool, True at real beats")
        if not validate:
            return mask, False
        # One read from the device instead of three: on a GPU each read waits for all previous work.
        lowest, highest, whole = torch.stack([*beats_per_bar.long().aminmax(), mask.all().long()]).tolist()
        self.check_meters(lowest, highest)
        return mask, bool(whole)

    def check_meters(self, lowest: int, highest: int) -> None:
        """Raise `MotionBeatError` if the model does not support this many beats per bar."""
        if lowest < 1 or highest > self.config.max_beats_per_bar:
            raise MotionBeatError(
                f"beats_per_bar runs from {lowest} to {highest}; the model supports 1 to "
                f"{self.config.max_beats_per_bar} (model.max_beats_per_bar)"
            )

    def _z_scored(self, tokens: Tensor, mean: Tensor, std: Tensor, mask: Tensor, whole: bool) -> Tensor:
        """(b, k, s * f) -> a new (b, k, s, f), zero at masked beats, with mean 0 over the window if centred.

        If windows are centred, the training mean would cancel out, so it is not subtracted. `whole`: no beat is masked,
        which saves a pass over all tokens; that costs as much as a layer of a small model.
        """
        b, k, _ = tokens.shape
        masked = ~mask[:, :, None, None]  # (b, k, 1, 1)
        raw = tokens.reshape(b, k, self.config.subbeats, -1).to(mean.dtype)  # (b, k, s, f)
        if not whole:
            raw = raw.masked_fill(masked, 0)
        if self.config.centre:
            beats = mask.sum(1).clamp(min=1)[:, None, None, None]  # (b, 1, 1, 1)
            mean = raw.sum((1, 2), keepdim=True) / (beats * self.config.subbeats)  # (b, 1, 1, f)
        scored = (raw - mean).div_(std)  # (b, k, s, f)
        return scored if whole else scored.masked_fill_(masked, 0)

    def _phase(self, bar_position: Tensor, beats_per_bar: Tensor, mask: Tensor) -> Tensor:
        """(b, k) rad, zero at masked beats."""
        return bar_phase(bar_position.to(self.mel_mean.dtype), beats_per_bar).masked_fill(~mask, 0)
