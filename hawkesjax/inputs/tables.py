"""Tables in memory or in a file: their columns, and what error messages call their rows."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hawkesjax.inputs.checks import (
    ABSENT,
    NESTED,
    ROWS,
    Rows,
    flaw,
    kind_of_value,
    listed,
    refuse,
    short,
)
from hawkesjax.inputs.dates import as_written, read_dates
from hawkesjax.inputs.dialect import Dialect
from hawkesjax.inputs.files import (
    BOOK,
    OBJECTS,
    PARQUET,
    PLAIN,
    TEXT,
    Content,
    read_content,
    refuse_idle,
    refuse_kind,
    text_of,
)
from hawkesjax.inputs.identifiers import disguised
from hawkesjax.inputs.objects import columns_of, frame_of, read_objects
from hawkesjax.inputs.parquet import ParquetFiles
from hawkesjax.inputs.sheets import read_sheet
from hawkesjax.inputs.text import TextTable, text_table

# From 3.1 on, pandas reads floats exactly by default, and warns about the option.
VERSION = tuple(int(part) for part in pd.__version__.split(".")[:2])
EXACT_FLOATS: dict[str, Any] = {"float_precision": "round_trip"} if VERSION < (3, 1) else {}

# Roles of the columns of a table: names of things, which may be folded or replaced by pseudonyms,
# and names of kinds; moments; all others are numbers.
IDENTIFIERS = ("id", "repost_of", "sequence", "cascade", "source", "target", "user")
LABELS = (*IDENTIFIERS, "mark", "kind")
MOMENTS = ("time", "original_time", "start", "end")

Used = dict[str, Any]  # argument -> column, None where there is none


@dataclass(frozen=True)
class Table:
    """The used columns of a file, checked, and what error messages call its rows."""

    frame: pd.DataFrame
    rows: Rows


def open_table(
    table: Any, needed: Sequence[str] = ("time",), **used: Any
) -> tuple[pd.DataFrame, Rows]:
    """The input of a constructor (a pandas table, one with `to_pandas`, or a `Table`) as a pandas
    table with the columns used, and the names of its rows; `needed` columns must be named."""
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
    """Refuse missing and repeated columns, and one column in two roles; `where` names the table."""
    used = {role: name for role, name in used.items() if name is not None}
    for role, name in used.items():
        if name is pd.NA or name is pd.NaT or flaw(name) not in (None, "a boolean", NESTED):
            raise ValueError(f"{role}={short(name)} is not a column name.")
        if not _hashable(name):
            raise ValueError(f"{role} is {kind_of_value(name)}. Name one column of the table.")
    twice = [name for name, count in Counter(columns).items() if count > 1 and str(name).strip()]
    if twice:
        raise ValueError(f"{where} has columns with the same name: {listed(twice)}. Rename them.")
    missing = {role: name for role, name in used.items() if name not in columns}
    if missing:
        asked = ", ".join(f"{role}={name!r}" for role, name in missing.items())
        remedy = f"The columns are {listed(columns, 30)}."
        first = str(columns[0]) if len(columns) else ""
        if first[:1] in ("#", "%"):
            remedy += (
                f" Are lines that begin with {first[:1]} comments? Pass comment={first[:1]!r}."
            )
        elif len(columns) == 1 and any(mark in first for mark in ";\t| "):
            remedy += " Another separator? Pass separator=."
        elif any(str(name).replace(".", "", 1).isdecimal() for name in columns):
            remedy += " Has the file no header? Pass header=False, or columns= with their names."
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


def as_labels(body: bytes, used: Used, separator: str) -> dict[str, Any]:
    """Options of pandas for a text whose columns are text, with types inferred for "time"."""
    labels = {name: str for role, name in used.items() if name and role != "time"}
    return {"dtype": labels, "na_values": {used["time"]: [""]} if used.get("time") else None}


Types = Callable[[bytes, Used, str], dict[str, Any]]


def read_table(
    path: str | os.PathLike[str],
    used: Used,
    dialect: Dialect = PLAIN,
    types: Types = as_labels,
    empty: str = "",
    plain: str | None = None,
) -> Table:
    """The used columns of a file, or of standard input for "-": a delimited text file, JSON,
    Parquet, or a workbook.

    Args:
        used: argument -> column, None if there is none.
        types: arguments of `pandas.read_csv` that give the types of the columns of a text.
        empty: remedy for a file without rows.
        plain: as in `read_content`.

    Raises:
        ValueError: if the file is not of the type that its name says, has no rows or does
            not have a column.
        FileNotFoundError: if there is no such file.
        ImportError: if its kind needs a package that is not installed.
    """
    return table_of(read_content(path, plain), used, dialect, types, empty)


def table_of(
    content: Content,
    used: Used,
    dialect: Dialect = PLAIN,
    types: Types = as_labels,
    empty: str = "",
) -> Table:
    """The used columns of a file's content; arguments as in `read_table`."""
    name = content.name
    refuse_idle(content, dialect)
    if content.kind == PARQUET:
        files = ParquetFiles.in_memory(name, content.raw)
        check_columns(files.columns, used, name)
        table = Table(files.whole(asked(used)), files.rows)
    elif content.kind == BOOK:
        refuse_kind(name, content.raw, "an Excel workbook", b"PK\x03\x04")
        frame, numbers = read_sheet(name, content.raw, dialect)
        check_columns(list(frame.columns), used, name)
        table = Table(_typed(frame, used), Rows("row", numbers))
    elif content.kind == OBJECTS:
        objects, lines = read_objects(name, text_of(content, dialect))
        check_columns(columns_of(objects), used, name)
        labels = {column for role, column in used.items() if column and role in LABELS}
        frame = frame_of(objects, filter(None, used.values()), labels)
        table = Table(frame, Rows("line", lines))
    else:
        raw = text_of(content, dialect)
        text = text_table(name, raw, dialect, asked(used), content.tabbed)
        check_columns(text.columns, used, name)
        table = Table(_parsed(text, used, dialect, types), Rows("line", text.lines))
    if not len(table.frame):
        raise ValueError(f"{name} has a header but no rows.{empty}")
    return finished(table, used, dialect)


