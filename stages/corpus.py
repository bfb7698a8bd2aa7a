"""Stage corpus: write the motions, songs, manifest and quality.csv of the corpus that params.yaml names."""

import shutil
import sys
from pathlib import Path

from motionbeat import files
from motionbeat.errors import run
from motionbeat.lab import params
from motionbeat.lab.corpora import quality
from motionbeat.lab.corpora.manifest import Corpus, write_corpus
from motionbeat.lab.corpora.read_corpus import read_corpus
from motionbeat.lab.tables import SPLITS

OUTPUT = Path("data/corpus")
_MOST_SHOWN = 20


def main() -> None:
    settings = params.load()
    with files.whole_folder(OUTPUT) as folder:
        corpus = read_corpus(settings.corpus, folder, settings.beats)
        minutes = write_corpus(corpus, folder, settings.corpus.checks)
        odd = quality.check(corpus, folder, settings.corpus.checks, settings.corpus.strict)
        for path in corpus.temporary:
            shutil.rmtree(path)
    print(summary(corpus, minutes))
    for line in odd[:_MOST_SHOWN]:
        print(f"warning: {line}", file=sys.stderr)
    if odd:
        print(f"warning: {len(odd)} clips are odd; {OUTPUT / 'quality.csv'} lists them", file=sys.stderr)


def summary(corpus: Corpus, minutes: float) -> str:
    """What was written and what was not, in words."""
    songs = len({clip.song for clip in corpus.clips})
    lines = [f"{songs} songs, {len(corpus.clips)} clips, {minutes:.1f} minutes of motion"]
    for split in SPLITS:
        danced = [clip.song for clip in corpus.clips if clip.split == split]
        lines.append(f"{split}: clips {len(danced)}, songs {len(set(danced))}")
    lines += [f"left out, {reason}: {len(names)}" for reason, names in corpus.left_out.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
