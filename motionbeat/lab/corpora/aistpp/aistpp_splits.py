"""Lists2Splits: which clip of AIST++ is in which split, by the official lists or with a validation set of its own.

The official cross-modal lists have 980 clips on 50 songs for training, and 20 and 20 on the other ten for
validation and test: a model chosen by its validation score has met the test songs, though never the test
dances. So `held_out`, where the lists are so, leaves the official validation list out and takes one song a
genre out of training instead.

What a song held out brings along are dances that training has on other songs: a basic choreography of
AIST++ is danced by several dancers to several songs. The official split keeps them apart (choreographies 3
to 10 in training; of the lists at hand, test has choreography 2 only and shares none with training), and so
does ours: only those dances to a held-out song whose choreography is in neither training nor test are
validation. Of the official lists less the ignore list, 186 of 952 training clips are danced to the ten
songs and leave training (766 stay). 157 of them are basic dances, 16 beats each, in choreographies that
training keeps; to have them too, all basic dances would have to leave training. 29 are advanced dances of 64
beats that occur nowhere else. They make 377 of the 534 windows (16 beats, one at each bar) of the 186, so
little is lost; and clips that no official list names come in: the first choreography, which neither
training nor test has, danced to the held-out songs: 19 after the ignore list, going by the dancers that the
training list has. So validation has 48 clips where the official list has 20.
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
    """The split of each clip that is used, and by reason the names of those that are not."""

    split_of: dict[str, str]
    left_out: dict[str, list[str]] = field(factory=dict)


def deal(lists: Mapping[str, Iterable[str]], ignored: Iterable[str], found: Iterable[str], validation: str) -> Dealt:
    """Put clips into splits by their names alone.

    lists: the names on the official list of each split. ignored: the ignore list. found: every clip that there
    is. validation: official keeps the lists; held_out does too where validation and test share no song, and
    elsewhere makes a validation set of `held_out_songs` as the module says. A clip on the ignore list is in no
    split. Raises `MotionBeatError` if nothing could be held out.
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
    """The splits with the dances to the chosen songs as validation, and what is left out for it."""
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
            "AIST++: the official validation list has the songs of the test list, and no other song of the training "
            "list can be held out (a genre needs two, and a dance that is danced to no other song): unpack all "
            "motions, or set corpus.validation to official"
        )
    moved = {
        OFFICIAL_VAL: sorted(name for name, split in split_of.items() if split == "val"),
        SEEN_DANCE: sorted(name for name in available if name not in unseen),
    }
    return kept | unseen, moved


def held_out_songs(train: Iterable[str], test: Iterable[str]) -> list[str]:
    """One training song of each genre that has at least two, so that their tempi are spread as the test songs' are.

    The tempi of the test songs are what is wanted, each as often as there are such songs. Genre after genre, in
    alphabetical order, takes its song nearest to a tempo still wanted; of several, the one whose tempo is still
    wanted most often, then the slowest. Once all are taken, they are wanted again. Of the official lists that
    is mBR2 mHO0 mJB0 mJS0 mKR1 mLH2 mLO3 mMH4 mPO5 mWA5: the test songs' tempi but for one 130 in place of 135 BPM.
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
