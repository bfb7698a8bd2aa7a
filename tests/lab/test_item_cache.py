"""Items kept by content: found again for equal inputs, made again for others, never given damaged, bounded."""

import os

import numpy as np
import pytest
import typer
from attrs import frozen
from typer.testing import CliRunner

from motionbeat.errors import MotionBeatError
from motionbeat.lab import item_cache
from motionbeat.lab.commands import cache_command
from motionbeat.lab.imports import imported
from motionbeat.lab.item_cache import ItemCache, digest_of


@frozen
class Settings:
    bpm: float
    name: str = "x"


@frozen
class Others:
    bpm: float
    name: str = "x"


@pytest.fixture
def kept() -> ItemCache:
    return ItemCache("things", "code", item_cache.items_folder())


def values(number: float = 1.0) -> dict:
    arrays = {"a": np.arange(6.0).reshape(2, 3) * number, "empty": np.empty((0, 4), np.float32), "b": np.array([True])}
    return {**arrays, "half": np.float16([0.1]), "plain": [1, 0.1 + 0.2, None, "é", {"x": [True]}]}


def test_what_is_kept_comes_back_bit_for_bit_and_is_made_once(kept) -> None:
    made = []
    found = [kept.get(["song", 1], lambda: made.append(0) or values()) for _ in range(2)]
    assert len(made) == 1
    for back in found:
        assert back["plain"] == values()["plain"]
        for name in ("a", "empty", "b", "half"):
            assert back[name].dtype == values()[name].dtype
            np.testing.assert_array_equal(back[name], values()[name])


def test_only_equal_content_has_an_equal_digest(tmp_path) -> None:
    for name, text in (("one", "x"), ("copy", "x"), ("other", "y")):
        (tmp_path / name).write_text(text)
    different = [
        *(None, True, 1, 1.0, "1", b"1", [1], [[1]], ["1"], {"a": 1}, {"b": 1}, tmp_path / "one", tmp_path / "other"),
        *(Settings(1.0), Settings(2.0), Others(1.0), np.zeros(2), np.zeros((2, 1)), np.zeros(2, np.float32)),
        *(np.ones(2), ["ab", "c"], ["a", "bc"], [["a"], "b"], ["a", ["b"]], [], {}),
    ]
    assert len({digest_of(value) for value in different}) == len(different)
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "copy")
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of(np.arange(6).reshape(2, 3).T) == digest_of(np.arange(6).reshape(2, 3).T.copy())
    for value in (object(), np.array(["x"], object), {1, 2}):
        with pytest.raises(TypeError, match="no digest"):
            digest_of(value)


def test_another_import_or_package_is_another_entry_and_another_file_is_not(tmp_path, monkeypatch) -> None:
    (tmp_path / "motionbeat").mkdir()
    for name, text in (("a", "import motionbeat.b"), ("b", "B = 1"), ("c", "C = 1"), ("__init__", "")):
        (tmp_path / "motionbeat" / f"{name}.py").write_text(text)

    def digest() -> str:
        item_cache.code_digest.cache_clear()
        imported.cache_clear()
        return item_cache.code_digest(("motionbeat.a",), tmp_path)

    first = digest()
    (tmp_path / "motionbeat" / "c.py").write_text("C = 2")
    assert digest() == first
    (tmp_path / "motionbeat" / "b.py").write_text("B = 2")
    assert (second := digest()) != first
    monkeypatch.setattr(item_cache, "versions", lambda: ["numpy 9"])
    assert digest() not in (first, second)
    with pytest.raises(MotionBeatError, match=r"no module motionbeat\.d"):
        item_cache.code_digest(("motionbeat.d",), tmp_path)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:50] + b"\0" + data[51:], lambda _: b""])
def test_a_damaged_entry_is_set_aside_with_a_line_and_made_again(kept, capsys, damage) -> None:
    kept.get("x", values)
    entry = kept.entry("x")
    entry.write_bytes(damage(entry.read_bytes()))
    again = kept.get("x", lambda: values(2.0))
    np.testing.assert_array_equal(again["a"], values(2.0)["a"])
    assert f"set aside as {entry.name}.damaged and made again" in capsys.readouterr().err
    np.testing.assert_array_equal(kept.get("x", values)["a"], again["a"])


def test_what_cannot_be_made_is_not_kept(kept, cache_of_test) -> None:
    def fails() -> dict:
        raise MotionBeatError("no beats")

    with pytest.raises(MotionBeatError, match="no beats"):
        kept.get("x", fails)
    assert not list(cache_of_test.rglob("*.kept"))


def test_the_least_recently_used_go_first_and_the_limit_holds(kept) -> None:
    size = len(item_cache.entry_content(values()))
    item_cache.set_limit(kept.folder, 10 * size)
    for number in range(10):
        kept.get(number, values)
        os.utime(kept.entry(number), (number, number))
    kept.get(0, values)  # used now
    kept.get(10, values)
    there = [number for number in range(11) if kept.entry(number).is_file()]
    assert 0 in there and 10 in there and 1 not in there and len(there) <= 10
    assert sum(bytes_ for _, bytes_ in item_cache.sizes(kept.folder).values()) <= 10 * size


def test_the_command_shows_each_kind_sets_a_limit_and_clears(kept, cache_of_test) -> None:
    app = typer.Typer()
    app.command()(cache_command.cache)
    for number in range(3):
        kept.get(number, values)
        ItemCache("others", "code", kept.folder).get(number, values)
    shown = CliRunner().invoke(app, []).output
    assert "things" in shown and "3 items" in shown and "others" in shown and "20.0 GB" in shown
    assert "limit 5.0 GB" in CliRunner().invoke(app, ["--limit", "5"]).output
    assert item_cache.limit_of(kept.folder) == 5 * 10**9
    assert "0 items" not in shown
    assert CliRunner().invoke(app, ["--limit", "1e300"]).exit_code == 2, "no such number of bytes"
    CliRunner().invoke(app, ["--limit", "0"])
    assert not list(cache_of_test.rglob("*.kept"))
    kept.get(0, values)
    CliRunner().invoke(app, ["--clear"])
    assert not list(cache_of_test.rglob("*.kept"))
    (kept.folder / "limit").write_text("lots")
    refused = CliRunner().invoke(app, [])
    assert isinstance(refused.exception, MotionBeatError) and "limit" in str(refused.exception)
