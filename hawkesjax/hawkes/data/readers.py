"""Panels from files."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.tables import read_table

EMPTY = (
    " For a panel without events use "
    "EventPanel.from_arrays([], [], window=(a, b), mark_names=[...])."
)


@checked
def read_events(
    path: str | os.PathLike[str],
    *,
    time: str,
    mark: str | None = None,
    sequence: str | None = None,
    window: Any = None,
    gaps: Any = None,
    keep_history: bool = False,
    unit: str | None = None,
    mark_names: Collection[Any] | None = None,
    sequence_names: Collection[Any] | None = None,
    timezone: str | None = None,
    separator: str = ",",
) -> EventPanel:
    """A panel from a CSV or Parquet file with one row per event, in any order.

    Args:
        path: a file `.csv`, `.csv.gz` (UTF-8, with a header), `.parquet` or `.pq`. Checksums of
            Parquet pages are verified where the file has them (pyarrow writes them with
            `write_page_checksum=True`); without, a damaged byte may pass as other data.
        time, mark, sequence: its columns; others are not read.
        window, gaps, keep_history, unit, mark_names, sequence_names, timezone: as in
            `EventPanel.from_dataframe`.
        separator: what stands between the fields of a CSV file.

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
    used = {"time": time, "mark": mark, "sequence": sequence}
    table: Any = read_table(path, used, separator, empty=EMPTY)
    return EventPanel.from_dataframe(
        table,
        **used,
        window=window,
        gaps=gaps,
        keep_history=keep_history,
        unit=unit,
        mark_names=mark_names,
        sequence_names=sequence_names,
        timezone=timezone,
    )
