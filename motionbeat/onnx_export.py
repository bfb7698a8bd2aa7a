"""The music encoder as an ONNX file, for machines without torch: needs `pip install 'motionbeat[onnx]'`.

Inputs, for b windows of k beats: `tokens` (b, k, S * audio_width) float32, `bar_position` (b, k) float32 from 0 at the
downbeat, `beats_per_bar` (b,) int64, `mask` (b, k) bool, True at real beats. Outputs: `embedding` (b, e) of length 1,
`states` (b, k, D). b and k are free. The metadata of the file contain the token layout as JSON, under `layout`.
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from attrs import asdict, fields
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tokens.layout import Layout

INPUTS = ("tokens", "bar_position", "beats_per_bar", "mask")
OUTPUTS = ("embedding", "states")
OPSET = 18


class _Graph(nn.Module):
    """`DualEncoder.audio` with the mask as an input, without the checks of values, which cannot be exported."""

    def __init__(self, model: DualEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, tokens: Tensor, bar_position: Tensor, beats_per_bar: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        model = self.model
        scored = model._z_scored(tokens, model.mel_mean, model.mel_std, mask, whole=False).flatten(2)
        phase = model._phase(bar_position, beats_per_bar, mask)
        states = model.audio_encoder(scored, phase, beats_per_bar, mask)
        return model.audio_readout(states, phase, beats_per_bar, mask), states


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's warnings about packages and axis names, which a user cannot fix."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def export_onnx(model: DualEncoder, path: Path | str) -> None:
    """Write the music encoder of a model to one .onnx file that includes the weights.

    Raises `MotionBeatError` if the packages are missing.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ModuleNotFoundError as error:
        raise MotionBeatError(f"{error.name} is not installed: pip install 'motionbeat[onnx]'") from None
    config, device = model.config, next(model.parameters()).device
    beats, was_training = config.window_beats, model.training
    example = (
        torch.randn(2, beats, config.audio_token, device=device),
        (torch.arange(beats, device=device) % 4).float().repeat(2, 1),
        torch.full((2,), 4, device=device),
        torch.ones(2, beats, dtype=torch.bool, device=device),
    )
    batch, length = torch.export.Dim("batch"), torch.export.Dim("beats")
    both = {0: batch, 1: length}
    with _quiet():
        program = torch.onnx.export(
            _Graph(model).eval(),
            example,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_shapes=(both, both, {0: batch}, both),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model.train(was_training)
    assert program is not None
    file = program.model_proto
    layout = {field.name: getattr(config, field.name) for field in fields(Layout)}
    onnx.helper.set_model_props(file, {"layout": json.dumps(asdict(Layout(**layout)))})
    with whole_file(Path(path)) as unfinished:
        onnx.save(file, unfinished)
