"""params.yaml + code -> data/code: all params are checked, and the code that each stage imports is listed with digests.

Every other stage depends on its list, so DVC runs this one first: what it refuses costs no stage its outputs.
"""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.lab import params
from motionbeat.lab.imports import listed

OUTPUT = Path("data/code")


def main() -> None:
    params.load()
    with whole_folder(OUTPUT) as folder:
        for script in Path("stages").glob("[a-z]*.py"):
            (folder / f"{script.stem}.txt").write_text(listed(script.stem, Path()), encoding="utf-8")


if __name__ == "__main__":
    run(main)
