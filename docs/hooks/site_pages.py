"""A hook of mkdocs: pages made from files of the repository, and links that lead out of docs/.

CHANGELOG, CONTRIBUTING and the card of the model stay where everybody looks for them, and are pages of the site too.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

from docs.hooks.params_page import params_page

ROOT = Path(__file__).parents[2]
COPIED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "motionbeat/weights/card.md": "card.md",
}
"""Files of the repository and the pages that they become."""
PAGE_OF = COPIED | {"params.yaml": "params.md", "README.md": "index.md"}
API = {
    "model": ("Model and embeddings", ("motionbeat.inference", "motionbeat.hub_model", "motionbeat.onnx_export")),
    "beats": ("Beats and audio", ("motionbeat.beats", "motionbeat.beats.grid", "motionbeat.audio.decode")),
    "losses": (
        "Losses and retrieval",
        ("motionbeat.losses.soft_dtw", "motionbeat.losses.emd", "motionbeat.losses.ecl", "motionbeat.retrieval"),
    ),
    "dance": (
        "Metrics of dance",
        (
            "motionbeat.dance.foot_contact",
            "motionbeat.dance.kinetic",
            "motionbeat.dance.geometric",
            "motionbeat.dance.distance",
            "motionbeat.dance.alignment",
            "motionbeat.motion.skeleton",
        ),
    ),
    "search": ("Search", ("motionbeat.index", "motionbeat.search.matches")),
}
"""Pages of the reference: title, and the modules whose docstrings they print."""
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from files of the repository."""
    made = {page: (ROOT / source).read_text(encoding="utf-8") for source, page in COPIED.items()}
    made["params.md"] = params_page(ROOT / "params.yaml")
    for name, (title, modules) in API.items():
        made[f"api/{name}.md"] = f"# {title}\n\n" + "".join(f"::: {module}\n\n" for module in modules)
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead links to files of the repository to their pages; of those that have none, keep the text alone."""
    source = {made: path for path, made in COPIED.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return _LINK.sub(lambda link: _link(link, PurePosixPath(source).parent, page.file.src_uri, files), markdown)


def _link(link: re.Match[str], folder: PurePosixPath, page: str, files: Files) -> str:
    text, target, anchor = link[1], link[2], link[3] or ""
    path = _normal(folder / target)
    if not (ROOT / path).exists() and files.get_file_from_path(_normal(PurePosixPath(page).parent / target)) is None:
        return link[0]  # for mkdocs to complain about
    wanted = PAGE_OF.get(path, path.removeprefix("docs/"))
    if files.get_file_from_path(wanted) is None:
        return text if "`" in text else f"`{text}`"
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    return f"[{text}]({up}{wanted}{anchor})"


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
