"""Panels from files."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, Literal, Unpack

from hawkesjax.hawkes.data.filling import can_fill, fill
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.arguments import Positive, checked
from hawkesjax.inputs.dialect import FileOptions, dialect_of
from hawkesjax.inputs.parquet import are_parquet
from hawkesjax.inputs.parts import part_of
from hawkesjax.inputs.tables import Table, asked, finished, open_parquet, read_table

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
    part: Any = None,
    **file: Unpack[FileOptions],
) -> EventPanel:
    """A panel from a file with one row per event, in any order.

    Args:
        path: a delimited text file (`.csv`, `.tsv`, `.txt`), JSON (`.jsonl`, `.ndjson`, `.json`;
            nested fields are named as in "user.id"), Parquet (`.parquet`, `.pq`) or a workbook
            (`.xlsx`), optionally compressed (`.gz`, `.bz2`, `.xz`, `.zst`, or a `.zip` of one
            file); "-" for standard input. Checksums of Parquet pages are verified where the file
            has them (pyarrow writes them with `write_page_checksum=True`); without, a damaged byte
            may pass as other data. A folder of Parquet files is one table, and columns may be in
            the names of its folders (`user=7/`). Parquet that is not packed is read in pieces into
            the arrays of the panel, and never held twice, unless times are text, or `fold` or
            `pseudonyms` is set.
        time, mark, sequence, magnitude: its columns; others are not read.
        window, gaps, exposure, keep_history, resolution: as in `EventPanel.from_dataframe`.
        outside, unit, mark_names, sequence_names, timezone: as there.
        part: `(k, n)`: the k-th (from 0) of n parts of the sequences, with about as many events
            each, in the order of the names; for processes that share the data
            (`docs/hosts.md`). All files are read, and what is no part of it is not kept.
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
    if part is not None and (sequence is None or window is None or isinstance(window, str)):
        raise ValueError(
            "part= divides the sequences, and each part must know the windows of all: name the "
            "column sequence=, and declare window=."
        )
    seen = {
        "gaps": gaps,
        "exposure": exposure,
        "keep_history": keep_history,
        "outside": outside,
        "resolution": resolution,
    }
    read = {"unit": unit, "timezone": timezone, "window": window}
    read |= {"mark_names": mark_names, "sequence_names": sequence_names}
    if are_parquet(path):
        files = open_parquet(path, used, dialect, empty=EMPTY)
        if can_fill(files, used, dialect):
            return EventPanel(**fill(files, used, dialect, part=part, **read, **seen))
        table: Any = finished(Table(files.whole(asked(used)), files.rows), used, dialect)
    else:
        table = read_table(path, used, dialect, empty=EMPTY)
    panel = EventPanel.from_dataframe(table, **used, **read, **seen)
    if part is None:
        return panel
    low, high = part_of(panel.counts.sum(axis=1), part, "sequence")
    return panel.select(range(low, high))
