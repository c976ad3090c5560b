"""The columns of CSV and Parquet files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd

from hawkesjax.inputs.checks import Rows
from hawkesjax.inputs.columns import check_columns
from hawkesjax.inputs.files import csv_bytes, header_and_lines, kind_of, refuse_kind

# From 3.1 on, pandas reads floats exactly by default, and warns of the option.
VERSION = tuple(int(part) for part in pd.__version__.split(".")[:2])


EXACT_FLOATS: dict[str, Any] = {"float_precision": "round_trip"} if VERSION < (3, 1) else {}


def read_table(file: Path, used: dict[str, Any], separator: str) -> tuple[pd.DataFrame, Rows]:
    """The columns of a CSV or Parquet file that are used, and how errors call its rows.

    Columns of a CSV file are text, those named for "time" whatever they look like.

    Args:
        file: its path.
        used: role -> column, None where there is none.
        separator: what stands between the fields of a CSV file.
    """
    read = _read_csv if kind_of(file) == "CSV" else _read_parquet
    return read(file, used, separator)


def _read_csv(file: Path, used: dict[str, Any], separator: str) -> tuple[pd.DataFrame, Rows]:
    if len(separator) != 1 or not separator.isascii():
        raise ValueError(f"separator={separator!r} is not one ASCII character.")
    raw = csv_bytes(file)
    columns, lines = header_and_lines(file, raw, separator)
    check_columns(columns, used, str(file))
    labels = {name: str for role, name in used.items() if name and role != "time"}
    frame = pd.read_csv(
        io.BytesIO(raw),
        sep=separator,
        usecols=list(filter(None, used.values())),
        dtype=labels,
        keep_default_na=False,
        na_values={used["time"]: [""]},
        low_memory=False,
        skip_blank_lines=False,
        index_col=False,
        **EXACT_FLOATS,
    )
    return frame, Rows("line", lines)


def _read_parquet(file: Path, used: dict[str, Any], _: str) -> tuple[pd.DataFrame, Rows]:
    return read_parquet(file, used).to_pandas(), Rows("row")


def read_parquet(file: Path, used: dict[str, Any]) -> Any:
    """The used columns of a Parquet file, as an Arrow table.

    Args:
        file: the file.
        used: argument -> column, None where there is none.

    Raises:
        ValueError: if the file is not what its name says, or lacks a column.
        ImportError: if pyarrow is not installed.
    """
    with file.open("rb") as stream:
        head = stream.read(8)
    refuse_kind(file, head, "a Parquet file", b"PAR1")
    if head[:4] != b"PAR1":
        raise ValueError(
            f"{file} is not a Parquet file, though its name says so: it does not begin with PAR1. "
            f"If it is text, name it .csv."
        )
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError(
            f"Reading {file} needs pyarrow: pip install 'hawkesjax[parquet]'."
        ) from error
    try:
        with parquet.ParquetFile(file) as source:
            columns = source.schema_arrow.names
            check_columns(columns, used, str(file))
            return source.read(columns=list(filter(None, used.values())))
    except (ArrowException, OSError) as error:
        raise ValueError(f"{file} cannot be read as Parquet ({error}). Write it again.") from error
