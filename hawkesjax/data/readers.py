"""Events from CSV and Parquet files."""

from __future__ import annotations

import csv
import gzip
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hawkesjax.data.panel import EventPanel

FIRST_LINE = 2


def read_events(
    path: str | os.PathLike[str],
    *,
    time: str,
    mark: str | None = None,
    sequence: str | None = None,
    window: Any = None,
    unit: str | None = None,
    timezone: str | None = None,
    mark_names: Sequence[str] | None = None,
    sequence_names: Sequence[str] | None = None,
) -> EventPanel:
    """Read a panel from a file with a row an event.

    Args:
        path: `.csv`, `.csv.gz` (UTF-8, a header line, commas), or `.parquet`.
        time, mark, sequence, window, unit, timezone, mark_names, sequence_names: as in
            `EventPanel.from_dataframe`. Only an empty cell is missing: text such as `NA` is a
            name.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: for a file that is empty, damaged, or not what its name says, and for all
            that `from_dataframe` refuses; lines are counted as in the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}.")
    columns = [name for name in (time, mark, sequence) if name is not None]
    table, first_row = _read(path, columns)
    return EventPanel.from_dataframe(
        table,
        time=time,
        mark=mark,
        sequence=sequence,
        window=window,
        unit=unit,
        timezone=timezone,
        mark_names=mark_names,
        sequence_names=sequence_names,
        first_row=first_row,
    )


def _read(path: Path, columns: list[str]) -> tuple[pd.DataFrame, int]:
    name = path.name.lower()
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise ValueError(f"{path} is empty.")
    if name.endswith((".parquet", ".pq")):
        if head != b"PAR1":
            raise ValueError(f"{path} is not a Parquet file, whatever its name says.")
        return _parquet(path, columns), 0
    if not name.endswith((".csv", ".csv.gz")):
        raise ValueError(f"{path}: the name must end in .csv, .csv.gz or .parquet.")
    zipped = name.endswith(".gz")
    if zipped != (head[:2] == b"\x1f\x8b"):
        said = "gzip" if zipped else "plain text"
        raise ValueError(f"{path} is not {said}, whatever its name says.")
    return _csv(path, columns, zipped), FIRST_LINE


def _parquet(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError(
            "Parquet files need pyarrow: pip install 'hawkesjax[parquet]'."
        ) from error
    try:
        found = parquet.ParquetFile(path)
        names = found.schema_arrow.names
        _check_header(path, names, columns)
        return found.read(columns=list(dict.fromkeys(columns))).to_pandas()
    except (OSError, parquet.lib.ArrowException) as error:
        raise ValueError(f"{path} is damaged: {str(error).splitlines()[0]}.") from error


def _csv(path: Path, columns: list[str], zipped: bool) -> pd.DataFrame:
    try:
        with (gzip.open if zipped else open)(path, "rb") as file:
            sample = file.read(65536)
        if b"\x00" in sample:
            raise ValueError(f"{path} is not a text file, whatever its name says.")
        opened = gzip.open(path, "rt", encoding="utf-8-sig", newline="") if zipped else open(
            path, encoding="utf-8-sig", newline=""
        )
        with opened as file:
            header = next(csv.reader(file), [])
        _check_header(path, header, columns)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                path,
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                skip_blank_lines=False,
                low_memory=False,
                float_precision="round_trip",
                compression="gzip" if zipped else None,
            )
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}).") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        raise ValueError(f"{path}: lines of different lengths ({error}). Mend the file.") from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise ValueError(f"{path} is a damaged gzip file ({error}).") from error
    if not len(table):
        raise ValueError(f"{path} has a header but no rows.")
    while len(table) and table.iloc[-1].isna().all():
        table = table.iloc[:-1]  # blank lines at the end hold nothing
    return table


def _check_header(path: Path, header: list[str], columns: list[str]) -> None:
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: duplicated column names {', '.join(repeated)}. Rename them.")
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(map(repr, missing))}; its columns are: "
            f"{', '.join(header) or 'none'}."
        )
