"""Panels from one tuple of arrays a user, as o2o takes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from hawkesjax.hawkes.data.assemble import assemble
from hawkesjax.inputs.checks import Rows, column_of, counted, listed, unique_names
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.windows import names_of


class FromLists:
    """What `EventPanel` reads from lists."""

    @classmethod
    def from_lists(
        cls,
        users: Sequence[Sequence[Any]],
        *,
        window: Any = None,
        mark_names: Collection[Any] = ("online", "offline"),
        sequence_names: Collection[Any] | None = None,
        unit: str = "",
    ) -> Self:
        """A panel from one tuple of arrays a user: the times of each mark.

        Args:
            users: M tuples of D arrays of times, as `[(online, offline), ...]`.
            window: as in `from_arrays`.
            mark_names: D names, in the order within the tuples.
            sequence_names: M names; "0", "1", ... by default.
            unit: as in `from_arrays`.

        Raises:
            ValueError: as `from_arrays`; says which value of which user's array is wrong.
        """
        marks = unique_names(mark_names, "mark")
        declared = names_of(window) if sequence_names is None else sequence_names
        names = unique_names(range(len(users)) if declared is None else declared, "sequence")
        if len(names) != len(users):
            raise ValueError(
                f"{counted(len(names), 'sequence_name')} for {counted(len(users), 'user')}. "
                f"Give one each."
            )
        parts: list[Any] = []
        for name, user in zip(names, users, strict=True):
            if isinstance(user, (str, bytes)) or not hasattr(user, "__len__"):
                raise ValueError(
                    f"Sequence {name!r}: give a tuple of {len(marks)} arrays of times."
                )
            if len(user) != len(marks):
                raise ValueError(
                    f"Sequence {name!r} has {counted(len(user), 'array')} of times for the "
                    f"{counted(len(marks), 'mark')} {listed(marks)}. "
                    f"Give one array a mark, in that order."
                )
            parts.extend(user)
        cells = [f"{mark!r} of sequence {name!r}" for name in names for mark in marks]
        arrays = [column_of(part, cell) for part, cell in zip(parts, cells, strict=True)]
        sizes = np.array([len(array) for array in arrays], np.int64)
        ends = np.cumsum(sizes)
        filled = [array for array in arrays if len(array)]
        times = pd.concat(filled, ignore_index=True) if filled else pd.Series([], dtype=float)

        def called(row: int) -> str:
            cell = int(np.searchsorted(ends, row, side="right"))
            place = row - int(ends[cell] - sizes[cell])
            return f"{place} of {cells[cell]}"

        rows = Rows("value", called)
        clock = read_times(times, "times", unit, None, rows)
        kinds = np.repeat(np.tile(np.arange(len(marks)), len(users)), sizes)
        codes = np.repeat(np.repeat(np.arange(len(users)), len(marks)), sizes)
        return cls(**assemble(clock, kinds, codes, marks, names, window, "sequence", rows))
