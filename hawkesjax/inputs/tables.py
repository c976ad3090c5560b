"""Tables at the door, in memory or in a file: their columns, and how errors call their rows."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hawkesjax.inputs.checks import NESTED, ROWS, Rows, flaw, kind_of_value, listed, short
from hawkesjax.inputs.files import csv_bytes, header_and_lines, kind_of, refuse_kind

# From 3.1 on, pandas reads floats exactly by default, and warns of the option.
VERSION = tuple(int(part) for part in pd.__version__.split(".")[:2])
EXACT_FLOATS: dict[str, Any] = {"float_precision": "round_trip"} if VERSION < (3, 1) else {}

WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")

Used = dict[str, Any]  # argument -> column, None where there is none


@dataclass(frozen=True)
class Table:
    """The used columns of a file, checked, and how errors call its rows."""

    frame: pd.DataFrame
    rows: Rows


def open_table(
    table: Any, needed: Sequence[str] = ("time",), **used: Any
) -> tuple[pd.DataFrame, Rows]:
    """What a constructor was given (a pandas table, one with `to_pandas`, or a `Table`) as a pandas
    table with the columns used, and how errors call its rows; `needed` ones must be named."""
    for role in needed:
        if used[role] is None:
            raise ValueError(f"{role}=None names no column. Name the column of the table.")
    if isinstance(table, Table):
        return table.frame, table.rows
    if not isinstance(table, pd.DataFrame):
        if not hasattr(table, "to_pandas") or isinstance(table, type):
            lazy = " Pass its rows: table.collect()." if hasattr(table, "collect") else ""
            raise ValueError(f"Expected a pandas DataFrame, got {type(table).__name__}.{lazy}")
        table = table.to_pandas()
    check_columns(list(table.columns), used, "The table")
    return table, ROWS


def check_columns(columns: Sequence[Any], used: Used, where: str) -> None:
    """Refuse missing and repeated columns, and one column in two roles; `where` has them."""
    used = {role: name for role, name in used.items() if name is not None}
    for role, name in used.items():
        if name is pd.NA or name is pd.NaT or flaw(name) not in (None, "a boolean", NESTED):
            raise ValueError(f"{role}={short(name)} is no name of a column.")
        if not _hashable(name):
            raise ValueError(f"{role} is {kind_of_value(name)}. Name one column of the table.")
    twice = [name for name, count in Counter(columns).items() if count > 1 and str(name).strip()]
    if twice:
        raise ValueError(f"{where} has columns of the same name: {listed(twice)}. Rename them.")
    missing = {role: name for role, name in used.items() if name not in columns}
    if missing:
        asked = ", ".join(f"{role}={name!r}" for role, name in missing.items())
        remedy = f"The columns are {listed(columns, 30)}."
        if len(columns) == 1 and any(mark in str(columns[0]) for mark in ";\t|"):
            remedy += " Another separator? Pass separator=."
        raise ValueError(f"{where} has no column for {asked}. {remedy}")
    shared = [name for name, count in Counter(used.values()).items() if count > 1]
    if shared:
        raise ValueError(f"Column {shared[0]!r} is named for {', '.join(used)}. Name one for each.")


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except Exception:  # a class of the user's may raise anything
        return False
    return not hasattr(value, "__array__")


def as_labels(raw: bytes, used: Used, separator: str) -> dict[str, Any]:
    """How pandas reads a CSV file whose columns are text, those named for "time" what they are."""
    labels = {name: str for role, name in used.items() if name and role != "time"}
    return {"dtype": labels, "na_values": {used["time"]: [""]}}


def read_table(
    path: str | os.PathLike[str],
    used: Used,
    separator: str,
    types: Callable[[bytes, Used, str], dict[str, Any]] = as_labels,
    empty: str = "",
) -> Table:
    """The used columns of a CSV or Parquet file.

    Args:
        types: arguments of `pandas.read_csv` that say what the columns of a CSV file hold.
        empty: remedy for a file without rows.

    Raises:
        ValueError: if the file is not what its name says, has no rows or does not have a column.
        ImportError: if it is Parquet and pyarrow is not installed.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path is {short(path)}; it must be the path of a file.")
    file = Path(path)
    if kind_of(file) == "CSV":
        table = _read_csv(file, used, separator, types)
    else:
        table = Table(_read_parquet(file, used), Rows("row"))
    if not len(table.frame):
        raise ValueError(f"{file} has a header but no rows.{empty}")
    return table


def _read_csv(file: Path, used: Used, separator: str, types: Any) -> Table:
    if not isinstance(separator, str) or len(separator) != 1 or not separator.isascii():
        raise ValueError(f"separator={separator!r} is not one ASCII character.")
    raw = csv_bytes(file)
    columns, lines = header_and_lines(file, raw, separator)
    check_columns(columns, used, str(file))
    frame = pd.read_csv(
        io.BytesIO(raw),
        sep=separator,
        usecols=list(filter(None, used.values())),
        keep_default_na=False,
        low_memory=False,
        skip_blank_lines=False,
        index_col=False,
        **types(raw, used, separator),
        **EXACT_FLOATS,
    )
    return Table(frame, Rows("line", lines))


def _read_parquet(file: Path, used: Used) -> pd.DataFrame:
    with file.open("rb") as stream:
        head = stream.read(8)
    refuse_kind(file, head, "a Parquet file", b"PAR1")
    if head[:4] != b"PAR1":
        raise ValueError(
            f"{file} is not a Parquet file, though its name says so: it does not begin with PAR1. "
            f"If it is text, name it .csv."
        )
    try:
        from pyarrow import parquet, type_for_alias
    except ImportError as error:
        raise ImportError(
            f"Reading {file} needs pyarrow: pip install 'hawkesjax[parquet]'."
        ) from error
    kinds = {type_for_alias(name.lower()): pd.api.types.pandas_dtype(name) for name in WHOLE}
    try:
        with parquet.ParquetFile(file, page_checksum_verification=True) as source:
            names = source.schema_arrow.names
            wanted = [name for name in used.values() if name in names]
            # Without what pandas wrote about itself: the columns are what they are in Arrow.
            columns = source.read(columns=wanted).replace_schema_metadata()
        columns.validate(full=True)  # text that is no UTF-8 would raise later
        empty = any(column.null_count for column in columns.columns)
        frame = columns.to_pandas(split_blocks=True, types_mapper=kinds.get if empty else None)
    except Exception as error:  # damaged bytes end in errors of any type
        said = short(error, 100) or type(error).__name__
        raise ValueError(f"{file} cannot be read as Parquet ({said}). Write it again.") from error
    check_columns(names, used, str(file))
    return frame
