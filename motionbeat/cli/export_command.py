"""`motionbeat export-onnx`: the music encoder as one file that needs no torch."""

from pathlib import Path
from typing import Annotated

import typer

from motionbeat.cli.command_options import DEFAULT_MODEL, ModelOption, open_model
from motionbeat.files import check_output


def export_onnx(
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file.")] = Path("audio.onnx"),
    model: ModelOption = DEFAULT_MODEL,
) -> None:
    """Write the music encoder of a model as an ONNX file: tokens in, embeddings out.

    docs/sharing.md has an example that embeds a song with onnxruntime and without torch.

    Example: motionbeat export-onnx -o audio.onnx
    """
    check_output(output, model / "config.json", model / "model.safetensors")
    open_model(model, "cpu").export_onnx(output)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
