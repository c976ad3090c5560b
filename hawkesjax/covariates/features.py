"""Features at the door: columns of numbers, of yes and no, and of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, SHOWN, Rows, column_of, listed, refuse
from hawkesjax.inputs.labels import read_labels

INTERCEPT = "intercept"
Features = tuple[tuple[str, ...], np.ndarray]


def encode(
    df: pd.DataFrame, columns: Sequence[Any], reference: Mapping[Any, Any], rows: Rows = ROWS
) -> Features:
    """Names and values of the features that columns hold.

    Numbers stay one feature; yes and no become 1 and 0; text and categories become one feature
    `column=level` for every level but the reference, 1 where the row is of that level.

    Args:
        df: the table.
        columns: its columns of features.
        reference: category column -> level without a feature; the first level where left out.
        rows: how errors call the rows.
    """
    unknown = [name for name in reference if name not in columns]
    if unknown:
        raise ValueError(f"reference names {listed(unknown)}, which is no column of features.")
    names: list[str] = []
    values: list[np.ndarray] = []
    for column in columns:
        found, block = _column(df[column], str(column), reference.get(column), rows)
        names.extend(found)
        values.append(block)
    return distinct(names), np.concatenate([np.zeros((len(df), 0)), *values], axis=1)


def one_hot(codes: np.ndarray, levels: Sequence[Any], reference: Any, column: str) -> Features:
    """One feature for every level but the reference, which shares its baseline with the intercept.

    Args:
        codes: (n,) 0 .. L-1.
        levels: L levels.
        reference: the level without a feature; None for the first.
        column: the feature's name before "=".
    """
    text = [str(level) for level in levels]
    base = text[0] if reference is None else str(reference)
    if base not in text:
        raise ValueError(
            f"The reference of {column!r} is {reference!r}; its levels are {listed(text, 30)}."
        )
    kept = [i for i, level in enumerate(text) if level != base]
    block = (np.asarray(codes)[:, None] == np.asarray(kept, int)).astype(np.float64)
    return tuple(f"{column}={text[i]}" for i in kept), block.reshape(len(codes), len(kept))


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of features; repeated ones are refused."""
    again = pd.Index(list(names), dtype=object).duplicated()
    if again.any():
        twice = np.array(names, object)[again]
        raise ValueError(f"Features of the same name: {listed(twice, SHOWN)}. Rename them.")
    return tuple(names)


def _column(series: Any, column: str, reference: Any, rows: Rows) -> Features:
    series = series.reset_index(drop=True)
    missing = "Fill these rows in: a feature must be known at every time."
    refuse(series.isna(), column, "a missing feature", missing, None, rows)
    if len(series) and all(isinstance(value, (bool, np.bool_)) for value in series):
        return (column,), series.to_numpy(dtype=np.float64)[:, None]
    dtype = series.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise ValueError(f"Column {column!r} is no feature ({dtype}). Give numbers or categories.")
    if pd.api.types.is_numeric_dtype(dtype):
        if reference is not None:
            raise ValueError(
                f"Column {column!r} holds numbers, which have no reference level. Make it text "
                f"(astype(str)) for one feature per level."
            )
        values = series.to_numpy(dtype=np.float64)
        refuse(~np.isfinite(values), column, "a feature that is not finite", "Correct it.", values)
        return (column,), values[:, None]
    series = column_of(series, column, rows)
    levels = list(dtype.categories) if isinstance(dtype, pd.CategoricalDtype) else None
    codes, known = read_labels(series, levels, "level", column, rows)
    if len(known) == 1:
        raise ValueError(
            f"Column {column!r} has the one level {known[0]!r}, which says nothing. Leave it out."
        )
    return one_hot(codes, known, reference, column)