def open_parquet(
    path: str | os.PathLike[str], used: Used, dialect: Dialect, empty: str = ""
) -> ParquetFiles:
    """A Parquet file, or a folder of them, to be read in pieces; arguments and errors as those of
    `read_table`."""
    files = ParquetFiles.at(path, asked(used))
    refuse_idle(Content(files.name, PARQUET, False, b""), dialect)
    check_columns(files.columns, used, files.name)
    if not files.num_rows:
        raise ValueError(f"{files.name} has a header but no rows.{empty}")
    return files


def read_whole_table(
    path: str | os.PathLike[str],
    wanted: Sequence[str],
    dialect: Dialect,
    labels: Sequence[str] = (),
) -> Table:
    """All columns of a small table, each of the type that its values have, except `labels`, which
    are text, and moments, whose dates are parsed; `wanted` columns identify the separator, and may
    be missing."""
    content = read_content(path)
    if content.kind != TEXT:
        names = columns_in(content, dialect)
        return table_of(content, dict(zip(_roles(names, labels), names, strict=True)), dialect)
    text = text_table(content.name, text_of(content, dialect), dialect, wanted, content.tabbed)
    used = dict(zip(_roles(text.columns, labels), text.columns, strict=True))
    check_columns(text.columns, used, content.name)
    known = {"dtype": dict.fromkeys(labels, str)}
    table = Table(_parsed(text, used, dialect, lambda *_: known), Rows("line", text.lines))
    if not len(table.frame):
        raise ValueError(f"{content.name} has a header but no rows.")
    return finished(table, used, dialect)


