"""What the page shows: shifts of the embedding, accents around the bar, the pulse of a dance, the queue."""

import threading
import time

import numpy as np
import pytest
import torch
from attrs import evolve

import motionbeat
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab.demo import bar_shift, job_queue
from motionbeat.lab.demo.dance_pulse import beats_of_motion
from motionbeat.lab.demo.visitor_limits import Meter, TooOften, allowed_hosts
from motionbeat.lab.synthetic import plan
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.kinematics import forward_kinematics


@pytest.mark.parametrize("shift", [0, 1, 5, 16])
def test_turning_an_embedding_is_embedding_the_rolled_window(shift: int) -> None:
    model = motionbeat.load(device="cpu").model
    generator = torch.Generator().manual_seed(0)
    states = torch.randn((3, 16, model.config.width), generator=generator)
    phase, meter, mask = torch.zeros(3, 16), torch.full((3,), 4), torch.ones(3, 16, dtype=torch.bool)
    with torch.no_grad():
        before = model.audio_readout(states, phase, meter, mask).numpy()
        after = model.audio_readout(states.roll(-shift, 1), phase, meter, mask).numpy()
    np.testing.assert_allclose(bar_shift.turned(before, shift, 16), after, atol=1e-5)


def clicks(meter: int, seconds: float = 24.0, rate: int = 22_050) -> tuple[np.ndarray, Beats]:
    """A noise burst 20 ms after every downbeat, beats at 120 BPM."""
    times = np.arange(0, seconds - 0.5, 0.5)
    wave = np.zeros(round(seconds * rate), np.float32)
    noise = np.random.default_rng(0).normal(0, 0.2, 1500).astype(np.float32) * np.linspace(1, 0, 1500, dtype=np.float32)
    for number, time_s in enumerate(times):
        first = round((time_s + 0.02) * rate)
        wave[first : first + 1500] += noise * (1.0 if number % meter == 0 else 0.0)
    return wave, Beats(times, np.arange(len(times)) % meter + 1, meter)


@pytest.mark.parametrize("meter", [3, 4])
def test_the_accent_profile_turns_with_the_bar(meter: int) -> None:
    """Counting bars from one beat later moves every accent, measured or expected, one beat earlier."""
    model = motionbeat.load(device="cpu")
    wave, beats = clicks(meter)
    measured, expected = bar_shift.accent_profiles(model, wave, beats)
    assert measured.shape == expected.shape == (meter, model.layout.subbeats)
    assert measured.argmax() // model.layout.subbeats == 0
    assert measured.sum() == pytest.approx(1, abs=1e-5) == expected.sum()
    later = evolve(beats, positions=(beats.positions - 2) % meter + 1)
    for one, other in zip((measured, expected), bar_shift.accent_profiles(model, wave, later), strict=True):
        np.testing.assert_allclose(np.roll(one, -1, axis=0), other, atol=2e-3)


def test_shift_curves_of_a_loop_are_one_at_each_repeat() -> None:
    unit = np.eye(4, dtype=np.float32)
    plain, turned = bar_shift.shift_curves(np.tile(unit, (5, 1)), 8, None)
    assert plain == [1, 0, 0, 0, 1, 0, 0, 0, 1] and turned == []


@pytest.mark.parametrize("song", ["mHO2", "mKR0", "mJB4"])
def test_the_pulse_of_a_dance_is_found_without_its_music(song: str) -> None:
    clip = plan.PlannedClip(song, "FM", plan.FIRST_DANCER[song[1:3]], 1, "")
    made = dance(5, clip, rhythm(5, song, [4]))
    joints = forward_kinematics(made.poses.reshape(-1, 24, 3), made.translation / made.scaling)
    beats = beats_of_motion(joints, plan.FPS)
    assert beats.bpm == pytest.approx(plan.tempo(song), rel=0.02)
    off = (beats.times * plan.tempo(song) / 60 + 0.5) % 1 - 0.5
    assert np.abs(np.median(off)) < 0.2


def test_who_stands_still_has_no_pulse() -> None:
    joints = np.tile(np.random.default_rng(0).random((1, 24, 3)), (400, 1, 1))
    with pytest.raises(MotionBeatError, match="nobody moves"):
        beats_of_motion(joints, 60.0)


def test_jobs_are_done_in_order_and_those_that_wait_know_their_place() -> None:
    queue, gate, done = job_queue.JobQueue(3), threading.Event(), []

    def work(number: int) -> job_queue.Work:
        def run(say: job_queue.Say) -> dict[str, int]:
            say("waiting for the test")
            assert gate.wait(60)
            done.append(number)
            if number == 2:
                raise MotionBeatError("two is refused")
            return {"number": number}

        return run

    first = queue.put(work(0))
    while queue.ask(first["job"])["state"] == "waiting":
        time.sleep(0.01)
    others = [queue.put(work(number)) for number in (1, 2, 3)]
    assert [told["ahead"] for told in others] == [1, 2, 3]
    with pytest.raises(job_queue.QueueFull, match="3 are waiting"):
        queue.put(work(4))
    assert queue.ask(first["job"])["step"] == "waiting for the test"
    gate.set()
    while (last := queue.ask(others[-1]["job"]))["state"] != "done":
        time.sleep(0.01)
    assert (done, last["answer"]) == ([0, 1, 2, 3], {"number": 3})
    assert queue.ask(others[1]["job"])["error"] == "two is refused"


def test_a_job_that_nobody_asks_about_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, gate, dropped = job_queue.JobQueue(9), threading.Event(), []
    first = queue.put(lambda say: {"gate": gate.wait(60)})
    while queue.ask(first["job"])["state"] == "waiting":
        time.sleep(0.01)
    left = queue.put(lambda say: {}, lambda: dropped.append(True))
    monkeypatch.setattr(job_queue, "PATIENCE_S", -1.0)
    queue.refuse_if_full()
    assert dropped == [True]
    with pytest.raises(MotionBeatError, match="send the file again"):
        queue.ask(left["job"])
    gate.set()


def test_a_fault_does_not_end_the_worker(capsys: pytest.CaptureFixture[str]) -> None:
    queue = job_queue.JobQueue(9)
    for work, state in ((lambda say: 1 / 0, "failed"), (lambda say: {}, "done")):
        job = queue.put(work)["job"]  # type: ignore[arg-type]
        while (told := queue.ask(job))["state"] in ("waiting", "working"):
            time.sleep(0.01)
        assert told["state"] == state
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_address_may_ask_so_often_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter(2)
    meter.count("a"), meter.count("a"), meter.count("b")
    with pytest.raises(TooOften):
        meter.count("a")
    now[0] = 61.0
    meter.count("a")


def test_a_server_on_this_machine_answers_to_no_other_name() -> None:
    assert allowed_hosts("0.0.0.0") is None
    assert allowed_hosts("127.0.0.1") == {"localhost", "127.0.0.1", "[::1]"}
