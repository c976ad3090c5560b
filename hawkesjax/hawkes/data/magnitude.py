"""Sizes of events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from hawkesjax.inputs.checks import Rows, refuse, short


def read_magnitude(column: Any, name: str, rows: Rows) -> Float[np.ndarray, " rows"] | None:
    """A column of sizes as numbers; None if there is none.

    Args:
        column: its values.
        name: the column's, for errors.
        rows: what error messages call the rows.

    Raises:
        ValueError: for sizes that are missing, not numbers or infinite; names the first row.
    """
    if column is None:
        return None
    given = pd.Series(column).reset_index(drop=True)
    if pd.api.types.is_bool_dtype(given.dtype) or pd.api.types.is_datetime64_any_dtype(given.dtype):
        raise ValueError(f"{name} has {given.dtype} values; sizes of events must be numbers.")
    numbers: Any = pd.to_numeric(given, errors="coerce")
    values = numbers.to_numpy(np.float64, na_value=np.nan)
    remedy = "Give every event a finite size, or leave the events without one out."
    show = lambda row: short(given[row])  # noqa: E731
    refuse(~np.isfinite(values), name, "no finite size", remedy, show, rows)
    return values
