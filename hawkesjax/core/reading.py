"""How a model's results are to be read, for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model says, in words for people who do not know it.

    Args:
        says: what the model assumes, in a few sentences.
        formula: its equations in plain characters, one per line.
        short: the main findings, one sentence each.
        words: what a parameter, a table or a figure shows, by its name.
        tables: further tables, by name.
        may, may_not: what may and what may not be concluded.
        sources: publications to cite.
    """

    says: str = ""
    formula: Sequence[str] = ()
    short: Sequence[str] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    may: Sequence[str] = ()
    may_not: Sequence[str] = ()
    sources: Sequence[str] = ()
