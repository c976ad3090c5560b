"""Features as given: columns of numbers, of booleans, and of categories."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import (
    ROWS,
    SHOWN,
    Rows,
    column_of,
    flaw,
    is_missing,
    listed,
    listed_once,
    refuse,
    short,
)
from hawkesjax.inputs.labels import read_labels

INTERCEPT = "intercept"
RATIO = "ratio of rates"
Features = tuple[tuple[str, ...], np.ndarray]


def encode(
    df: pd.DataFrame, columns: Sequence[Any], reference: Mapping[Any, Any], rows: Rows = ROWS
) -> Features:
    """Names and values of the features in columns.

    A column of numbers stays one feature; booleans become 1 and 0; text and categories become one
    feature `column=level` for every level but the reference (category column -> level, by default
    the first), 1 where the row has that level.
    """
    if not isinstance(reference, Mapping):
        raise ValueError(
            f"reference is {short(reference)}; it must map the names of features to levels."
        )
    unknown = [name for name in reference if name not in columns]
    if unknown:
        raise ValueError(f"reference names {listed(unknown)}, not a column of features.")
    features = [_column(df[c], str(c), reference.get(c), rows) for c in columns]
    names = [name for known, _ in features for name in known]
    values = [block for _, block in features]
    return distinct(names), np.concatenate([np.zeros((len(df), 0)), *values], axis=1)


def one_hot(codes: np.ndarray, levels: Sequence[Any], reference: Any, column: str) -> Features:
    """One feature `column=level` for every level but the reference (None: the first), which is
    represented by the intercept."""
    text = [str(level) for level in levels]
    base = text[0] if reference is None else str(reference)
    if base not in text:
        raise ValueError(
            f"The reference of {column!r} is {reference!r}; its levels are {listed(text, 30)}."
        )
    kept = [i for i, level in enumerate(text) if level != base]
    block = (np.asarray(codes)[:, None] == np.asarray(kept, int)).astype(np.float64)
    return tuple(f"{column}={text[i]}" for i in kept), block


def quantities(names: Iterable[str]) -> list[str]:
    """What `exp(beta)` of each feature is: a rate for the intercept, else a ratio of rates."""
    return ["rate per unit of time" if name == INTERCEPT else RATIO for name in names]


def listed_features(features: Any) -> list[Any]:
    """Names of features, or of columns, as a list; a single text is accepted."""
    if isinstance(features, str):
        return [features]
    names = None if isinstance(features, (bytes, Mapping, Set)) else listed_once(features)
    wrong = [name for name in names or () if flaw(name) or is_missing(name) or not _is_name(name)]
    if wrong or names is None:
        shown = short(wrong[0] if wrong else features)
        raise ValueError(f"features name {shown}, which is not a feature. Give a list of names.")
    return names


def _is_name(value: Any) -> bool:
    return isinstance(value, Hashable) and not hasattr(value, "__array__")


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of features; repeated ones are refused."""
    again = pd.Index(list(names), dtype=object).duplicated()
    if again.any():
        twice = np.array(names, object)[again]
        raise ValueError(f"Features with the same name: {listed(twice, SHOWN)}. Rename them.")
    return tuple(names)


def _plain(series: Any, column: str, rows: Rows) -> Any:
    """Booleans unchanged; anything else as `column_of` returns it."""
    series = series.reset_index(drop=True)
    logical = len(series) and all(isinstance(value, (bool, np.bool_)) for value in series)
    return series if logical else column_of(series, column, rows)


def _column(series: Any, column: str, reference: Any, rows: Rows) -> Features:
    series = _plain(series, column, rows)
    missing = "Fill these rows in, or leave them out: a feature must be known at every time."
    refuse(series.isna(), column, "a missing feature", missing, None, rows)
    if len(series) and all(isinstance(value, (bool, np.bool_)) for value in series):
        return (column,), series.to_numpy(dtype=np.float64)[:, None]
    dtype = series.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise ValueError(f"Column {column!r} is not a feature ({dtype}): give numbers, categories.")
    if pd.api.types.is_numeric_dtype(dtype):
        if reference is not None:
            raise ValueError(
                f"Column {column!r} holds numbers, which have no reference level. Make it text "
                f"(astype(str)) for one feature per level."
            )
        values = series.to_numpy(dtype=np.float64)
        refuse(~np.isfinite(values), column, "a feature that is not finite", "Correct it.", values)
        return (column,), values[:, None]
    codes, known = read_labels(series, None, "level", column, rows)
    if len(known) == 1:
        raise ValueError(
            f"Column {column!r} has only the level {known[0]!r}: no information. Leave it out."
        )
    return one_hot(codes, known, reference, column)
