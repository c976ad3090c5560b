"""Marks and sequences as given: codes 0, 1, ... and names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import (
    ABSENT,
    MISSING,
    ROWS,
    Rows,
    column_of,
    listed,
    refuse,
    unique_names,
)

Codes = tuple[np.ndarray, tuple[str, ...]]


def read_indices(
    values: Any, names: Collection[Any] | None, what: str, column: str, size: int | None = None
) -> Codes:
    """Codes and names of an array: whole numbers count 0, 1, ...; anything else is a label.

    Args:
        names: their names, in order; without them as many as the largest number requires.
        what: the noun for messages: "mark", "sequence".
        size: their number, if it is known otherwise.
    """
    series = column_of(values, column)
    if len(series) and not pd.api.types.is_numeric_dtype(series.dtype):
        return read_labels(series, names, what, column)
    codes = read_whole(series, what, column)
    remedy = (
        f"Number {what}s 0, 1, ...; if it is a name, give text, as in [str(i) for i in {column}]"
    )
    remedy += f", and {what}_names."
    refuse(codes < 0, column, f"a negative {what}", remedy, codes)
    if names is None:
        largest = int(codes.max(initial=-1))
        known = tuple(map(str, range(max(largest + 1, size or 0))))
        if largest > 1000 + 10 * len(codes):
            raise ValueError(
                f"Column {column!r}: {what} number {largest:,} among {len(codes):,} events. Whole "
                f"numbers count {what}s 0, 1, ...; for identifiers give text, as in "
                f"[str(i) for i in {column}], or give a DataFrame (from_dataframe)."
            )
    else:
        known = unique_names(names, what)
    most = len(known) if size is None else size
    remedy = f"There are {most:,} {what}s, numbered from 0; add names to {what}_names."
    refuse(codes >= most, column, f"an unknown {what}", remedy, codes)
    return codes.astype(np.int32), known


def read_labels(
    values: Any, names: Collection[Any] | None, what: str, column: str, rows: Rows = ROWS
) -> Codes:
    """Codes and names of a column of labels.

    Labels become text. Without `names`, a pandas categorical has all its categories, in
    their order; others are sorted, as numbers if all are whole numbers. With `names`, every
    label must be one of them; if the labels are whole numbers and none of the names is, they
    are positions among the names, from 0. `what` is the noun for messages.
    """
    series: Any = column_of(values, column, rows)
    declared = None if names is None else unique_names(names, what)
    refuse(series.isna(), column, f"a missing {what}", MISSING, None, rows)
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        raise ValueError(f"Column {column!r} holds durations. Use whole numbers or names.")
    if pd.api.types.is_numeric_dtype(series.dtype):
        series = pd.Series(read_whole(series, what, column, rows))
    codes: Any
    labels: Any
    categories = isinstance(series.dtype, pd.CategoricalDtype)
    try:
        if categories:
            codes, labels = series.cat.codes.to_numpy(np.int64), series.cat.categories
        else:
            codes, labels = pd.factorize(series)
    except TypeError as error:
        raise ValueError(f"Column {column!r}: values that are not labels ({error}).") from error
    text = [str(label) for label in labels]
    codes, text = _check_labels(codes, text, declared, what, column, rows)
    whole = [label.removeprefix("-").isdecimal() for label in text]
    if declared is None:
        known = text if categories else sorted(text, key=int if all(whole) else None)
        place = pd.Index(known, dtype=object).get_indexer(pd.Index(text, dtype=object))
        return place[codes].astype(np.int32), tuple(known)
    if text and all(whole) and not any(n.removeprefix("-").isdecimal() for n in declared):
        place = np.array([int(t) if 0 <= int(t) < len(declared) else -1 for t in text], np.int64)
    else:
        place = pd.Index(declared, dtype=object).get_indexer(pd.Index(text, dtype=object))
    out = place[codes] if len(text) else codes
    known_ones = f"The declared ones are {listed(declared)}"
    remedy = f"{known_ones}: add it to {what}_names, or leave these rows out."
    refuse(out < 0, column, f"an unknown {what}", remedy, lambda row: repr(text[codes[row]]), rows)
    return out.astype(np.int32), declared


class Gathered:
    """The labels of a column that is read in pieces: first `take` every piece, then `settle`, then
    `codes` of every piece.

    Args:
        column: its name, for errors.
        what: the noun for messages.
    """

    def __init__(self, column: str, what: str) -> None:
        self.column, self.what = column, what
        self._place: dict[Any, int] = {}
        self._first: list[int] = []  # row in which each label is first seen; -1: a mere category
        self._count = np.zeros(0, np.int64)
        self._categories = False

    def take(self, series: Any, begin: int, rows: Rows) -> None:
        """Learn the labels of a piece, whose first row is number `begin` of all rows."""
        codes, labels = self._coded(series, rows.after(begin))
        fresh = [label not in self._place for label in labels]
        place = np.array([self._place.setdefault(one, len(self._place)) for one in labels], int)
        first = np.full(len(place), -1 - begin)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        self._first += [begin + int(row) for row, new in zip(first, fresh, strict=True) if new]
        self._count = np.append(self._count, np.zeros(len(self._place) - len(self._count), int))
        np.add.at(self._count, place[codes], 1)

    def settle(
        self, names: Collection[Any] | None, rows: Rows
    ) -> tuple[tuple[str, ...], np.ndarray]:
        """The names, as `read_labels` gives those of a whole column, and how many rows have each;
        `rows` are those of the whole column."""
        known: Any = pd.Series(list(self._place))
        if self._categories:
            known = pd.Series(pd.Categorical(known, categories=known))
        seen = rows.at(np.array(self._first, np.int64))
        codes, found = read_labels(known, names, self.what, self.column, seen)
        self._index, self._codes = pd.Index(list(self._place)), codes
        return found, np.bincount(codes, weights=self._count, minlength=len(found))

    def codes(self, series: Any) -> np.ndarray:
        """Codes of a piece among the names."""
        if isinstance(series.dtype, pd.CategoricalDtype):
            place = self._index.get_indexer(series.cat.categories)[series.cat.codes.to_numpy()]
        else:
            place = self._index.get_indexer(series)
        if (place < 0).any():
            raise ValueError(
                f"Column {self.column!r} has changed while it was read: read it again."
            )
        return self._codes[place]

    def _coded(self, series: Any, rows: Rows) -> tuple[np.ndarray, Any]:
        series = column_of(series, self.column, rows)
        refuse(series.isna(), self.column, f"a missing {self.what}", MISSING, None, rows)
        if isinstance(series.dtype, pd.CategoricalDtype):
            self._categories = True
            return series.cat.codes.to_numpy(np.int64), series.cat.categories
        try:
            return pd.factorize(series)
        except TypeError as error:
            raise ValueError(
                f"Column {self.column!r}: values that are not labels ({error})."
            ) from error


def _check_labels(codes, text, declared, what, column, rows) -> tuple[np.ndarray, list[str]]:
    """Refuse labels that are not names; "2.0" becomes "2" if all labels are numbers."""

    def where(wrong: Sequence[bool | np.bool_], problem: str, remedy: str) -> None:
        if any(wrong):
            mask = np.array(wrong)[codes]
            refuse(mask, column, problem, remedy, lambda row: repr(text[codes[row]]), rows)

    known = set(declared or ())
    absent = [t.strip() in ABSENT and t not in known for t in text]
    where(absent, f"a missing {what}", f"{MISSING} (If it is a name, put it in {what}_names.)")
    logical = bool(text) and {t.strip().lower() for t in text} <= {"true", "false"}
    where([logical and t not in known for t in text], "a boolean", f"Give other names for {what}s.")
    again = pd.Series([t.strip() for t in text], dtype=object).duplicated().tolist()
    where(again, f"a {what} that differs from another only in blanks or type", "Choose one.")
    parsed: Any = pd.to_numeric(pd.Series(text, dtype=object), errors="coerce")
    numbers = parsed.to_numpy(float)
    if not len(text) or np.isnan(numbers).any() or set(text) <= known:
        return codes, text
    whole = [np.isfinite(n) and n == np.floor(n) for n in numbers]
    remedy = f"Use whole numbers 0, 1, ... or names for {what}s."
    where([not ok for ok in whole], f"a {what} that is not a whole number", remedy)
    digits = [t.strip().removeprefix("-").isdecimal() for t in text]
    lost = [abs(n) > 2**53 and not exact for n, exact in zip(numbers, digits, strict=True)]
    remedy = f"Write {what}s as text or as whole numbers from the source on."
    where(lost, f"a {what} that floating point has rounded", remedy)
    remedy = f"Number {what}s 0, 1, ...; -1 often stands for a missing one. (If it is a name, put "
    remedy += f"it in {what}_names.)"
    where([n < 0 for n in numbers], f"a negative {what}", remedy)
    pairs = zip((t.strip() for t in text), numbers, strict=True)
    short = [t if t.isdecimal() else str(int(n)) for t, n in pairs]
    merged, unique = pd.factorize(np.array(short, object))
    return merged[codes], list(unique)


def read_whole(
    series: Any, what: str, column: str, rows: Rows = ROWS, optional: bool = False
) -> np.ndarray:
    """Numbers as int64; fractions and infinities are refused, and so are missing ones, unless
    `optional`, when they become 0. `what` is the noun for messages."""
    missing = series.isna().to_numpy(bool)
    if not optional:
        refuse(missing, column, f"a missing {what}", MISSING, None, rows)
    if not len(series):
        return np.zeros(0, np.int64)
    if pd.api.types.is_complex_dtype(series.dtype):
        raise ValueError(f"Column {column!r} holds complex numbers. Use whole numbers or names.")
    if pd.api.types.is_integer_dtype(series.dtype):
        array = series.to_numpy(dtype=np.int64, na_value=0) if missing.any() else series.to_numpy()
        remedy = f"Use smaller numbers, or text, for {what}s."
        refuse(array > 2**62, column, f"a {what} beyond 2**62", remedy, array, rows)
        return array.astype(np.int64, copy=False)
    array = np.where(missing, 0.0, series.to_numpy(dtype=np.float64, na_value=0.0))
    remedy = f"Write {what}s as text or as whole numbers from the source on."
    lost = np.isfinite(array) & (np.abs(array) > 2**53)
    refuse(lost, column, f"a {what} that floating point has rounded", remedy, array, rows)
    bad = ~np.isfinite(array) | (array != np.floor(array))
    remedy = f"Use whole numbers 0, 1, ... (beyond 2**53 as text) or names for {what}s."
    refuse(bad, column, f"a {what} that is not a whole number", remedy, array, rows)
    return array.astype(np.int64)


def one_label(size: int, names: Collection[Any] | None, what: str, single: str) -> Codes:
    """Codes and names without a column of them: all have one, `single` or the one declared."""
    known = (single,) if names is None else unique_names(names, what)
    if len(known) != 1:
        raise ValueError(
            f"{what}_names are {listed(known)}, but no column of {what}s is given. Give {what}=."
        )
    return np.zeros(size, np.int32), known
