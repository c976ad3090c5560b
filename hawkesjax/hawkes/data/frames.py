"""From a table with a row an event to the fields of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.hawkes.data.assemble import assemble
from hawkesjax.inputs.checks import ROWS, Rows, listed, unique_names
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.columns import check_columns
from hawkesjax.inputs.labels import read_labels
from hawkesjax.inputs.moments import Fields
from hawkesjax.inputs.windows import names_of


def fields_of_frame(
    df: Any,
    *,
    time: Any,
    mark: Any = None,
    sequence: Any = None,
    window: Any = None,
    unit: str | None = None,
    mark_names: Sequence[Any] | None = None,
    sequence_names: Sequence[Any] | None = None,
    timezone: str | None = None,
    rows: Rows = ROWS,
) -> Fields:
    """The fields of a panel; arguments as in `EventPanel.from_dataframe`.

    Args:
        rows: how errors call the rows.
    """
    if not isinstance(df, pd.DataFrame):
        if not hasattr(df, "to_pandas"):
            raise ValueError(f"Expected a pandas DataFrame, got {type(df).__name__}.")
        df = df.to_pandas()
    used = {"time": time, "mark": mark, "sequence": sequence}
    check_columns(list(df.columns), used, "The table")
    clock = read_times(df[time], str(time), unit, timezone, rows)
    marks, kinds = _column(df, mark, mark_names, "mark", "event", rows)
    declared = names_of(window) if sequence_names is None else sequence_names
    codes, names = _column(df, sequence, declared, "sequence", "0", rows)
    return assemble(
        clock,
        marks,
        codes,
        mark_names=kinds,
        sequence_names=names,
        window=window,
        column="sequence" if sequence is None else str(sequence),
        rows=rows,
    )


def _column(
    df: pd.DataFrame, column: Any, names: Any, what: str, single: str, rows: Rows
) -> tuple[np.ndarray, tuple[str, ...]]:
    if column is not None:
        return read_labels(df[column], names, what, str(column), rows)
    known = (single,) if names is None else unique_names(names, what)
    if len(known) != 1:
        raise ValueError(
            f"{what}_names are {listed(known)}, but no column of {what}s is named. Say {what}=."
        )
    return np.zeros(len(df), np.int32), known
