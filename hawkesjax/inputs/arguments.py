"""Checks of arguments: numbers, flags and names against what a function's signature says."""

from __future__ import annotations

import functools
import inspect
import math
import operator
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax.inputs.checks import short

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Range:
    """Range of a number, from `least` to `most`; `above` and `below` exclude the ends."""

    least: float = -np.inf
    most: float = np.inf
    above: bool = False
    below: bool = False

    def holds(self, value: Any) -> Any:
        """Whether a number, or each number of an array, lies in it."""
        low = self.least < value if self.above else self.least <= value
        return low & (value < self.most if self.below else value <= self.most)

    def words(self, kind: str) -> str:
        """ "a whole number of at least 1", "a number above 0"."""
        low = "" if self.least == -np.inf else f"{'above' if self.above else 'of at least'} "
        low += "" if self.least == -np.inf else f"{self.least:g}"
        end = "below" if self.below else "at most" if low else "of at most"
        high = "" if self.most == np.inf else f"{end} {self.most:.10g}"
        return " ".join([kind, *([" and ".join(filter(None, (low, high)))] if low or high else [])])


A_KEY = f"one PRNG key of JAX, or a whole number from 0 to {2**32 - 1}"


@dataclass(frozen=True)
class Door:
    """A check of one argument: takes its value and its name, returns the value to use."""

    check: Callable[[Any, str], Any]


def prng_key(value: Any, name: str) -> jax.Array:
    """One PRNG key, new-style or as two whole numbers, or the key of a seed.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if 0 <= value < 2**32:
            return jax.random.key(np.uint32(value))
        raise ValueError(f"{name} is {_shown(value)}; it must be {A_KEY}.")
    typed = isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
    whole = isinstance(value, jax.Array | np.ndarray) and value.dtype == np.uint32
    if (typed or whole) and np.ndim(value) == (0 if typed else 1):
        return jnp.asarray(value)
    raise ValueError(f"{name} is {_shown(value)}; it must be {A_KEY}.")


def precision(value: Any, name: str) -> Any:
    """A floating type of 32 or 64 bits; None for JAX's default.

    Raises:
        ValueError: for anything else.
    """
    try:
        found = None if value is None else np.dtype(value)
    except Exception:  # NumPy's parser of names fails in many ways
        found = np.dtype(object)
    if found is not None and found not in (np.float32, np.float64):
        raise ValueError(f"{name} is {_shown(value)}; it must be float32 or float64.")
    return found


AT_LEAST_0, ABOVE_0 = Range(0), Range(0, above=True)

# Annotations for signatures; a type checker reads int and float.
MOST = 2**31 - 1  # JAX counts in 32 bits
Count = Annotated[int, Range(1, MOST)]
Whole = Annotated[int, Range(0, MOST)]
Bytes = Annotated[int, Range(1)]
Positive = Annotated[float, ABOVE_0]
AtLeastZero = Annotated[float, AT_LEAST_0]
Share = Annotated[float, Range(0, 1)]
Level = Annotated[float, Range(0, 1, above=True, below=True)]
Key = Annotated[jax.Array | int, Door(prng_key)]
Precision = Annotated[Any, Door(precision)]


def number(value: Any, name: str, where: Range = Range(), *, whole: bool = False) -> float | int:
    """A finite number in a range, also from an array without axes; True and text are refused.

    Raises:
        ValueError: for anything else; it names the argument and says what it must be.
    """
    kind = "a whole number" if whole else "a finite number"
    found = value
    if isinstance(value, np.ndarray | np.generic | jax.Array) and value.ndim == 0:
        found = np.asarray(value).item()
    good = isinstance(found, int | float) and not isinstance(found, bool)
    try:
        good = good and math.isfinite(found) and (not whole or found == int(found))
    except (OverflowError, TypeError):  # a whole number beyond all floats
        good = False
    if not good or not where.holds(found):
        raise ValueError(f"{name} is {_shown(value)}; it must be {where.words(kind)}.")
    return operator.index(int(found)) if whole else float(found)


def numbers(value: Any, name: str) -> np.ndarray:
    """An array of numbers.

    Raises:
        ValueError: for anything else.
    """
    try:
        return np.asarray(value, np.float64)
    except Exception:  # a class of the user's may raise anything
        raise ValueError(f"{name} is {_shown(value)}; it must hold numbers.") from None


def flag(value: Any, name: str) -> bool:
    """True or False, not merely a value that counts as one of them.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {_shown(value)}; it must be True or False.")
    return bool(value)


