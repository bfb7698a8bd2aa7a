"""A model goes to the hub and comes back: three files, the same weights, no network in between."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rhythm_songs import load_tiny

import motionbeat
from motionbeat.errors import MotionBeatError
from motionbeat.weights import SHIPPED

hub = pytest.importorskip("huggingface_hub")
FILES = ["README.md", "config.json", "model.safetensors"]


def same_weights(one: motionbeat.MotionBeat, other: motionbeat.MotionBeat) -> bool:
    pairs = zip(one.model.state_dict().items(), other.model.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.fixture
def uploaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a stand-in of the hub keeps what is uploaded to it."""
    place = tmp_path / "hub"

    def create_repo(self: Any, repo_id: str, **settings: Any) -> SimpleNamespace:
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self: Any, repo_id: str, folder_path: Path, **settings: Any) -> str:
        shutil.copytree(folder_path, place / repo_id)
        return f"commit of {repo_id}"

    monkeypatch.setattr(hub.HfApi, "create_repo", create_repo)
    monkeypatch.setattr(hub.HfApi, "upload_folder", upload_folder)
    return place


def test_what_is_pushed_is_what_comes_back(uploaded: Path, tmp_path: Path) -> None:
    model = load_tiny(tmp_path / "tiny")
    assert model.push_to_hub("me/tiny") == "commit of me/tiny"
    assert sorted(path.name for path in (uploaded / "me/tiny").iterdir()) == FILES
    assert same_weights(motionbeat.MotionBeat.from_pretrained(uploaded / "me/tiny", device="cpu"), model)


def test_the_card_goes_along_and_keeps_its_text_over_two_trips(tmp_path: Path) -> None:
    motionbeat.load(device="cpu").save_pretrained(tmp_path / "once")
    text = (tmp_path / "once/README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name: motionbeat\n")
    assert text.endswith((SHIPPED / "card.md").read_text(encoding="utf-8"))
    motionbeat.MotionBeat.from_pretrained(tmp_path / "once").save_pretrained(tmp_path / "twice")
    assert (tmp_path / "twice/README.md").read_text(encoding="utf-8") == text


def test_a_name_is_looked_up_in_the_cache_of_the_hub(tmp_path: Path) -> None:
    """The layout of huggingface_hub's cache: refs/main names a snapshot."""
    model = load_tiny(tmp_path / "tiny")
    place = tmp_path / "cache/models--me--tiny"
    (place / "refs").mkdir(parents=True)
    (place / "refs/main").write_text("abc")
    model.save_pretrained(place / "snapshots/abc")
    settings = {"cache_dir": tmp_path / "cache", "local_files_only": True}
    assert same_weights(motionbeat.MotionBeat.from_pretrained("me/tiny", **settings), model)
    with pytest.raises(MotionBeatError, match=r"me/other: .*give owner/name"):
        motionbeat.MotionBeat.from_pretrained("me/other", **settings)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "config.json").write_text("{"), "config.json|Expecting"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 100), "not a safetensors file"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "model.pt"), "model.safetensors is missing"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, spoil: Any, message: str) -> None:
    load_tiny(tmp_path / "tiny").save_pretrained(tmp_path / "folder")
    spoil(tmp_path / "folder")
    with pytest.raises(MotionBeatError, match=message):
        motionbeat.MotionBeat.from_pretrained(tmp_path / "folder")


def test_the_library_works_without_huggingface_hub_and_names_its_extra(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["huggingface_hub"] = None
import motionbeat
model = motionbeat.load(device="cpu")
try:
    model.save_pretrained("folder")
except motionbeat.errors.MotionBeatError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "motionbeat[hub]" in done.stdout
