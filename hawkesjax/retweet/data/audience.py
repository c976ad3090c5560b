"""Numbers of followers, and levels of sentiment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, column_of, refuse


def read_followers(values: Any, column: str, rows: Rows = ROWS) -> np.ndarray:
    """Numbers of followers as float64, NaN where missing; the rest must be finite and >= 0."""
    series: Any = column_of(values, column, rows)
    if not pd.api.types.is_numeric_dtype(series.dtype):
        text = series.astype(object)
        text = text.where(text.map(lambda v: not (isinstance(v, str) and not v.strip())), None)
        numbers: Any = pd.to_numeric(text, errors="coerce")
        remedy = "Give a number in every row, or leave it empty."
        wrong = numbers.isna() & text.notna()
        refuse(wrong, column, "text that is not a number", remedy, series, rows)
        series = numbers
    if pd.api.types.is_complex_dtype(series.dtype):
        raise ValueError(f"Column {column!r} holds complex numbers. Give real ones.")
    array = series.to_numpy(dtype=np.float64, na_value=np.nan)
    refuse(np.isinf(array), column, "a value that is not finite", "Correct it.", array, rows)
    remedy = "Give a number of at least 0; -1 often stands for a missing one."
    refuse(array < 0, column, "a negative number", remedy, array, rows)
    return array


def audience_of(df: pd.DataFrame, column: Any, rows: Rows = ROWS) -> np.ndarray:
    """The column of followers; ones where there is none."""
    return np.ones(len(df)) if column is None else read_followers(df[column], str(column), rows)


def read_levels(values: Any, size: int, column: str, rows: Rows = ROWS) -> np.ndarray:
    """Levels of sentiment of `size` posts: one number for all, or one each; 1 for None."""
    if values is None:
        return np.ones(size)
    if np.ndim(values) == 0:
        values = np.full(size, values)
    array = read_followers(values, column, rows)
    if len(array) != size:
        raise ValueError(f"Column {column!r} has {len(array):,} values for {size:,} posts.")
    refuse(np.isnan(array), column, "a missing level", "Every post needs one.", None, rows)
    return array
