"""Error messages for input: what is wrong, in which rows, and what to do."""

from __future__ import annotations

import datetime
import decimal
import itertools
from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SHOWN = 5  # offending rows that a message names
MISSING = "Fill these rows in, or leave them out before."  # the remedy for missing values
ABSENT = {"", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None", "NaT"}


@dataclass(frozen=True)
class Rows:
    """What error messages call the rows of a table."""

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
        """What error messages call some of the rows."""
        return Rows(self.word, lambda row: self.name(int(where[row])))

    def after(self, begin: int) -> Rows:
        """What error messages call the rows from number `begin` on."""
        return Rows(self.word, lambda row: self.name(begin + row))


ROWS = Rows()


def refuse(
    wrong: Any, column: str, what: str, remedy: str, values: Any = None, rows: Rows = ROWS
) -> None:
    """Raise a ValueError that names the first wrong rows of a column, what is wrong with them and
    what to do; do nothing if none is wrong.

    Args:
        wrong: mask of the offending rows.
        values: shown with the rows: an array, or a function from row to text.
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
    """A value as text of bounded length in one line; its type if it has no text."""
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
    """The values as a pandas Series numbered from 0; refused unless each is a single number, text
    or date."""
    try:
        series: Any = _series(values)
    except Exception as error:  # a class of the user's may raise anything
        said = short(error, 100)
        raise ValueError(
            f"Column {column!r} is {kind_of_value(values)} that cannot be read ({said}). Give a "
            f"list or an array of one value per event."
        ) from error
    if not isinstance(series, pd.Series):
        raise ValueError(
            f"Column {column!r}: expected one dimension, got shape {series.shape}. "
            f"Give one value per event."
        )
    if isinstance(series.dtype, pd.ArrowDtype):
        series = _from_arrow(series)
    remedy = "Give numbers, text or datetimes."
    if pd.api.types.is_bool_dtype(series.dtype):
        refuse(np.ones(len(series)), column, "a boolean", remedy, series, rows)
    elif series.dtype == object:
        flaws = series.map(flaw, na_action=None)
        for what in flaws.dropna().unique().tolist():
            one = "Give one value per event, in one dimension." if what == NESTED else remedy
            refuse((flaws == what).to_numpy(bool), column, what, one, series, rows)
    return series


NESTED = "several values at once"


def flaw(value: Any) -> str | None:
    """What is wrong with one value of a column, in words, or None: it must be a single value, and
    have a text that can be encoded."""
    if isinstance(value, str):
        return None if value.isascii() or _can_be_written(value) else "text that is not Unicode"
    if value is None or isinstance(value, float):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "a boolean"
    if isinstance(value, int):
        return None if abs(value) < 2**1000 else "a number beyond all floats"
    if value is np.ma.masked:
        return "a masked value"
    if isinstance(value, (datetime.timedelta, np.timedelta64)) and not pd.isna(value):
        return "a duration"
    if isinstance(value, decimal.Decimal) and value.is_snan():
        return "a signalling NaN"
    if isinstance(value, (type, slice, bytes)) or callable(value):
        return "not a number, text or date"
    try:
        if pd.api.types.is_list_like(value):
            return NESTED
        hash(value)
        return None if _can_be_written(str(value)) else "text that is not Unicode"
    except Exception:  # a class of the user's may raise anything
        return "not a number, text or date"


def _can_be_written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def listed_once(values: Any) -> list[Any] | None:
    """The items of an iterable as a list; None for anything that cannot be iterated."""
    try:
        return list(values)
    except Exception:  # a class of the user's may raise anything
        return None


def kind_of_value(value: Any) -> str:
    """ "a list", "an ndarray"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _series(values: Any) -> Any:
    """Values as a Series, or as an array if they are not one-dimensional."""
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    if isinstance(values, (pd.Index, pd.api.extensions.ExtensionArray)):
        return pd.Series(values)
    if isinstance(values, (list, tuple, range)):
        values = list(values)
        if not values:
            return pd.Series(values, dtype=float)
        try:
            return pd.Series(values)
        except Exception:  # pandas infers their type by inspecting each of them
            return pd.Series(values, dtype=object)
    array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    if array.ndim != 1:
        return array
    if array.dtype.names is not None:
        raise ValueError("it has fields")
    if isinstance(array, np.ma.MaskedArray):
        return pd.Series(array)  # NaN where it is masked
    return pd.Series(array.astype(array.dtype.newbyteorder("="), copy=False))


def _from_arrow(series: Any) -> Any:
    """Dates, durations and nested values of Arrow as NumPy types."""
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
    """Names as text; repeated, blank and invalid ones are refused."""
    if isinstance(names, (str, bytes, Set)) or not hasattr(type(names), "__iter__"):
        raise ValueError(f"{what}_names is {short(names)}. Give a list of names.")
    given = names.tolist() if isinstance(names, np.ndarray) else listed_once(names)
    if given is None:
        raise ValueError(f"{what}_names cannot be read. Give a list of names.")
    for name in given:
        wrong = "missing" if pd.api.types.is_scalar(name) and is_missing(name) else flaw(name)
        if wrong or not str(name).strip():
            raise ValueError(
                f"{what}_names contain {short(name)}, which is {wrong or 'blank'}. Name each "
                f"{what} by a text or a number."
            )
    out = tuple(str(name) for name in given)
    if len(set(out)) != len(out):
        repeated = [out[i] for i in np.flatnonzero(pd.Index(out).duplicated())]
        raise ValueError(f"{what}_names repeat {listed(repeated, SHOWN)}. Name each {what} once.")
    return out


def is_missing(value: Any) -> bool:
    """Whether a single value is None, NaN, NaT or NA."""
    if isinstance(value, decimal.Decimal):  # comparing a signalling NaN raises
        return value.is_nan()
    return value is None or value is pd.NaT or value is pd.NA or bool(value != value)
