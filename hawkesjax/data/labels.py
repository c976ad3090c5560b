"""Labels (marks, sequences) as codes and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.data.checks import one_dimensional, refuse, unique_names


def index_codes(
    values: Any, names: Sequence[str] | None, column: str, what: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes and names of an array: integers count 0, 1, ...; anything else is a label."""
    array = one_dimensional(values, column)
    if array.size and not np.issubdtype(array.dtype, np.number):
        return label_codes(array, names, column, what)
    whole = _integers(array, column, 0)
    refuse(whole < 0, column, f"a negative {what}", f"Number the {what}s 0, 1, ...", array)
    if names is None:
        count = int(whole.max(initial=-1)) + 1
        return whole.astype(np.int32), tuple(map(str, range(count)))
    known = unique_names(names, what)
    refuse(
        whole >= len(known),
        column,
        f"an unknown {what}",
        f"{what}_names has {len(known)} names, numbered from 0.",
        array,
    )
    return whole.astype(np.int32), known


def label_codes(
    values: Any, names: Sequence[str] | None, column: str, what: str, first_row: int = 0
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes and names of a column of labels, sorted unless `names` says their order."""
    series = pd.Series(values).reset_index(drop=True)
    if pd.api.types.is_bool_dtype(series.dtype):
        raise ValueError(
            f"Column {column!r}: booleans are no {what}s. Give names or whole numbers."
        )
    blank = series.isna().to_numpy()
    if series.dtype == object or pd.api.types.is_string_dtype(series.dtype):
        blank = blank | (series.astype(str).str.strip() == "").to_numpy()
    refuse(blank, column, f"a missing {what}", "Fill these rows in, or leave them out.", None, first_row)
    if pd.api.types.is_numeric_dtype(series.dtype):
        series = pd.Series(_integers(series.to_numpy(), column, first_row))
    codes, found = pd.factorize(series, sort=names is None)
    found = [str(name) for name in found]
    if len(set(found)) != len(found):
        raise ValueError(f"Column {column!r}: numbers and texts name the same {what}. Use one kind.")
    if names is None:
        return codes.astype(np.int32), tuple(found)
    known = unique_names(names, what)
    place = {name: number for number, name in enumerate(known)}
    mapped = np.array([place.get(name, -1) for name in found], np.int64)
    out = mapped[codes] if len(found) else codes
    refuse(
        out < 0,
        column,
        f"an unknown {what}",
        f"The declared ones are {', '.join(known[:10])}{' ...' if len(known) > 10 else ''}: "
        f"add it to {what}_names, or leave these rows out.",
        series.to_numpy(),
        first_row,
    )
    return out.astype(np.int32), known


def _integers(array: np.ndarray, column: str, first_row: int) -> np.ndarray:
    if np.issubdtype(array.dtype, np.floating):
        remedy = "Use whole numbers or names."
        bad = ~np.isfinite(array) | (array != np.floor(np.where(np.isfinite(array), array, 0)))
        refuse(bad, column, "a number that is not whole", remedy, array, first_row)
    return array.astype(np.int64)
