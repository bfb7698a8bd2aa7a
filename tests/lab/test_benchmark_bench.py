"""The benchmark of speed: ratios come from rounds, the page gets its table, and the peers are of their true sizes."""

from pathlib import Path

import pytest
import torch

from benchmarks import shared_cpu
from benchmarks.bench import peer_networks, rounds
from benchmarks.bench.__main__ import BEGIN, END, line, put_table, table
from benchmarks.bench.emd_case import rows
from motionbeat.errors import MotionBeatError


def test_a_ratio_is_the_median_of_rounds_and_a_part_counts_as_often_as_it_fits(monkeypatch) -> None:
    trial = [0, 9, 10, 19]  # 9 s each: long enough to run once a round
    clock = iter([*trial, 0, 2, 10, 11, 20, 21, 30, 31, 40, 48, 50, 52])  # ours 2 1 8 s, theirs 1 1 2 s
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: next(clock))
    calls: list[str] = []
    mine, theirs = (lambda: calls.append("mine")), (lambda: calls.append("theirs"))
    row = rounds.compare("case", "size", mine, "peer", theirs, rounds=3, times=2.0, at_most=0.5)
    assert (row.ratio, row.low, row.high, row.ours_s, row.beside_s) == (1.0, 0.5, 2.0, 2.0, 2.0)
    assert calls == [*["mine"] * 2, *["theirs"] * 2, *["mine", "theirs"] * 3]
    assert "| 0.5, missed |" in line(row)


def test_the_table_stands_between_its_marks_and_what_was_left_out_is_named(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Speed\n{BEGIN}\nold\n{END}\nrest\n", encoding="utf-8")
    found = [rounds.LeftOut("retrieval", "faiss is not installed")]
    put_table(page, table(found, "two threads."))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Speed\n") and text.endswith("rest\n") and "old" not in text
    assert "| retrieval | left out: faiss is not installed |" in text
    page.write_text("# Speed\n", encoding="utf-8")
    with pytest.raises(MotionBeatError, match="must have the lines"):
        put_table(page, "")


def test_a_case_measures_both_sides() -> None:
    found = next(rows())
    assert found.ours_s > 0 and found.beside_s > 0 and found.low <= found.ratio <= found.high


@pytest.mark.parametrize(
    ("network", "millions", "sound", "shape"),
    [
        (peer_networks.Wav2Vec2Base, (90, 99), torch.zeros(1, 16_000), (1, 49, 768)),
        (peer_networks.ClapAudio, (65, 95), torch.zeros(1, 1, 256, 256), (1, 1024)),
    ],
)
def test_peers_have_the_published_size(network, millions, sound, shape) -> None:
    made = network().eval()
    assert millions[0] < peer_networks.weights(made) / 1e6 < millions[1]
    with torch.inference_mode():
        assert made(sound).shape == shape


def test_busy_programs_run_beside_the_work_and_end_with_it() -> None:
    import psutil

    seen: list[list[psutil.Process]] = []

    def speed() -> float:
        seen.append([child for child in psutil.Process().children() if "while True: pass" in child.cmdline()])
        return 10.0 / len(seen)

    assert list(shared_cpu.slowed(speed)) == [(0, 10.0, 1.0), (1, 5.0, 2.0), (2, pytest.approx(10 / 3), 3.0)]
    assert [len(programs) for programs in seen] == [0, 1, 2]
    assert not any(program.is_running() for programs in seen for program in programs)
