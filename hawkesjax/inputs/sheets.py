"""Workbooks: one sheet as a table."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import listed
from hawkesjax.inputs.clock import EXACT
from hawkesjax.inputs.dialect import Dialect


def read_sheet(name: str, raw: bytes, dialect: Dialect) -> tuple[pd.DataFrame, np.ndarray]:
    """The cells of a sheet below its header, and the number of each row in the sheet.

    Cells keep the type that they have in the sheet; whole numbers are restored, since a sheet
    stores only floating point.

    Raises:
        ValueError: for a damaged workbook, several sheets of which none is named, or no rows.
        ImportError: if python-calamine is not installed.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound
    except ImportError as error:
        raise ImportError(
            f"Reading {name} needs python-calamine: pip install 'hawkesjax[excel]'."
        ) from error
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        sheets = {one: book.get_sheet_by_name(one).to_python() for one in book.sheet_names}
    except (CalamineError, WorksheetNotFound, OSError) as error:
        raise ValueError(
            f"{name} cannot be read as an Excel workbook ({error}). Save it again, or as CSV."
        ) from error
    if dialect.sheet is not None and dialect.sheet not in sheets:
        raise ValueError(f"{name} has no sheet {dialect.sheet!r}. There are {listed(sheets)}.")
    filled = [one for one, rows in sheets.items() if rows]
    if dialect.sheet is None and len(filled) != 1:
        raise ValueError(
            f"{name} has {len(filled)} sheets with cells ({listed(filled)}). Name one: sheet=."
            if filled
            else f"{name} has no cell with a value."
        )
    chosen = dialect.sheet or filled[0]
    # Rows and columns keep their positions, so that messages count as the sheet does.
    cells = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    there = [n for n, row in enumerate(cells) if any(value != "" for value in row)]
    cells, numbers = [cells[n] for n in there], np.array(there, np.int64) + 1
    width = max((n + 1 for row in cells for n, value in enumerate(row) if value != ""), default=0)
    cells = [row[:width] for row in cells]
    if dialect.headed:
        names = [str(_plain(value) or "").strip() for value in cells[0]] if cells else []
        cells, numbers = cells[1:], numbers[1:]
    else:
        names = list(dialect.columns or (str(n + 1) for n in range(width)))
        if len(names) != width:
            raise ValueError(
                f"{name} has {width} columns in sheet {chosen!r}, but columns= names {len(names)}. "
                f"Name each one."
            )
    columns = [[_plain(row[n]) for row in cells] for n in range(len(names))]
    frame = pd.DataFrame({n: pd.Series(values, dtype=object) for n, values in enumerate(columns)})
    return frame.set_axis(names, axis=1), numbers


def _plain(value: Any) -> Any:
    """A cell's value; None for an empty one."""
    if value == "":
        return None
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT
    return int(value) if whole else value
