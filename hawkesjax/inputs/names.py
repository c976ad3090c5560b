"""Names of very many things: read like a tuple of text, kept as one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd


class Names(Sequence[str]):
    """Distinct names, in order; `names[3]` is text.

    Whole numbers stay an integer array and text one array of text, so that a million names cost
    megabytes. The hash is kept, and equality begins with identity: a pytree may carry names as a
    static part without being slowed.

    Args:
        values: (N,) distinct whole numbers or text.
    """

    def __init__(self, values: Any) -> None:
        array = np.asarray(values)
        self.values = array if array.dtype.kind in "iu" else array.astype(object)

    @cached_property
    def index(self) -> pd.Index:
        """The names as text, for tables."""
        return pd.Index(self.values.astype(str), dtype="str", name="user")

    @cached_property
    def _places(self) -> pd.Index:
        return pd.Index(self.values)

    @cached_property
    def _hash(self) -> int:
        ends = (self.values[:1].tolist(), self.values[-1:].tolist())
        return hash((len(self.values), str(ends)))

    def take(self, rows: Any) -> Names:
        """The names of some rows."""
        return Names(self.values[rows])

    def positions(self, asked: Any) -> np.ndarray:
        """Where names stand, -1 for an unknown one.

        Args:
            asked: names as text, or as numbers where the names are numbers.
        """
        wanted = np.asarray(asked).reshape(-1)
        if self.values.dtype.kind in "iu":
            numbers: Any = pd.to_numeric(pd.Series(wanted), errors="coerce")
            found = self._places.get_indexer(pd.Index(numbers.fillna(-1).to_numpy()))
            return np.where(numbers.isna(), -1, found)
        return self._places.get_indexer(pd.Index(wanted.astype(str).astype(object)))

    @overload
    def __getitem__(self, index: int | np.integer) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Names: ...
    def __getitem__(self, index: int | np.integer | slice) -> str | Names:
        return self.take(index) if isinstance(index, slice) else str(self.values[index])

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[str]:
        return map(str, self.values)

    def __contains__(self, name: object) -> bool:
        return bool(self.positions([name])[0] >= 0)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Names) or len(self) != len(other):
            return False
        return self.values is other.values or bool(np.array_equal(self.values, other.values))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:5]))
        return f"Names({shown}{', ...' if len(self) > 5 else ''}; {len(self):,} in all)"
