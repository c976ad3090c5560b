"""Known structure: entries of a parameter with fixed or shared values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax.inputs.arguments import Range
from hawkesjax.inputs.checks import counted, kind_of_value, short

Nested = Any  # tuples of tuples of numbers, None where nothing is given
ALL = "all"
OFF_DIAGONAL, SYMMETRIC = "off-diagonal", "symmetric"
KINDS = (ALL, OFF_DIAGONAL, SYMMETRIC)


@dataclass(frozen=True)
class Structure:
    """How the entries of one parameter follow from those that are free.

    Args:
        index: in the parameter's shape, the free value that each entry takes; -1 if it is fixed.
        values: in the parameter's shape, the values of fixed entries; 0 elsewhere.
    """

    index: np.ndarray
    values: np.ndarray

    @property
    def size(self) -> int:
        """Number of free values."""
        return int(self.index.max(initial=-1)) + 1

    @property
    def fixed(self) -> np.ndarray:
        """Mask of the fixed entries."""
        return self.index < 0

    @property
    def tied(self) -> np.ndarray:
        """Mask of the entries that share a free value."""
        free = self.index[self.index >= 0]
        counts = np.bincount(free, minlength=self.size) if self.size else np.zeros(1, int)
        return (self.index >= 0) & (counts[np.maximum(self.index, 0)] > 1)

    @property
    def first(self) -> np.ndarray:
        """Position of the first entry of each free value, in the flattened parameter."""
        free = np.flatnonzero(self.index.ravel() >= 0)
        return free[np.unique(self.index.ravel()[free], return_index=True)[1]]

    def expand(self, free: Any) -> jax.Array:
        """Every entry, from free values along the last axis."""
        free = jnp.asarray(free)
        if not self.size:
            whole = jnp.zeros((*free.shape[:-1], *self.index.shape), free.dtype)
            return whole + jnp.asarray(self.values, free.dtype)
        taken = free[..., np.maximum(self.index, 0)]
        return jnp.where(self.fixed, jnp.asarray(self.values, free.dtype), taken)

    def reduce(self, whole: Any) -> Any:
        """The free values, each from the first of its entries."""
        return whole.reshape(-1)[self.first]

    def labels(self, whole: Any) -> np.ndarray:
        """Labels of the free values from labels of the entries; -1 where these differ."""
        known, index = np.ravel(np.asarray(whole)), self.index.ravel()
        out = np.asarray(self.reduce(known)).copy()
        free = index >= 0
        out[index[free][known[free] != out[index[free]]]] = -1
        return out

    def spread(self, of_free: Any) -> np.ndarray:
        """Quantities of the free values, by entry; NaN for fixed ones."""
        of_free = np.append(np.asarray(of_free, np.float64), np.nan)
        return of_free[np.where(self.fixed, -1, self.index)]


def structure_of(
    name: str, shape: tuple[int, ...], fixed: Nested, tied: Nested
) -> Structure | None:
    """The structure of one parameter of this shape; None if it has neither fixed nor tied entries.

    Raises:
        ValueError: for values or labels that do not match the shape, and for tied entries of which
            some are fixed.
    """
    if fixed is None and tied is None:
        return None
    size = int(np.prod(shape))
    given = np.full(shape, np.nan)
    if fixed is not None:
        given = _spread(f"fixed[{name!r}]", _array(fixed), shape)
    free = np.isnan(given)
    labels = np.arange(size).reshape(shape)
    if tied is not None:
        named = isinstance(tied, str)
        said = (
            _named(name, tied, shape) if named else _spread(f"tied[{name!r}]", _array(tied), shape)
        )
        known = ~np.isnan(said)
        labels = np.where(known, size + np.where(known, said, 0), labels)
        if not named:
            mixed = known & ~free & np.isin(said, said[known & free])
            if mixed.any():
                place = tuple(int(axis) for axis in np.argwhere(mixed)[0])
                raise ValueError(
                    f"tied[{name!r}] ties entries of which some are fixed, as at {place}: fix all "
                    f"of a label's entries, or none."
                )
    index = np.full(shape, -1)
    if free.any():
        _, codes, order = np.unique(labels[free], return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(codes))  # in the order of their first entries
        index[free] = rank[order.ravel()]
    return Structure(index, np.where(free, 0, given))


def _named(name: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Labels of a kind of tie; NaN where an entry stands alone."""
    if kind == ALL:
        return np.zeros(shape)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(
            f"tied[{name!r}] is {kind!r}, which is for a parameter of pairs; its shape is {shape}."
        )
    row, column = np.indices(shape)
    if kind == OFF_DIAGONAL:
        return np.where(row == column, np.nan, 0.0)
    return (np.minimum(row, column) * shape[0] + np.maximum(row, column)).astype(np.float64)


