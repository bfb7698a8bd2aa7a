"""Plain values -> typed sections, with an error (key, value, expected value) for each wrong value."""

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import cattrs

from motionbeat.errors import MotionBeatError
from motionbeat.lab import registry
from motionbeat.lab.params.sections import (
    CorpusName,
    Count,
    CountOrZero,
    EncoderName,
    Fraction,
    NonNegative,
    Params,
    Positive,
)

_LARGEST_WHOLE = 2**63
"""Larger ones fit into no array, and not into a float either."""


def _number(kind: type, expected: str, allowed: Callable[[Any], bool]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        sized = not whole or abs(value) < _LARGEST_WHOLE
        if not (whole or (kind is float and isinstance(value, float))) or not sized or not allowed(value):
            raise ValueError(f"{value!r}; expected {expected}")
        return kind(value)

    return structure


def _exactly(kind: type, expected: str) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{value!r}; expected {expected}")
        return value

    return structure


def _one_of(value: Any, names: tuple[str, ...]) -> Any:
    if value not in names:
        raise ValueError(f"{value!r}; expected one of {', '.join(names)}")
    return value


def _list(value: Any, kind: Any) -> list[Any]:
    may_be_empty = get_args(kind)[0] is int  # shifts by bars may be empty
    if not isinstance(value, list) or not (value or may_be_empty):
        raise ValueError(f"{value!r}; expected a list{'' if may_be_empty else ' of at least one item'}")
    return [_CONVERTER.structure(item, get_args(kind)[0]) for item in value]


def _one_or_several(value: Any, kind: Any) -> Any:
    one, several = get_args(kind)
    return _CONVERTER.structure(value, several if isinstance(value, list) else one)


def _table(value: Any, kind: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r}; expected a table, such as {{name: number}}, or {{}}")
    key, number = get_args(kind)
    return {_CONVERTER.structure(name, key): _CONVERTER.structure(part, number) for name, part in value.items()}


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    finite = 1e300
    for name, hook in {
        float: _number(float, "a number", lambda x: abs(x) < finite),
        int: _number(int, "a whole number", lambda x: True),
        Positive: _number(float, "a number above 0", lambda x: 0 < x < finite),
        NonNegative: _number(float, "a number of at least 0", lambda x: 0 <= x < finite),
        Fraction: _number(float, "a number from 0 to 1", lambda x: 0 <= x <= 1),
        Count: _number(int, "a whole number of at least 1", lambda x: x >= 1),
        CountOrZero: _number(int, "a whole number of at least 0", lambda x: x >= 0),
        bool: _exactly(bool, "true or false"),
        str: _exactly(str, "text"),
    }.items():
        converter.register_structure_hook(name, hook)
    converter.register_structure_hook(CorpusName, lambda value, _: _one_of(value, registry.names("corpus")))
    converter.register_structure_hook(EncoderName, lambda value, _: _one_of(value, registry.names("encoder")))
    converter.register_structure_hook_func(
        lambda kind: get_origin(kind) is Literal, lambda value, kind: _one_of(value, get_args(kind))
    )
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is list, _list)
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is dict, _table)
    converter.register_structure_hook_func(lambda kind: kind == CorpusName | list[CorpusName], _one_or_several)
    return converter


_CONVERTER = _converter()


def structured(values: Any, origin: str) -> Params:
    """Nested plain values as sections; `MotionBeatError` lists every wrong key, after `origin`."""
    try:
        params: Params = _CONVERTER.structure(values, Params)
    except cattrs.BaseValidationError as group:
        lines = [_readable(line) for line in cattrs.transform_error(group, "", _message)]
        raise MotionBeatError(f"{origin}: " + "; ".join(lines)) from None
    return params


def _message(error: BaseException, _: Any) -> str:
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        return f"unknown key {', '.join(sorted(map(str, error.extra_fields)))}; expected none besides those documented"
    if isinstance(error, KeyError):
        return "missing; expected a value"
    return str(error)


def _readable(line: str) -> str:
    """'abc; expected a number @ .loss.alpha' -> loss.alpha = abc; expected a number"""
    text, _, key = line.rpartition(" @ ")
    joint = ": " if text.startswith(("unknown", "missing")) else " = "
    return joint.join(filter(None, (key.lstrip("."), text)))
