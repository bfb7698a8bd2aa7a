"""Pickle2Arrays: arrays from an untrusted pickle; no function that the file names is ever called.

A pickle is a program. The few names that build a NumPy array are replaced by records of type, shape and bytes, from
which checked arrays are made later; every other name is refused before it can run.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded

LARGEST_BYTES = 64 * 2**20
_MOST_STEPS = 100_000
_FIX = "download the file again from its official source, and do not use a pickle of unknown origin"


class _Forbidden(pickle.UnpicklingError):
    """The pickle needs something that an array of numbers does not need."""


class _Named:
    """Placeholder for a class or function; it can be passed as an argument, and called only in the subclasses below."""

    __slots__ = ()


class _Type:
    """A dtype in a pickle: its code, such as f4, and its byte order."""

    def __init__(self, code: Any) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = {"<": "<", ">": ">"}.get(state[1], "=")

    def dtype(self) -> np.dtype[Any] | None:
        """The NumPy dtype of a number; None for objects, text, records and so on."""
        simple = isinstance(self.code, str) and re.fullmatch(r"[iu][1248]|f[248]|b1", self.code)
        return np.dtype(self.order + self.code) if simple else None


class _Array:
    """An array in a pickle: its type, shape, memory order and bytes."""

    kind: Any = None
    shape: Any = ()
    fortran = False
    data: Any = b""

    def __setstate__(self, state: Any) -> None:
        *_, self.shape, self.kind, self.fortran, self.data = state

    def values(self) -> NDArray[Any] | None:
        """The array; None if it is not an array of numbers. Raises `ValueError` if bytes and shape disagree."""
        dtype = self.kind.dtype() if isinstance(self.kind, _Type) else None
        if dtype is None:
            return None
        data = self.data.encode("latin1") if isinstance(self.data, str) else self.data
        if not isinstance(data, bytes | bytearray):  # bytes(n) would be n zeros
            raise ValueError(f"an array whose bytes are a {type(data).__name__}")
        shape = tuple(int(side) for side in self.shape)
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError(f"an array of shape {shape} with {len(data)} bytes")
        array = np.frombuffer(data, dtype).reshape(shape, order="F" if self.fortran else "C")
        return array.astype(dtype.newbyteorder("="))


class _MakeType(_Named):
    """numpy.dtype"""

    def __call__(self, code: Any, *_: Any) -> _Type:
        return _Type(code)


class _MakeArray(_Named):
    """numpy's _reconstruct: an empty array, which the pickle then fills."""

    def __call__(self, kind: Any, *_: Any) -> _Array:
        if kind is not _NDARRAY:
            raise _Forbidden("an array that is not a plain numpy.ndarray")
        return _Array()


class _MakeFilled(_Named):
    """numpy's _frombuffer, by which protocol 5 writes arrays."""

    def __call__(self, data: Any, kind: Any, shape: Any, order: Any) -> _Array:
        array = _Array()
        array.__setstate__((shape, kind, order == "F", data))
        return array


class _MakeScalar(_Named):
    """numpy's scalar: one number."""

    def __call__(self, kind: Any, data: Any) -> _Array:
        array = _Array()
        array.__setstate__(((), kind, False, data))
        return array


class _Encode(_Named):
    """codecs.encode, by which protocols up to 2 write bytes."""

    def __call__(self, text: Any, encoding: Any) -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise _Forbidden("text in another encoding than latin1")
        return text.encode("latin1")


class _NoBytes(_Named):
    """bytes without arguments, by which protocols up to 2 write empty bytes."""

    def __call__(self) -> bytes:
        return b""


_NDARRAY = _Named()
_KNOWN: dict[tuple[str, str], _Named] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _MakeType(),
    ("_codecs", "encode"): _Encode(),
    ("__builtin__", "bytes"): _NoBytes(),
}
for _core in ("numpy.core", "numpy._core"):
    _KNOWN[f"{_core}.multiarray", "_reconstruct"] = _MakeArray()
    _KNOWN[f"{_core}.multiarray", "scalar"] = _MakeScalar()
    _KNOWN[f"{_core}.numeric", "_frombuffer"] = _MakeFilled()


class _ArrayUnpickler(pickle._Unpickler):
    """Python's pickle reader in pure Python, changed so that the keys of a dictionary must be names.

    A key could be nested tuples, each containing the one before twice: to hash 40 levels takes days.
    """

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch}
    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    append: Callable[[Any], None]

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except (KeyError, TypeError):
            raise _Forbidden(f"{module}.{name}") from None

    def _fill(self, pairs: list[Any], target: Any) -> None:
        names = pairs[::2]
        if not isinstance(target, dict) or not all(isinstance(name, str) for name in names):
            raise _Forbidden("a dictionary whose keys are not names")
        target.update(zip(names, pairs[1::2], strict=True))

    def load_setitem(self) -> None:
        value, name = self.stack.pop(), self.stack.pop()
        self._fill([name, value], self.stack[-1])

    def load_setitems(self) -> None:
        pairs = self.pop_mark()
        self._fill(pairs, self.stack[-1])

    def load_dict(self) -> None:
        pairs = self.pop_mark()
        self.append({})
        self._fill(pairs, self.stack[-1])

    def load_set(self) -> None:
        raise _Forbidden("a set")

    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.EMPTY_SET[0]] = dispatch[pickle.ADDITEMS[0]] = dispatch[pickle.FROZENSET[0]] = load_set


def load_arrays(path: Path, wanted: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read a pickled dictionary of arrays and numbers, as in AIST++, without running any code in it.

    wanted: the fields to read, while others are ignored; by default all.
    Pickles of Python 2 and 3, of every protocol and NumPy are read. Raises `MotionBeatError` naming the
    file, the offending name or field and the fix: for anything that is not a dictionary of arrays of
    numbers (objects in an array are refused too), for a file that is missing, truncated or over 64 MiB.
    """
    data = _bytes(path)
    with guarded(path, "is not a complete pickle", _FIX):
        try:
            _check(data)
            values = _ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()
        except _Forbidden as error:
            raise MotionBeatError(
                f"{path} contains {error}, which is not a plain array and was not run: {_FIX}"
            ) from None
    if not isinstance(values, dict):
        raise MotionBeatError(f"{path} is not a dictionary of named arrays (a {type(values).__name__}): {_FIX}")
    return {name: _array(path, name, value) for name, value in values.items() if wanted is None or name in wanted}


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise MotionBeatError(f"{path} has {size} bytes, more than any motion ({LARGEST_BYTES}): {_FIX}")
        return path.read_bytes()
    except OSError as error:
        raise MotionBeatError(f"{path} cannot be read ({error.strerror}): check corpus.root in params.yaml") from None


def _check(data: bytes) -> None:
    """Before reading, refuse pickles that would need unlimited time or memory.

    These have a memo index beyond the file's length, more steps than any motion needs, or copies of the top of the
    stack, which Python never writes.
    """
    for steps, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > len(data):
            raise _Forbidden(f"the memo index {argument}")
        if opcode.name == "DUP" or steps > _MOST_STEPS:
            raise _Forbidden("a DUP" if opcode.name == "DUP" else f"more than {_MOST_STEPS} steps")


def _array(path: Path, name: str, value: Any) -> NDArray[Any]:
    if isinstance(value, int | float):
        return np.asarray(value)
    with guarded(path, f"has a damaged field {name}", _FIX):
        array = value.values() if isinstance(value, _Array) else None
    if array is None:
        held = "objects or text" if isinstance(value, _Array) else f"a {type(value).__name__}"
        raise MotionBeatError(f"{path}: field {name} has {held}; expected an array of numbers: {_FIX}")
    return array
