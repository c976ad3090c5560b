"""Panels from files."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, Literal, Unpack

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.arguments import Positive, checked
from hawkesjax.inputs.dialect import FileOptions, dialect_of
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
    magnitude: str | None = None,
    window: Any = None,
    gaps: Any = None,
    exposure: Any = None,
    keep_history: bool = False,
    resolution: str | Positive | None = None,
    outside: Literal["error", "drop"] = "error",
    unit: str | None = None,
    mark_names: Collection[Any] | None = None,
    sequence_names: Collection[Any] | None = None,
    timezone: str | None = None,
    **file: Unpack[FileOptions],
) -> EventPanel:
    """A panel from a file with one row per event, in any order.

    Args:
        path: a delimited text file (`.csv`, `.tsv`, `.txt`), JSON (`.jsonl`, `.ndjson`, `.json`;
            nested fields are named as in "user.id"), Parquet (`.parquet`, `.pq`) or a workbook
            (`.xlsx`), optionally compressed (`.gz`, `.bz2`, `.xz`, `.zst`, or a `.zip` of one
            file); "-" for standard input. Checksums of Parquet pages are verified where the file
            has them (pyarrow writes them with `write_page_checksum=True`); without, a damaged byte
            may pass as other data.
        time, mark, sequence, magnitude: its columns; others are not read.
        window, gaps, exposure, keep_history, resolution: as in `EventPanel.from_dataframe`.
        outside, unit, mark_names, sequence_names, timezone: as there.
        file: how the file is written: `separator`, `decimal`, `encoding`, `comment`, `header`,
            `columns`, `dates`, `sheet`, `fold`, `pseudonyms`, as in
            `hawkesjax.inputs.dialect.Dialect`.

    Raises:
        ValueError: if the file is not of the type that its name says, has no rows, rows of unequal
            length or repeated columns, and as `EventPanel.from_arrays`; rows of a text file are
            named by line (the header is line 1), those of a workbook by its row numbers, those of
            a Parquet file from 0.
        FileNotFoundError: if there is no such file.
        ImportError: for Parquet and `.zst` without pyarrow, and for `.xlsx` without
            python-calamine.

    Example:
        >>> panel = hj.read_events(
        ...     "replies.csv", time="sent", mark="stance", unit="hour", timezone="UTC")
    """
    used = {"time": time, "mark": mark, "sequence": sequence, "magnitude": magnitude}
    dialect = dialect_of(dict(file), "read_events")
    table: Any = read_table(path, used, dialect, empty=EMPTY)
    return EventPanel.from_dataframe(
        table,
        **used,
        window=window,
        gaps=gaps,
        exposure=exposure,
        keep_history=keep_history,
        resolution=resolution,
        outside=outside,
        unit=unit,
        mark_names=mark_names,
        sequence_names=sequence_names,
        timezone=timezone,
    )
