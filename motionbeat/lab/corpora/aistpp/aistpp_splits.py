"""Lists2Splits: the split of each AIST++ clip, from the official lists or with our own validation set.

The official cross-modal lists have 980 clips on 50 songs for training, and 20 and 20 on the other ten for
validation and test: so a model selected by its validation score depends on the test songs, though not on the test
dances. In this case `held_out` ignores the official validation list and takes one song per genre out of training
instead.

Some dances to a held-out song are danced to training songs too: several dancers dance a basic choreography of AIST++ to
several songs. The official split separates choreographies (3 to 10 in training; test has only choreography 2), and so
does ours: validation has only those dances to a held-out song whose choreography is in neither training nor test. Of
the official lists without the ignore list, 186 of 952 training clips are danced to the ten songs and leave training
(766 remain). 157 of them are basic dances of 16 beats, in choreographies that training keeps; to use them for
validation, all basic dances would have to leave training. 29 are advanced dances of 64 beats that occur nowhere else.
They have 377 of the 534 windows (16 beats, one at each bar) of the 186, so little is lost. Clips in no official list
are added: the first choreography, which neither training nor test has, danced to the held-out songs. These are 19 after
the ignore list, counted with the dancers of the training list. So validation has 48 clips instead of 20.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.aistpp import aistpp_names

IGNORED = "on the ignore list"
UNLISTED = "in no split list"
OFFICIAL_VAL = "on the official validation list, whose songs are those of the test list"
SEEN_DANCE = "danced to a song held out for validation, in a choreography of training or test"


@frozen
class Dealt:
    """The split of each used clip, and the names of unused clips for each reason."""

    split_of: dict[str, str]
    left_out: dict[str, list[str]] = field(factory=dict)


def deal(lists: Mapping[str, Iterable[str]], ignored: Iterable[str], found: Iterable[str], validation: str) -> Dealt:
    """Assign clips to splits by their names.

    lists: the names on the official list of each split. ignored: the ignore list. found: all clips. validation:
    official keeps the lists; held_out does so too if validation and test share no song, and otherwise makes a
    validation set of `held_out_songs` (see the module). A clip on the ignore list is in no split. Raises
    `MotionBeatError` if nothing can be held out.
    """
    unusable = set(ignored)
    split_of = {name: split for split, listed in lists.items() for name in listed if name not in unusable}
    found = sorted(found)
    left_out = {
        IGNORED: [name for name in found if name in unusable],
        UNLISTED: [name for name in found if name not in unusable and name not in split_of],
    }
    parsed = {name: parts for name in {*found, *split_of} if (parts := aistpp_names.parse(name))}
    songs = {split: {parsed[name].song for name in parsed if split_of.get(name) == split} for split in lists}
    if validation == "held_out" and songs["val"] & songs["test"]:
        chosen = set(held_out_songs(songs["train"] - songs["val"] - songs["test"], songs["test"]))
        split_of, moved = _hold_out(split_of, left_out[UNLISTED], parsed, chosen)
        left_out[UNLISTED] = [n for n in left_out[UNLISTED] if n not in split_of and n not in moved[SEEN_DANCE]]
        left_out |= moved
    return Dealt(split_of, {reason: clips for reason, clips in left_out.items() if clips})


def _hold_out(
    split_of: Mapping[str, str], unlisted: Iterable[str], parsed: Mapping[str, aistpp_names.ClipName], chosen: set[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The splits, with the dances to the chosen songs as validation, and the clips that are left out."""
    kept = {
        name: split
        for name, split in split_of.items()
        if split == "test" or (split == "train" and parsed[name].song not in chosen)
    }
    danced = {parsed[name].dance for name in kept}
    available = [name for name, split in split_of.items() if split == "train" and name not in kept]
    available += [name for name in unlisted if name in parsed and parsed[name].song in chosen]
    unseen = {name: "val" for name in available if parsed[name].dance not in danced}
    if not unseen:
        raise MotionBeatError(
            "AIST++: validation and test share songs, and no training song can be held out instead (its genre needs a "
            "second song, and it needs a dance that no other song has): unpack all motions, or set corpus.validation "
            "to official"
        )
    moved = {
        OFFICIAL_VAL: sorted(name for name, split in split_of.items() if split == "val"),
        SEEN_DANCE: sorted(name for name in available if name not in unseen),
    }
    return kept | unseen, moved


def held_out_songs(train: Iterable[str], test: Iterable[str]) -> list[str]:
    """One training song from each genre with at least two, such that their tempi are distributed as in the test songs.

    The targets are the tempi of the test songs, each as often as it occurs. For each genre, in alphabetical order, the
    song nearest to a remaining target is chosen; among equals, the one whose tempo remains most often, then the
    slowest. When no target remains, all are used again. The official lists give mBR2 mHO0 mJB0 mJS0 mKR1 mLH2 mLO3 mMH4
    mPO5 mWA5: the tempi of the test songs, except one of 130 instead of 135 BPM.
    """
    by_genre: dict[str, list[str]] = {}
    for song in sorted(train):
        by_genre.setdefault(song[1:3], []).append(song)
    tempi = [aistpp_names.nominal_bpm(song) for song in test]
    wanted: Counter[float] = Counter()
    chosen = []
    for _, songs in sorted(by_genre.items()):
        if len(songs) < 2:
            continue
        wanted = wanted or Counter(tempi)
        choices = [
            (abs(aistpp_names.nominal_bpm(song) - bpm), -count, bpm, song)
            for song in songs
            for bpm, count in wanted.items()
        ]
        *_, bpm, song = min(choices)
        chosen.append(song)
        wanted -= Counter([bpm])
    return chosen
