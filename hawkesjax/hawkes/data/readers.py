"""Panels from files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hawkesjax.hawkes.data.frames import fields_of_frame
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.table_files import read_table


def read_events(
    path: str | os.PathLike[str],
    *,
    time: str,
    mark: str | None = None,
    sequence: str | None = None,
    window: Any = None,
    unit: str | None = None,
    mark_names: Sequence[Any] | None = None,
    sequence_names: Sequence[Any] | None = None,
    timezone: str | None = None,
    separator: str = ",",
) -> EventPanel:
    """A panel from a CSV or Parquet file with a row an event, in any order.

    Args:
        path: a file `.csv`, `.csv.gz` (UTF-8, with a header), `.parquet` or `.pq`.
        time, mark, sequence: its columns; others are not read.
        window, unit, mark_names, sequence_names, timezone: as in `EventPanel.from_dataframe`.
        separator: what stands between the fields of a CSV file.

    Returns:
        The panel, sorted.

    Raises:
        ValueError: if the file is not what its name says, has no rows, rows of unequal length or
            repeated columns, and as `EventPanel.from_arrays`; rows of a CSV file are named by
            line (the header is line 1), rows of a Parquet file from 0.
        FileNotFoundError: if there is no such file.
        ImportError: if the file is Parquet and pyarrow is not installed.

    Example:
        >>> panel = hj.read_events(
        ...     "replies.csv", time="sent", mark="stance", unit="hour", timezone="UTC")
    """
    file = Path(path)
    used = {"time": time, "mark": mark, "sequence": sequence}
    frame, rows = read_table(file, used, separator)
    if not len(frame):
        raise ValueError(
            f"{file} has a header but no rows. For a panel without events say "
            f"EventPanel.from_arrays([], [], window=(a, b), mark_names=[...])."
        )
    fields = fields_of_frame(
        frame,
        **used,
        window=window,
        unit=unit,
        mark_names=mark_names,
        sequence_names=sequence_names,
        timezone=timezone,
        rows=rows,
    )
    return EventPanel(**fields)
