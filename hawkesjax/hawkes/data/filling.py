"""Panels from Parquet files, read in pieces into the panel's own arrays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.hawkes.data.assemble import assemble
from hawkesjax.hawkes.data.magnitude import read_magnitude
from hawkesjax.inputs.checks import Rows
from hawkesjax.inputs.clock import Clock, read_piece, refuse_dates
from hawkesjax.inputs.dialect import Dialect
from hawkesjax.inputs.labels import Gathered, one_label
from hawkesjax.inputs.moments import Fields
from hawkesjax.inputs.parquet import ParquetFiles
from hawkesjax.inputs.parts import Part, part_of
from hawkesjax.inputs.tables import Table, Used, finished
from hawkesjax.inputs.windows import names_of, plain


def can_fill(files: ParquetFiles, used: Used, dialect: Dialect) -> bool:
    """Whether pieces can be read one by one: text that holds times, and names that are folded or
    replaced by pseudonyms, are understood from the whole column."""
    from pyarrow import types

    kind = files.kinds[used["time"]]
    tests = types.is_integer, types.is_floating, types.is_timestamp, types.is_date
    numbers = kind != "text" and any(test(kind) for test in tests)
    return numbers and not (dialect.fold or dialect.pseudonyms is not None)


def fill(
    files: ParquetFiles,
    used: Used,
    dialect: Dialect,
    *,
    part: Part | None,
    unit: str | None,
    timezone: str | None,
    mark_names: Collection[Any] | None,
    sequence_names: Collection[Any] | None,
    window: Any,
    **seen: Any,
) -> Fields:
    """The fields of an `EventPanel`: a first pass learns the labels, a second one fills the arrays,
    which are then sorted before differences take the place of the sorting.

    Args:
        files: the files.
        used: argument -> column, None if there is none.
        dialect: how the files are written.
        part: which part of the sequences, of how many; None: all.
        unit, timezone, mark_names, sequence_names, window: as in `EventPanel.from_dataframe`.
        seen: the other arguments of `assemble`, as there.
    """
    window = plain(window)
    declared = names_of(window) if sequence_names is None else sequence_names
    labels, names, sizes = _labels(files, used, {"mark": mark_names, "sequence": declared})
    low, high = part_of(sizes, part, "sequence")
    read = _Reader(files, used, dialect, unit, timezone, labels)
    clock, codes, magnitude, rows = read(low, high, int(sizes[low:high].sum()))
    column = str(used["sequence"] or "sequence")
    fields = assemble(
        clock,
        codes["mark"],
        codes["sequence"],
        names["mark"],
        names["sequence"],
        window,
        column=column,
        rows=rows,
        magnitude=magnitude,
        owned=True,
        **seen,
    )
    return fields if part is None else _of_part(fields, low, high)


def _labels(
    files: ParquetFiles, used: Used, given: dict[str, Any]
) -> tuple[dict[str, Gathered], dict[str, tuple[str, ...]], np.ndarray]:
    """The labels of marks and sequences, their names, and the number of events by sequence."""
    labels = {role: Gathered(str(used[role]), role) for role in given if used[role] is not None}
    if labels:
        begin = 0
        for piece in files.pieces([used[role] for role in labels]):
            for role, one in labels.items():
                one.take(piece[used[role]], begin, files.rows)
            begin += len(piece)
    names, sizes = {}, np.array([files.num_rows])
    for role, single in (("mark", "event"), ("sequence", "0")):
        if role not in labels:
            names[role] = one_label(0, given[role], role, single)[1]
            continue
        names[role], counts = labels[role].settle(given[role], files.rows)
        sizes = counts if role == "sequence" else sizes
    return labels, names, sizes


@dataclass(frozen=True)
class _Reader:
    """The columns of the events, filled piece by piece."""

    files: ParquetFiles
    used: Used
    dialect: Dialect
    unit: str | None
    timezone: str | None
    labels: dict[str, Gathered]

    def __call__(self, low: int, high: int, size: int) -> tuple[Clock, Any, Any, Rows]:
        """Times, codes, sizes and what messages call the rows, of the events of the sequences
        low .. high - 1, of which there are `size`."""
        files, used, all_of_them = self.files, self.used, size == self.files.num_rows
        codes = {role: np.zeros(size, np.int32) for role in ("mark", "sequence")}
        values, magnitude = np.zeros(size), None
        if used["magnitude"] is not None:
            magnitude = np.zeros(size)
        clock, kept, begin, at = None, [], 0, 0
        for piece in files.pieces([name for name in used.values() if name is not None]):
            own = {role: one.codes(piece[used[role]]) for role, one in self.labels.items()}
            clock, carried = self._read(piece, files.rows.after(begin))
            values = values.view(clock.values.dtype)
            mine: Any = slice(None)
            if not all_of_them:
                mine = (low <= own["sequence"]) & (own["sequence"] < high)
                kept.append((begin, len(mine), np.packbits(mine)))
            given = clock.values[mine]
            into = slice(at, at + len(given))
            values[into] = given
            for role, column in own.items():
                codes[role][into] = column[mine]
            if magnitude is not None and carried is not None:
                magnitude[into] = carried[mine]
            begin, at = begin + len(piece), into.stop
        whole: Any = clock
        whole = replace(whole, values=values)
        refuse_dates(whole)
        return whole, codes, magnitude, files.rows if all_of_them else _chosen(files.rows, kept)

    def _read(self, piece: pd.DataFrame, rows: Rows) -> tuple[Clock, np.ndarray | None]:
        """Times and sizes of a piece."""
        time, size = self.used["time"], self.used["magnitude"]
        frame = finished(Table(piece, rows), self.used, self.dialect).frame
        clock = read_piece(frame[time], str(time), self.unit, self.timezone, rows)
        return clock, read_magnitude(None if size is None else frame[size], str(size), rows)


def _chosen(rows: Rows, kept: list[tuple[int, int, np.ndarray]]) -> Rows:
    """What messages call the rows that were kept of each piece; a bit for each row."""

    def called(row: int) -> str:
        places = (b + np.flatnonzero(np.unpackbits(bits, count=n)) for b, n, bits in kept)
        return rows.name(int(np.concatenate(list(places))[row]))

    return Rows(rows.word, called)


def _of_part(fields: Fields, low: int, high: int) -> Fields:
    """The fields with the sequences low .. high - 1 alone, of which all events are."""
    own = np.arange(low, high)
    fields["sequence"] -= np.int32(low)
    return fields | {
        "start": fields["start"][low:high],
        "duration": fields["duration"][low:high],
        "sequence_names": fields["sequence_names"][low:high],
        "gaps": fields["gaps"].choose(own),
        "history": fields["history"].choose(own),
        **({"exposure": fields["exposure"].choose(own)} if "exposure" in fields else {}),
    }