def choice(value: Any, name: str, allowed: tuple[Any, ...]) -> Any:
    """One of some values.

    Raises:
        ValueError: for anything else; it lists them.
    """
    if isinstance(value, str | int | float | None) and value in allowed:
        return value
    listed = ", ".join(map(repr, allowed))
    raise ValueError(f"{name} is {_shown(value)}; it must be one of {listed}.")


def text(value: Any, name: str) -> str:
    """Text.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_shown(value)}; it must be text.")
    return str(value)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a public function check its arguments against its own signature.

    Arguments annotated as `int`, `float`, `bool`, `str` or a `Literal`, with a `Range`
    where there is one and with `None` where it is allowed, are checked and passed on as plain
    numbers; all others are passed on unchanged, to the function's own checks.
    """
    signature = inspect.signature(function)

    @functools.cache
    def rules() -> dict[str, Any]:
        space = vars(sys.modules[function.__module__])
        found = {}
        for name, one in signature.parameters.items():
            hint = one.annotation
            try:
                hint = eval(hint, space) if isinstance(hint, str) else hint
            except (NameError, TypeError):  # imported for type checkers only
                continue
            if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) and _known(hint):
                found[name] = hint
        return found

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **options)
        except TypeError:  # Python's own message is better, with the function's name
            return function(*args, **options)
        for name, hint in rules().items():
            if name in bound.arguments:
                bound.arguments[name] = _held(bound.arguments[name], name, hint)
        return function(*bound.args, **bound.kwargs)

    return call


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _known(hint: Any) -> bool:
    """Whether every part of an annotation can be checked here."""
    plain = (int, float, bool, str, type(None))
    return all(
        part in plain
        or get_origin(part) is Literal
        or _is_ours(part)
        or (get_origin(part) is Annotated and isinstance(get_args(part)[1], Range | Door))
        for part in _parts(hint)
    )


def _is_ours(part: Any) -> bool:
    """Whether it is a type of data, such as Activity."""
    ours = r"hawkesjax\.(\w+\.data|covariates)\."
    return isinstance(part, type) and re.match(ours, part.__module__) is not None


def article(name: str) -> str:
    """A type's name with its article: an EventPanel, Cascades."""
    if name.endswith("s"):
        return name
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _held(value: Any, name: str, hint: Any) -> Any:
    parts = _parts(hint)
    if value is None and type(None) in parts:
        return None
    parts = [part for part in parts if part is not type(None)]
    wanted = []
    for part in parts:
        try:
            return _one(value, name, part)
        except ValueError as error:
            wanted.append(str(error).split("it must be ", 1)[1].rstrip("."))
    raise ValueError(f"{name} is {_shown(value)}; it must be {', or '.join(wanted)}.")


def _one(value: Any, name: str, part: Any) -> Any:
    if get_origin(part) is Literal:
        return choice(value, name, get_args(part))
    for door in get_args(part)[1:]:
        if isinstance(door, Door):
            return door.check(value, name)
    where = next((m for m in get_args(part)[1:] if isinstance(m, Range)), Range())
    kind = get_args(part)[0] if get_origin(part) is Annotated else part
    if _is_ours(kind):
        if not isinstance(value, kind):
            raise ValueError(f"{name} is {_shown(value)}; it must be {article(kind.__name__)}.")
        return value
    if kind is bool:
        return flag(value, name)
    if kind is str:
        return text(value, name)
    return number(value, name, where, whole=kind is int)


def _shown(value: Any) -> str:
    plain = value is None or isinstance(value, bool | int | float | str | bytes | np.generic)
    return short(value) if plain else f"a {type(value).__name__}"
