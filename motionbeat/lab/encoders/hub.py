"""Functions for encoders from a model hub: loading weights, identity, and short error messages."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.frame_encoder import digest

T = TypeVar("T")
EXTRA = "pip install motionbeat[baselines]"
# Fields of transformers' configurations about the saving of a model, on which no feature depends.
_NOT_THE_MODEL = {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "architectures", "_commit_hash"}


def transformers(key: str) -> Any:
    """Import the package transformers; `MotionBeatError` with the install command if it is missing."""
    try:
        import transformers
    except ImportError:
        raise MotionBeatError(f"the package transformers is not installed (for encoders.{key}): {EXTRA}") from None
    return transformers


def is_offline(offline: bool) -> bool:
    """Whether downloads are forbidden by encoders.offline, or by HF_HUB_OFFLINE in the environment."""
    return offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def pretrained(key: str, source: str, offline: bool, load: Callable[..., T]) -> T:
    """Call `load(source, local_files_only=offline)` without output; errors are reported in one line.

    source: a hub id, or a local folder. Raises `MotionBeatError` naming it, its key in params.yaml and the fix.
    """
    if _looks_local(source) and not Path(source).is_dir():
        raise MotionBeatError(
            f"encoders.{key} = {source}: there is no such folder; give a hub id or a folder of weights"
        )
    offline = is_offline(offline)
    try:
        with _quiet():
            return load(source, local_files_only=offline)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        state = "and the hub is not used (offline)" if offline else "neither from a local folder nor from the hub"
        raise MotionBeatError(
            f"encoders.{key} = {source} cannot be loaded, {state}: give encoders.{key} the folder of a copy, "
            f"with config.json, preprocessor_config.json and weights, or connect to the hub ({reason})"
        ) from None


def model(key: str, source: str, offline: bool, kind: Any) -> Any:
    """`pretrained` for a model class, in eval mode; a checkpoint without some of its weights is refused."""
    loaded, info = pretrained(key, source, offline, partial(kind.from_pretrained, output_loading_info=True))
    missing = sorted([*info["missing_keys"], *(str(name) for name in info["mismatched_keys"])])
    if missing:
        raise MotionBeatError(
            f"encoders.{key} = {source} does not fit {kind.__name__}: {missing[0]} and {len(missing) - 1} more of its "
            f"weights are not there; give encoders.{key} a checkpoint of this model"
        )
    return loaded.eval()


def configuration(config: Any) -> dict[str, Any]:
    """The part of a transformers configuration that the features depend on."""
    return {name: value for name, value in config.to_dict().items() if name not in _NOT_THE_MODEL}


def identity(version: str, settings: Any, network: Any) -> str:
    """Digest of a version, further settings, and a transformers model's configuration and weights."""
    return digest(version, [settings, configuration(network.config)], network.state_dict())


def _looks_local(source: str) -> bool:
    return source.startswith((".", "/", "~")) or source.count("/") != 1 or "\\" in source


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence transformers, which reports unused weights and shows progress bars; real failures raise errors."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
