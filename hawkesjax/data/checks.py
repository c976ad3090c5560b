"""Errors at the door: what is wrong, in which rows, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHOWN = 5


def refuse(
    wrong: np.ndarray, column: str, what: str, remedy: str, values=None, first_row: int = 0
) -> None:
    """Raise a ValueError that names the first wrong rows; do nothing where none is wrong.

    Args:
        wrong: mask of the offending rows.
        column: the column's name.
        what: what is wrong with them.
        remedy: what to do.
        values: the column's values, shown beside the rows.
        first_row: number of the first row (2 for a file with a header, counted as its line).
    """
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    kind = "line" if first_row else "row"
    shown = [
        str(row + first_row) if values is None else f"{row + first_row} ({values[row]!s})"
        for row in rows[:SHOWN]
    ]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    plural = "s" if len(rows) > 1 else ""
    raise ValueError(
        f"Column {column!r}: {what} in {kind}{plural} {', '.join(shown)}{more}. {remedy}"
    )


def one_dimensional(values, column: str) -> np.ndarray:
    """The values as an array of one dimension."""
    array = np.asarray(values)
    if array.size == 0 and array.ndim <= 1:
        return array.reshape(0)
    if array.ndim != 1:
        raise ValueError(
            f"Column {column!r}: expected one dimension, got shape {array.shape}. "
            f"Give one value an event."
        )
    return array


def unique_names(names: Sequence, what: str) -> tuple[str, ...]:
    """Names as strings, refused when one repeats."""
    if isinstance(names, str):
        raise ValueError(f"{what}_names is the text {names!r}: give a list of names.")
    out = tuple(str(name) for name in names)
    repeated = sorted({name for name in out if out.count(name) > 1}) if len(out) < 1000 else []
    if len(set(out)) != len(out):
        raise ValueError(f"{what}_names repeat: {repeated[:SHOWN] or 'see the list'}. Name each once.")
    return out
