"""A clip task in one file: whether noise is loud, by the name of its file, `SPLIT loud 1.wav`."""

from pathlib import Path

from motionbeat.lab.labelled.labelled_set import ClipTask, Item, LabelledSet, assemble

CLASSES = ("soft", "loud")


def read(root: Path, folds: bool) -> LabelledSet:
    parts = {path: path.stem.split() for path in root.glob("*.wav")}
    items = [Item(path.stem, path, split, path.stem, CLASSES.index(of)) for path, (split, of, _) in parts.items()]
    return assemble(
        root, "noises", "classes", CLASSES, items, grouped_by="clip", split_by="file names", left_out={}, errors=[]
    )


CLIP_TASK = ClipTask("level", read, columns={"accuracy": "Level ACC"}, headline=("accuracy",))
