"""Pickles: every honest array is read as pickle reads it, and nothing that a hostile file names is run."""

import codecs
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import pickles
from motionbeat.lab.corpora.pickles import load_arrays

REAL = Path(__file__).parents[3] / "shared" / "data" / "aistpp" / "motions"


class Calls:
    """Pickled as a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def written(folder, value, protocol=4):
    path = folder / "motion.pkl"
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_numbers_are_read_as_pickle_reads_them(tmp_path, protocol):
    values = {
        "poses": np.random.default_rng(0).normal(size=(5, 72)).astype(np.float32),
        "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "other end first": np.arange(4, dtype=">i2"),
        "empty": np.empty((0, 3)),
        "flags": np.array([True, False]),
        "scalar": np.float32(2.5),
        "loss": 1.5,
        "count": 3,
    }
    arrays = load_arrays(written(tmp_path, values, protocol))
    assert list(arrays) == list(values)
    for name, value in values.items():
        np.testing.assert_array_equal(arrays[name], value)
        assert arrays[name].shape == np.shape(value) and arrays[name].dtype.isnative


def test_pickles_of_older_numpy_are_read(tmp_path):
    data = pickle.dumps({"a": np.arange(3.0)}, 2)
    new, old = b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"
    assert new in data or old in data
    for core in (old, new):
        arrays = load_arrays(written(tmp_path, data.replace(new, core).replace(old, core)))
        np.testing.assert_array_equal(arrays["a"], [0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch ran",), "system"),
        (eval, ("open('ran', 'w')",), "builtins.eval"),
        (print, ("hello",), "builtins.print"),
        (getattr, ("text", "upper"), "builtins.getattr"),
        (np.fromfile, ("params.yaml",), "fromfile"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_any_callable_is_refused_by_its_name_and_not_run(
    tmp_path, monkeypatch, function, arguments, name, protocol
):
    monkeypatch.chdir(tmp_path)
    short = name.split(".")[-1]
    hostile = {"smpl_poses": np.zeros((2, 72)), "smpl_trans": Calls(function, *arguments)}
    path = written(tmp_path, hostile, protocol)
    with pytest.raises(MotionBeatError, match=rf"{path.name} contains .*{short}.* was not run: download the file"):
        load_arrays(path)
    assert [p.name for p in tmp_path.iterdir()] == ["motion.pkl"]


def test_numpys_own_constructors_are_not_called_with_what_the_file_says(tmp_path):
    for arguments in (((10**15,),), ((2,), "O")):
        with pytest.raises(MotionBeatError, match=r"motion\.pkl"):
            load_arrays(written(tmp_path, {"a": Calls(np.ndarray, *arguments)}))
    with pytest.raises(MotionBeatError, match="not a plain array"):
        load_arrays(written(tmp_path, {"a": Calls(codecs.encode, "payload", "rot13")}, 2))


@pytest.mark.parametrize(
    "value", [np.array([{}], object), np.array(["text"]), np.zeros(2, "i4,f8"), "text", [1.0], None, {"x": 1}]
)
def test_a_field_that_is_no_array_of_numbers_is_refused_by_its_name(tmp_path, value):
    with pytest.raises(MotionBeatError, match=r"motion\.pkl: field smpl_trans has .*; expected an array of numbers"):
        load_arrays(written(tmp_path, {"smpl_poses": np.zeros(3), "smpl_trans": value}))


@pytest.mark.parametrize("value", [[1, 2], np.zeros(3), {1: np.zeros(3)}])
def test_a_pickle_that_is_no_dictionary_of_named_arrays_is_refused(tmp_path, value):
    with pytest.raises(
        MotionBeatError, match=r"motion\.pkl (is not a dictionary of named|contains a dictionary whose) "
    ):
        load_arrays(written(tmp_path, value))


def test_a_pickle_cut_short_anywhere_is_refused(tmp_path):
    whole = pickle.dumps({"smpl_poses": np.arange(144.0).reshape(2, 72), "smpl_scaling": np.ones(1)}, 4)
    for length in [*range(0, 200, 7), len(whole) // 2, len(whole) - 1]:
        with pytest.raises(MotionBeatError, match=r"motion\.pkl is not a complete pickle"):
            load_arrays(written(tmp_path, whole[:length]))


def test_bytes_that_are_no_pickle_are_refused(tmp_path):
    rng = np.random.default_rng(3)
    whole = bytearray(pickle.dumps({"a": np.arange(9.0)}, 4))
    for _ in range(300):
        damaged = whole.copy()
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(256)
        try:
            load_arrays(written(tmp_path, bytes(damaged)))
        except MotionBeatError as error:
            assert "motion.pkl" in str(error)


def test_bytes_that_do_not_fill_the_shape_are_refused(tmp_path):
    data = pickle.dumps({"a": np.arange(3.0)}, 4).replace(b"K\x03\x85", b"K\x04\x85")
    with pytest.raises(MotionBeatError, match=r"damaged field a \(an array of shape"):
        load_arrays(written(tmp_path, data))


def test_a_huge_memo_index_or_file_is_refused_before_memory_is_spent(tmp_path, monkeypatch):
    with pytest.raises(MotionBeatError, match="memo index"):
        load_arrays(written(tmp_path, b"\x80\x02}r" + struct.pack("<I", 2**31) + b"."))
    monkeypatch.setattr(pickles, "LARGEST_BYTES", 100)
    with pytest.raises(MotionBeatError, match="more than any motion"):
        load_arrays(written(tmp_path, {"a": np.zeros(100)}))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MotionBeatError, match=r"gone\.pkl cannot be read"):
        load_arrays(tmp_path / "gone.pkl")


@pytest.mark.real
def test_the_real_motion_is_read_as_pickle_reads_it():
    path = next(REAL.glob("*.pkl"))
    with path.open("rb") as file:
        expected = pickle.load(file)
    arrays = load_arrays(path)
    assert arrays.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(arrays[name], value)
