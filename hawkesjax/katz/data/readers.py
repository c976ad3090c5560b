"""Activity from files of messages."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from hawkesjax.inputs.checks import Rows
from hawkesjax.inputs.files import csv_bytes, header_and_lines, kind_of
from hawkesjax.inputs.table_files import EXACT_FLOATS, read_parquet
from hawkesjax.inputs.tables import check_columns
from hawkesjax.katz.data.activity import Activity

# Numbers that would lose something when read as numbers: 007, +7, or a blank before the 7.
SPELLED = rb"(?: |\+|-?0\d)"


def read_messages(
    path: str | os.PathLike[str],
    *,
    time: str = "time",
    source: str = "source",
    target: str = "target",
    kind: str | None = None,
    separator: str = ",",
    **options: Any,
) -> Activity:
    """Network and activity from a CSV or Parquet file with a row a message, in any order.

    Ids that are whole numbers in every row are read as such, in 64 bits; ids like "007" keep
    their zeros.

    Args:
        path: a file `.csv`, `.csv.gz` (UTF-8, with a header), `.parquet` or `.pq`.
        time, source, target, kind: its columns; others are not read.
        separator: what stands between the fields of a CSV file.
        options: `edges`, `bin`, `usual`, `spike`, `fit`, `weighted`, `self_loops`, `unit`,
            `timezone`, as in `Activity.from_messages`.

    Returns:
        The activity.

    Raises:
        ValueError: if the file is not what its name says, has no rows, rows of unequal length or
            repeated columns, and as `Activity.from_messages`; rows of a CSV file are named by
            line (the header is line 1), rows of a Parquet file from 0.
        FileNotFoundError: if there is no such file.
        ImportError: if the file is Parquet and pyarrow is not installed.

    Example:
        >>> hj.read_messages("log.csv", kind="kind", unit="second", bin=60, usual=(0, 259200))
    """
    file = Path(path)
    used = {"time": time, "source": source, "target": target, "kind": kind}
    if kind_of(file) == "CSV":
        frame, rows = _read_csv(file, used, separator)
    else:
        frame, rows = read_parquet(file, used).to_pandas(split_blocks=True), Rows("row")
    if not len(frame):
        raise ValueError(f"{file} has a header but no rows.")
    columns = {role: None if name is None else frame.pop(name) for role, name in used.items()}
    named = {role: name for role, name in used.items() if name is not None}
    return Activity.from_messages(**columns, names=named, rows=rows, **options)


def _read_csv(file: Path, used: dict[str, Any], separator: str) -> tuple[pd.DataFrame, Rows]:
    if len(separator) != 1 or not separator.isascii():
        raise ValueError(f"separator={separator!r} is not one ASCII character.")
    raw = csv_bytes(file)
    columns, lines = header_and_lines(file, raw, separator)
    check_columns(columns, used, str(file))
    ids = [used["source"], used["target"]]
    begins = rb"(?:\n|\r|" + re.escape(separator.encode()) + rb")"
    as_text = re.search(begins + SPELLED, raw) is not None or b'"' in raw
    types: dict[str, Any] = dict.fromkeys(ids, "str") if as_text else {}
    if used["kind"] is not None:
        types[used["kind"]] = "category"
    read: Any = pd.read_csv
    frame = read(
        io.BytesIO(raw),
        sep=separator,
        usecols=list(filter(None, used.values())),
        dtype=types,
        keep_default_na=False,
        na_values={name: [""] for name in (used["time"], *ids)},
        dtype_backend="numpy_nullable",
        low_memory=False,
        skip_blank_lines=False,
        index_col=False,
        **EXACT_FLOATS,
    )
    return frame, Rows("line", lines)
