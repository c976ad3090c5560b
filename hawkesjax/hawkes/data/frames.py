"""Panels from tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import pandas as pd

from hawkesjax.hawkes.data.assemble import assemble
from hawkesjax.inputs.checks import Rows
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.labels import Codes, one_label, read_labels
from hawkesjax.inputs.tables import open_table
from hawkesjax.inputs.windows import names_of


class FromTables:
    """What `EventPanel` reads from tables."""

    @classmethod
    def from_dataframe(
        cls,
        df: pd.DataFrame,
        *,
        time: Any,
        mark: Any = None,
        sequence: Any = None,
        window: Any = None,
        unit: str | None = None,
        mark_names: Collection[Any] | None = None,
        sequence_names: Collection[Any] | None = None,
        timezone: str | None = None,
    ) -> Self:
        """A panel from a table with one row per event, in any order.

        Args:
            df: the table.
            time: column of times: numbers, datetimes with or without a zone, or ISO 8601 text.
            mark: column of marks; None for the one mark "event".
            sequence: column of sequences; None for one sequence "0".
            window: as in `from_arrays`; datetimes (or their text) where the times are datetimes.
                Bounds without an offset are read in the times' zone.
            unit: name of the numbers' unit; for datetimes the unit to convert them to: "second",
                "minute", "hour", "day" or "week". Absolute time then counts from `origin`, the
                earliest window start.
            mark_names: the marks in their order, those without events too. By default those that
                occur, sorted. Labels in the table are names: whole numbers, too, unless names are
                declared none of which is a whole number; then the numbers count them from 0.
            sequence_names: likewise.
            timezone: zone of datetimes without an offset ("Europe/London"). Naming one also lets
                several offsets stand in one column; without it they are refused. Times without
                any zone are taken as they are, on a clock that knows no daylight saving.

        Raises:
            ValueError: as `from_arrays`; rows are counted from 0, whatever the table's index.
        """
        df, rows = open_table(df, time=time, mark=mark, sequence=sequence)
        clock = read_times(df[time], str(time), unit, timezone, rows)
        marks, kinds = _column(df, mark, mark_names, "mark", "event", rows)
        declared = names_of(window) if sequence_names is None else sequence_names
        codes, names = _column(df, sequence, declared, "sequence", "0", rows)
        column = "sequence" if sequence is None else str(sequence)
        return cls(**assemble(clock, marks, codes, kinds, names, window, column, rows))


def _column(df: pd.DataFrame, column: Any, names: Any, what: str, single: str, rows: Rows) -> Codes:
    if column is None:
        return one_label(len(df), names, what, single)
    return read_labels(df[column], names, what, str(column), rows)