def _roles(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Roles of the columns of a small table: moments by name, identifiers as given."""
    roles = {"sequence": list(labels)[:1], "user": list(labels)[1:]}
    known = {name: role for role, owners in roles.items() for name in owners}
    return [known.get(n, n if n in MOMENTS else f"column {n}") for n in names]


def columns_in(content: Content, dialect: Dialect) -> list[str]:
    """Names of the columns of anything but a delimited text file."""
    if content.kind == OBJECTS:
        return columns_of(read_objects(content.name, text_of(content, dialect))[0])
    if content.kind == BOOK:
        return list(read_sheet(content.name, content.raw, dialect)[0].columns)
    return list(ParquetFiles.in_memory(content.name, content.raw).columns)


def asked(used: Used) -> list[Any]:
    """The columns that are used."""
    return [name for name in used.values() if name is not None]


def _parsed(text: TextTable, used: Used, dialect: Dialect, types: Types) -> pd.DataFrame:
    settings = types(text.body, used, text.separator)
    if as_written(dialect.dates):
        known = settings["dtype"] if isinstance(settings["dtype"], dict) else {}
        moments = {used[role]: str for role in MOMENTS if used.get(role)}
        settings = settings | {"dtype": known | moments}
    headless = {} if dialect.headed else {"header": None, "names": text.columns}
    return pd.read_csv(
        io.BytesIO(text.body),
        sep=text.separator,
        usecols=asked(used),
        decimal=dialect.decimal,
        keep_default_na=False,
        low_memory=False,
        skip_blank_lines=False,
        index_col=False,
        **headless,
        **settings,
        **EXACT_FLOATS,
    )


def _typed(frame: pd.DataFrame, used: Used) -> pd.DataFrame:
    """Cells of a sheet, with columns of numbers and moments converted to their types."""
    labels = {used[role] for role in LABELS if used.get(role)}
    part = {name: frame[name] for name in asked(used)}
    return pd.DataFrame(
        {name: one if name in labels else one.infer_objects() for name, one in part.items()}
    )


def finished(table: Table, used: Used, dialect: Dialect) -> Table:
    """The table with its decimal commas, dates and identifiers read according to the dialect."""
    frame, rows = table.frame.copy(deep=False), table.rows
    for role, name in used.items():
        if name is None or role in LABELS:
            continue
        if dialect.decimal == ",":
            frame[name] = _with_points(frame[name], str(name), rows)
        else:
            _refuse_commas(frame[name], str(name), rows)
        if role in MOMENTS:
            frame[name] = read_dates(frame[name], dialect.dates, str(name), rows)
    columns = [used[role] for role in IDENTIFIERS if used.get(role) is not None]
    if columns and (dialect.fold or dialect.pseudonyms is not None):
        for name, values in zip(columns, disguised(frame, columns, dialect, rows), strict=True):
            frame[name] = values
    return Table(frame, rows)


def _refuse_commas(series: Any, column: str, rows: Rows) -> None:
    """Refuse numbers with a comma, which separates either the fraction or thousands."""
    if series.dtype != object and not isinstance(series.dtype, pd.StringDtype):
        return
    text = series.astype("str").str
    if not text.contains(",", regex=False, na=False).any():
        return
    commas = text.match(r"^\s*[+-]?\d+,\d+\s*$", na=False).to_numpy(bool)
    remedy = "Pass decimal=',' if it is the decimal sign; write thousands without one."
    refuse(commas, column, "a number with a comma", remedy, series, rows)


def _with_points(series: Any, column: str, rows: Rows) -> Any:
    """Text of numbers with a decimal comma, converted to a decimal point."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series
    text = series.where(~series.isna(), "").astype("str").str.strip()
    both = text.str.match(r"^[+-]?(\d{1,3}(\.\d{3})+(,\d+)?|\d*\.\d+)$").to_numpy(bool)
    what = "a point in a number, while the decimal sign is a comma,"
    refuse(both, column, what, "Write thousands without points.", series, rows)
    number = text.str.match(r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$").to_numpy(bool)
    out = text.where(~number, text.str.replace(",", ".", regex=False))
    return out.where(~(series.isna().to_numpy(bool) | text.isin(list(ABSENT)).to_numpy()), None)
