"""Errors at the door: what is wrong, in which rows, and what to do."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

SHOWN = 5  # offending rows that a message names
MISSING = "Fill these rows in, or leave them out before."  # the remedy for missing values


@dataclass(frozen=True)
class Rows:
    """How errors call the rows of a table."""

    word: str = "row"  # counted from 0 in memory; "line" for files, whose header is line 1
    # number of the first row, or every row's own, or a function from row to text
    number: int | np.ndarray | Callable[[int], str] = 0

    def name(self, row: int) -> str:
        """What a message calls this row."""
        if callable(self.number):
            return self.number(row)
        if isinstance(self.number, np.ndarray):
            return str(self.number[row])
        return str(row + self.number)

    def at(self, where: Any) -> Rows:
        """How errors call some of the rows."""
        return Rows(self.word, lambda row: self.name(int(where[row])))


ROWS = Rows()


def refuse(
    wrong: Any, column: str, what: str, remedy: str, values: Any = None, rows: Rows = ROWS
) -> None:
    """Raise a ValueError that names the first wrong rows of a column, what is wrong with them and
    what to do; do nothing where none is wrong.

    Args:
        wrong: mask of the offending rows.
        values: shown beside the rows: an array, or a function from row to ready text.
    """
    offending = np.flatnonzero(np.asarray(wrong, bool)).tolist()
    if not offending:
        return

    def show(row: int) -> str:
        if values is None:
            return rows.name(row)
        return f"{rows.name(row)} ({values(row) if callable(values) else short(values[row])})"

    shown = joined(map(show, offending), len(offending))
    plural = "s" if len(offending) > 1 else ""
    raise ValueError(f"Column {column!r}: {what} in {rows.word}{plural} {shown}. {remedy}")


def short(value: Any, most: int = 40) -> str:
    """A value as text of bounded length in one line; its type where it has no text."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        text = repr(value) if isinstance(value, (str, bytes)) else " ".join(str(value).split())
    except Exception:  # a class of the user's may raise anything
        text = f"a {type(value).__name__}"
    return text if len(text) <= most else text[: most - 3] + "..."


def listed(names: Iterable[Any], most: int = 10) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    return joined((repr(str(name)) for name in names), len(names), most)


def joined(texts: Iterable[str], size: int, most: int = SHOWN) -> str:
    """The first of `size` texts, and how many there are."""
    more = f", ... ({size:,} in all)" if size > most else ""
    return ", ".join(itertools.islice(texts, most)) + more


def counted(number: int, what: str) -> str:
    """ "1 event", "2,000 events"."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def column_of(values: Any, column: str, rows: Rows = ROWS) -> Any:
    """The values as a pandas Series numbered from 0; booleans and nested values are refused."""
    if isinstance(values, pd.Series):
        series: Any = values.reset_index(drop=True)
    elif isinstance(values, (pd.Index, pd.api.extensions.ExtensionArray)):
        series = pd.Series(values)
    elif isinstance(values, (list, tuple, range)):
        series = pd.Series(list(values), dtype=None if len(values) else float)
    else:
        array = np.asarray(values)
        if array.ndim != 1:
            raise ValueError(
                f"Column {column!r}: expected one dimension, got shape {array.shape}. "
                f"Give one value per event."
            )
        series = pd.Series(array.astype(array.dtype.newbyteorder("="), copy=False))
    if isinstance(series.dtype, pd.ArrowDtype):
        series = _from_arrow(series)
    remedy = "Give numbers, text or datetimes."
    if pd.api.types.is_bool_dtype(series.dtype):
        refuse(np.ones(len(series)), column, "a boolean", remedy, series, rows)
    elif series.dtype == object:
        booleans = series.map(lambda v: isinstance(v, (bool, np.bool_)))
        refuse(booleans, column, "a boolean", remedy, series, rows)
        nested = series.map(pd.api.types.is_list_like)
        remedy = "Give one value per event, in one dimension."
        refuse(nested, column, "several values at once", remedy, series, rows)
    return series


def _from_arrow(series: Any) -> Any:
    """Dates, durations and nested values of Arrow as NumPy has them."""
    kind = series.dtype.type
    if kind is datetime.date:
        return series.astype("datetime64[s]")
    if kind is datetime.timedelta:
        return series.astype(series.dtype.numpy_dtype)
    return series.astype(object) if kind in (list, dict) else series


def same_length(sizes: dict[str, int]) -> None:
    """Refuse columns of different lengths."""
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{name!r} has {size:,}" for name, size in sizes.items())
        raise ValueError(
            f"The columns' lengths differ: {lengths}. Give one value per event in each."
        )


def unique_names(names: Collection[Any], what: str) -> tuple[str, ...]:
    """Names as text; repeated ones are refused."""
    if isinstance(names, (str, bytes)):
        raise ValueError(f"{what}_names is the text {names!r}. Give a list of names.")
    array = names if isinstance(names, np.ndarray) else list(names)
    out = tuple(str(name) for name in array)
    if len(set(out)) != len(out):
        repeated = [out[i] for i in np.flatnonzero(pd.Index(out).duplicated())]
        raise ValueError(f"{what}_names repeat {listed(repeated, SHOWN)}. Name each {what} once.")
    return out


def whole(value: Any, name: str, least: int = 1) -> int:
    """A whole number of at least `least`, or a ValueError that names it."""
    fits = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(float(value))
    if not fits or value != int(value) or value < least:
        raise ValueError(
            f"{name} is {short(value)}; it must be a whole number of at least {least}."
        )
    return int(value)
