"""Models on the Hugging Face hub: needs `pip install 'motionbeat[hub]'`.

>>> model = motionbeat.MotionBeat.from_pretrained("owner/name")
>>> model.push_to_hub("owner/name", private=True)

A repository contains config.json, model.safetensors and the card as README.md. Nothing else is downloaded, and no
pickle is loaded.
"""

from pathlib import Path
from typing import Any

from motionbeat.errors import MotionBeatError
from motionbeat.inference import MotionBeat, load
from motionbeat.model.model_folder import CONFIG_FILE, WEIGHTS_FILE

try:
    from huggingface_hub import ModelHubMixin, snapshot_download
except ModuleNotFoundError:
    raise MotionBeatError("huggingface_hub is not installed: pip install 'motionbeat[hub]'") from None

HEADER = """---
library_name: motionbeat
tags:
- music
- dance
- rhythm
- feature-extraction
---
"""
"""Header for a card that has none yet; whoever publishes a model chooses the licence."""


class HubModel(ModelHubMixin, MotionBeat):  # type: ignore[misc]  # both have from_pretrained and push_to_hub
    """A `MotionBeat` with the mixin's `from_pretrained`, `save_pretrained` and `push_to_hub`."""

    def _save_pretrained(self, save_directory: Path) -> None:
        self.model.save(save_directory)
        card = self.card or "# A MotionBeat model\n\nIts data, figures and limits are not stated.\n"
        text = card if card.startswith("---\n") else HEADER + card
        (save_directory / "README.md").write_text(text, encoding="utf-8")

    @classmethod
    def _from_pretrained(  # type: ignore[override]  # another setting is a mistake, not ignored
        cls,
        *,
        model_id: str,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        device: str | None = None,
    ) -> "HubModel":
        folder = model_id
        if not Path(model_id).is_dir():
            folder = snapshot_download(
                model_id,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                token=token,
                allow_patterns=[CONFIG_FILE, WEIGHTS_FILE, "README.md"],
            )
        loaded = load(folder, device)
        return cls(loaded.model, loaded.card)


def from_pretrained(name: str | Path, **settings: Any) -> MotionBeat:
    """Load a model from a repository of the hub, `owner/name`, or from a folder.

    settings: device, as in `motionbeat.load`; revision (branch, tag or commit), token, cache_dir, force_download and
    local_files_only, as in huggingface_hub. Raises `MotionBeatError` if there is no such model, no connection, or the
    files are not of a MotionBeat model.
    """
    try:
        # not the mixin's own, which reads config.json with no guard
        return HubModel._from_pretrained(model_id=str(name), **settings)
    except MotionBeatError:
        raise
    except (OSError, ValueError) as error:  # the errors of huggingface_hub are subclasses of these
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MotionBeatError(
            f"{name}: {reason}: give owner/name of a model on the hub that you may read, or a folder with "
            f"{CONFIG_FILE} and {WEIGHTS_FILE}; without a connection, local_files_only=True takes what is cached"
        ) from None