def said_of(structures: Mapping[str, Structure]) -> str:
    """A sentence on how many entries are fixed, and how many share a value."""
    parts = []
    for what in ("fixed", "tied"):
        counts = {name: int(getattr(one, what).sum()) for name, one in structures.items()}
        named = [
            name if count == structures[name].index.size else f"{counted(count, 'entry')} of {name}"
            for name, count in counts.items()
            if count
        ]
        if named:
            parts.append(f"{what.capitalize()}: {', '.join(named)}.")
    return " ".join(parts).replace("entrys", "entries")


def checked_structure(
    fixed: Any, tied: Any, ranges: Mapping[str, Range]
) -> tuple[tuple[tuple[str, Nested], ...], tuple[tuple[str, Nested], ...]]:
    """`fixed` and `tied` as hashable settings.

    Raises:
        ValueError: for anything but a dict, unknown parameters, or values outside their supports.
    """
    return _settings("fixed", fixed, ranges), _settings("tied", tied, ranges)


def _settings(what: str, given: Any, ranges: Mapping[str, Range]) -> tuple[tuple[str, Nested], ...]:
    if given is None:
        return ()
    given = dict(given) if isinstance(given, tuple) else given
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{what} is {kind_of_value(given)}; it must be a dict from parameters to values."
        )
    unknown = [str(name) for name in given if name not in ranges]
    if unknown:
        raise ValueError(
            f"{what} names {', '.join(unknown)}; this model has the parameters {', '.join(ranges)}."
        )
    found = []
    for name, value in sorted(given.items()):
        if what == "tied" and isinstance(value, str):
            if value not in KINDS:
                raise ValueError(
                    f"tied[{name!r}] is {value!r}; it must be {', '.join(map(repr, KINDS))}, or "
                    f"labels."
                )
            found.append((name, value))
            continue
        array = _array(value, f"{what}[{name!r}]")
        if np.isinf(array).any() or (what == "tied" and np.any(array % 1 > 0)):
            kind = "whole numbers, NaN where an entry stands alone"
            kind = kind if what == "tied" else "finite, NaN where an entry is learned"
            raise ValueError(f"{what}[{name!r}] must be {kind}; it is {short(value)}.")
        if what == "fixed":
            known = array[~np.isnan(array)]
            wrong = ~ranges[name].holds(known)
            if wrong.any():
                raise ValueError(
                    f"fixed[{name!r}] holds {known[wrong][0]:g}; it must be "
                    f"{ranges[name].words('a number')}."
                )
        found.append((name, _nested(array)))
    return tuple(found)


def _array(value: Any, what: str = "") -> np.ndarray:
    try:
        return np.asarray(value, np.float64)  # None becomes NaN
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is {short(value)}; it must be a number or an array.") from error


def _spread(what: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(value, shape).copy()
    except ValueError as error:
        raise ValueError(
            f"{what} has shape {value.shape}; with these data it must be {shape}."
        ) from error


def _nested(value: np.ndarray) -> Nested:
    if value.ndim:
        return tuple(_nested(part) for part in value)
    return None if np.isnan(value) else float(value)
