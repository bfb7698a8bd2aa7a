"""The made world with context: what is answered where, and the two ceilings of a listener who knows the rules."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from motionbeat.lab.synthetic import dance_events, likelihood
from motionbeat.lab.synthetic.context import (
    BEFORE,
    NOTHING,
    Habits,
    PartHabit,
    answered,
    habits,
    part_habits,
    passages,
    sources,
)
from motionbeat.lab.synthetic.dance_events import realised
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.lab.synthetic.song_plan import Wanted, planned
from motionbeat.lab.synthetic.truth_windows import MusicWindows
from motionbeat.lab.tasks.retrieval_rows import posterior

SEED, BAR = 5, 16
CLIPS = [clip for clip in planned(Wanted("small", test_songs=64, clips_per_song=1)) if clip.split == "test"]
PATTERNS = {clip.song: rhythm(SEED, clip.song, [4]) for clip in CLIPS}


def test_without_context_every_accent_is_answered_at_once():
    for clip in CLIPS:
        pattern = PATTERNS[clip.song]
        danced = answered(pattern.accents, habits(SEED, clip.choreography_id, 0.0), 4)
        assert np.array_equal(danced, pattern.accents)
    assert list(part_habits(0.0)) == [(1.0, PartHabit())] and list(passages(0.0)) == [(1.0, None)]


def test_an_answer_comes_so_many_16ths_later():
    accents = np.zeros((3, 64))
    accents[0, [0, 10, 63]], accents[1, [4, 12]], accents[2, 7] = [1.0, 0.5, 0.7], [0.9, 0.8], 0.6
    danced = answered(accents, Habits((PartHabit(3), PartHabit(4), PartHabit())), 4)
    assert {(part, slot): danced[part, slot] for part, slot in np.argwhere(danced).tolist()} == {
        (0, 3): 1.0,
        (0, 13): 0.5,
        (1, 8): 0.9,
        (1, 16): 0.8,
        (2, 7): 0.6,
    }


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("on", {0, 4, 8, 20}),
        ("off", {1, 7, 9, 23}),
        ("opening", {0, 1, 4, 7, 20, 23}),
        ("closing", {8, 9}),
        ("all", {0, 1, 4, 7, 8, 9, 20, 23}),
    ],
)
def test_a_choreography_marks_the_accents_of_some_places(place, kept):
    accents = np.zeros((3, 64))
    accents[0, [0, 1, 4, 7, 8, 9, 20, 23]] = 0.5
    danced = answered(accents, Habits((PartHabit(2, place), PartHabit(), PartHabit())), 4)
    assert set(np.flatnonzero(danced[0]) - 2) == kept


@pytest.mark.parametrize("beats_per_bar", [3, 4])
def test_in_half_time_a_bar_lasts_two(beats_per_bar):
    bar = 4 * beats_per_bar
    accents = np.random.default_rng(0).uniform(0.4, 1, (3, 8 * bar))
    danced = answered(accents, Habits((PartHabit(),) * 3, 2), beats_per_bar)
    for phrase in (0, 4 * bar):
        passage = danced[:, phrase + 2 * bar : phrase + 4 * bar]
        assert np.array_equal(passage[:, ::2], accents[:, phrase + 2 * bar : phrase + 3 * bar])
        assert not passage[:, 1::2].any()
        assert np.array_equal(danced[:, phrase : phrase + 2 * bar], accents[:, phrase : phrase + 2 * bar])


def test_sources_of_a_window_are_those_of_the_song_or_lie_before_it():
    for habit in (PartHabit(), PartHabit(3, "off"), PartHabit(1, "closing"), PartHabit(4, "on")):
        for passage in (None, 0, 1, 2, 3):
            whole = sources(habit, passage, BAR, 0, 256)
            for first in (16, 24, 100):
                cut = sources(habit, None if passage is None else passage - first // BAR, BAR, first % BAR, 64)
                expected = np.where(whole[first : first + 64] >= 0, whole[first : first + 64] - first, NOTHING)
                lost = (whole[first : first + 64] >= 0) & (expected < 0)
                assert np.array_equal(cut, np.where(lost, BEFORE, expected))


def test_more_context_adds_habits_and_changes_none():
    neutral = (0, "all")
    for clip in CLIPS:
        levels = [habits(SEED, clip.choreography_id, context) for context in (0.0, 0.3, 0.6, 1.0)]
        told = [
            [(h.passage, None), *((x.answer, 0) for x in h.parts), *((x.place, "all") for x in h.parts)] for h in levels
        ]
        for less, more in pairwise(told):
            assert all(a == b or a[0] in (*neutral, None) for a, b in zip(less, more, strict=True))


def test_habits_are_as_frequent_as_the_ceiling_takes_them_to_be():
    context, count = 0.7, 3000
    drawn = [habits(SEED, f"choreography {number}", context) for number in range(count)]
    expected = list(part_habits(context))
    assert sum(chance for chance, _ in expected) == pytest.approx(1)
    for part in range(3):
        found = Counter(one.parts[part] for one in drawn)
        for chance, habit in expected:
            assert found[habit] / count == pytest.approx(chance, abs=4 * math.sqrt(chance / count))
    halved = sum(chance for chance, bar in passages(context) if bar is not None)
    assert np.mean([one.passage is not None for one in drawn]) == pytest.approx(halved, abs=0.04)
    assert sum(chance for chance, _ in passages(context)) == pytest.approx(1)


def test_what_is_answered_is_marked_as_reliably_as_an_accent_without_context():
    marked, spontaneous = [], []
    for clip in CLIPS:
        pattern = PATTERNS[clip.song]
        called = answered(pattern.accents, habits(SEED, clip.choreography_id, 1.0), 4)
        happened = realised(SEED, clip, pattern, 1.0).strength > 0
        marked.append(happened[called > 0])
        spontaneous.append(happened[called == 0])
    assert np.concatenate(marked).mean() == pytest.approx(dance_events.RELIABILITY, abs=0.02)
    assert np.concatenate(spontaneous).mean() == pytest.approx(dance_events.SPONTANEOUS, abs=0.005)


def test_a_dance_with_context_is_another_dance_and_without_it_the_same():
    clip = CLIPS[0]
    plain, off, on = (dance(SEED, clip, PATTERNS[clip.song], *context) for context in ((), (0.0,), (1.0,)))
    assert plain.poses.tobytes() == off.poses.tobytes() != on.poses.tobytes()


def _windows(context, every=4):
    """Events and accents of windows of 16 beats of 64 dances, every so many bars: pairs of one number."""
    begins = np.arange(0, 13, every) * BAR
    events = [realised(SEED, clip, PATTERNS[clip.song], context).strength for clip in CLIPS]
    seen = np.stack([danced[:, begin : begin + 64] for danced in events for begin in begins])
    heard = np.stack([PATTERNS[clip.song].accents[:, begin : begin + 64] for clip in CLIPS for begin in begins])
    return seen, MusicWindows(heard, np.full(len(heard), BAR), np.zeros(len(heard), int))


def _probability(strength, accent, rate):
    """Of one 16th: `accent` None where it is not known."""
    if accent is None:
        return rate * _probability(strength, "some", rate) + (1 - rate) * _probability(strength, 0.0, rate)
    if accent == 0:
        return 0.03 / 0.6 if strength else 1 - 0.03
    if not strength:
        return 1 - 0.8
    normal = (
        math.exp(-0.5 * ((strength - accent) / 0.15) ** 2) / 0.15 / math.sqrt(2 * math.pi)
        if accent != "some"
        else 1 / 0.6
    )
    return 0.8 * normal


def _by_hand(events, music, number, context, form):
    """The definition of the module, habit by habit and 16th by 16th."""
    total = {}
    for part in range(3):
        accents = music.accents[number, part]
        rate = np.mean(music.accents[:, part] > 0)
        for share, passage in passages(context):
            for weight, habit in part_habits(context):
                found = sources(habit, passage, BAR, int(music.first[number]), 64).tolist()
                answers = [{NOTHING: 0.0, BEFORE: None}.get(at, accents[at]) for at in found]
                total[part, passage, habit] = (
                    share,
                    weight,
                    [_probability(e, a, rate) for e, a in zip(events[part], answers, strict=True)],
                )
    if form == "additive":
        return sum(
            math.log(sum(share * weight * p[slot] for (q, *_), (share, weight, p) in total.items() if q == part))
            for part in range(3)
            for slot in range(64)
        )
    return math.log(
        sum(
            share
            * math.prod(
                sum(weight * math.prod(p) for (q, r, _), (_, weight, p) in total.items() if (q, r) == (part, passage))
                for part in range(3)
            )
            for share, passage in passages(context)
        )
    )


@pytest.mark.parametrize("context", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("form", ["full", "additive"])
def test_the_likelihoods_are_what_their_definitions_say(form, context):
    events, music = _windows(context, 6)
    events, first = events[:4], np.array([0, 0, 8, 12])
    music = MusicWindows(music.accents[:4], music.bar[:4], first)
    found = getattr(likelihood, form)(events, music, context)
    for dancer, number in ((0, 0), (1, 0), (2, 2), (1, 3)):
        # each group of windows that begin at one place of the bar has its rate of accents
        group = MusicWindows(music.accents[first == first[number]], music.bar[:1], first[first == first[number]])
        place = int(np.flatnonzero(np.flatnonzero(first == first[number]) == number)[0])
        assert found[dancer, number] == pytest.approx(_by_hand(events[dancer], group, place, context, form), rel=1e-4)


def test_without_context_both_ceilings_agree():
    events, music = _windows(0.0)
    full, additive = (form(events, music, 0.0) for form in (likelihood.full, likelihood.additive))
    assert np.abs(full - additive).max() < 2e-3
    assert np.array_equal(full.argmax(axis=1), additive.argmax(axis=1))


def _recall(scores):
    """R@1 in percent, music to dance and dance to music, of windows whose partners have their number."""
    fair, right = posterior(scores), np.arange(len(scores))
    return 100 * np.mean(fair.argmax(axis=0) == right), 100 * np.mean(fair.argmax(axis=1) == right)


def test_with_context_the_full_ceiling_is_clearly_above_the_additive_one():
    """On 64 songs, in both directions: so much is there for whoever hears a 16th in the light of the others."""
    events, music = _windows(1.0)
    full, additive = (form(events, music, 1.0) for form in (likelihood.full, likelihood.additive))
    for better, worse in zip(_recall(full), _recall(additive), strict=True):
        assert better > 85 and better > worse + 15
    # The dancers follow the full form: of all models it gives what they do the highest probability.
    assert np.mean(np.diag(full) - np.diag(additive)) > 10


def test_beats_beyond_the_end_count_for_nothing():
    events, music = _windows(1.0)
    events, heard = events[:6].copy(), music.accents[:6].copy()
    longer = np.pad(events, ((0, 0), (0, 0), (0, 16)), constant_values=np.nan)
    for form in (likelihood.full, likelihood.additive):
        plain = form(events, MusicWindows(heard, music.bar[:6], music.first[:6]), 1.0)
        beyond = np.pad(heard, ((0, 0), (0, 0), (0, 16)), constant_values=np.nan)
        padded = form(longer, MusicWindows(beyond, music.bar[:6], music.first[:6]), 1.0)
        assert np.allclose(plain, padded, atol=1e-2)
