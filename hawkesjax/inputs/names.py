"""Very many names: read like a tuple of text, stored as one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import counted, listed, listed_once, short


class Names(Sequence[str]):
    """Distinct names, in order; `names[3]` is text.

    Whole numbers stay an integer array and text one array of text, so that a million names cost
    megabytes. The hash is cached, and equality compares identity first: a pytree may carry names as
    a static part without being slowed.

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
        """Positions of names (or of numbers if the names are numbers), -1 if unknown."""
        wanted = np.asarray(asked).reshape(-1)
        if self.values.dtype.kind in "iu":
            numbers: Any = pd.to_numeric(pd.Series(wanted), errors="coerce")
            places = self._places.get_indexer(pd.Index(numbers.fillna(-1).to_numpy()))
            return np.where(numbers.isna(), -1, places)
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


def name_lines(names: Sequence[str], details: Iterable[str], most: int = 10) -> list[str]:
    """Lines of a text: the first names in a bounded width, each with its detail."""
    shown = [" ".join(name.split()) for name in names[:most]]
    shown = [name if len(name) <= 24 else name[:21] + "..." for name in shown]
    width = max(map(len, shown))
    lines = [f"    {name:<{width}}  {detail}" for name, detail in zip(shown, details, strict=False)]
    return lines + [f"    ... {len(names) - most:,} more"] * (len(names) > most)


def positions(asked: Any, names: Sequence[str], what: str) -> np.ndarray:
    """Positions of a user's selection among `names`, in the order given.

    Args:
        asked: names, positions (negative ones count from the end), a mask, or a single one.
        names: all names.
        what: the noun for messages: "sequence", "post".
    """
    if isinstance(asked, (str, int, np.integer)):
        asked = [asked]
    given = None if isinstance(asked, (Mapping, Set, pd.DataFrame)) else listed_once(asked)
    if given is None:
        raise ValueError(f"{what}s are {short(asked)}. Give names, positions or a mask, in a list.")
    asked = given
    if len(asked) and all(isinstance(item, (bool, np.bool_)) for item in asked):
        if np.shape(asked) != (len(names),):
            raise ValueError(
                f"The mask has shape {np.shape(asked)} for {counted(len(names), what)}."
            )
        asked = np.flatnonzero(asked)
    place = {name: row for row, name in enumerate(names)}
    rows: list[Any] = []
    for item in asked:
        row = place.get(item) if isinstance(item, str) else None
        if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
            row = int(item) % len(names) if -len(names) <= item < len(names) else None
        rows.append(row)
    unknown = [short(item) for item, row in zip(asked, rows, strict=True) if row is None]
    if unknown:
        more = ", ..." if len(unknown) > 5 else ""
        raise ValueError(
            f"Unknown {what}s: {', '.join(unknown[:5])}{more}. There are {len(names):,}: "
            f"{listed(names)}; select by name, or by position from 0."
        )
    repeated = sorted(names[row] for row, count in Counter(rows).items() if count > 1)
    if repeated:
        raise ValueError(
            f"Repeated {what}s, selected more than once: {listed(repeated, 5)}. Select each once."
        )
    if not rows:
        raise ValueError(f"No {what} is selected. Give at least one name or position.")
    return np.array(rows, np.int64)
