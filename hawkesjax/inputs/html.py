"""Data and results as HTML, for notebooks."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.numbers import number

ROWS = 20


class Shown:
    """What a notebook shows: the text of `repr`, with the table of `_shown`, if any, as HTML."""

    def _shown(self) -> pd.DataFrame | None:
        """The table below the text; None for the text alone."""
        return None

    def _repr_html_(self) -> str:
        frame = self._shown()
        text = repr(self)
        if frame is None:
            return f"<pre>{html.escape(text)}</pre>"
        said = text.splitlines()
        until = next((n for n, line in enumerate(said) if n and _is_table(line)), len(said))
        lines = "".join(f"<div>{html.escape(line)}</div>" for line in said[:until])
        more = len(frame) - ROWS
        note = f"<div>{more:,} more rows</div>" if more > 0 else ""
        shown = frame.head(ROWS).to_html(float_format=number, na_rep="-", border=0)
        return f"<div>{lines}{shown}{note}</div>"


def _is_table(line: str) -> bool:
    """Whether a line of `repr` begins its table: it is set in, as the names of columns are."""
    return line.startswith("   ")


def settings(thing: Any) -> str:
    """A small table of the settings of what has a `config()`, under its name."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(short(value))}</td></tr>"
        for name, value in thing.config().items()
    )
    return f"<div><b>{html.escape(type(thing).__name__)}</b><table>{rows}</table></div>"


def short(value: Any) -> str:
    """A value on one line."""
    text = np.array2string(value) if isinstance(value, np.ndarray) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:200]} ..."
