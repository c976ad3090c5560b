"""Tables in LaTeX."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hawkesjax.inputs.numbers import number

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def latex(frame: pd.DataFrame, caption: str = "") -> str:
    """A table for LaTeX with the package booktabs, numbers to four digits.

    Args:
        frame: the table; its index becomes the first columns.
        caption: text above it.
    """
    whole = frame.reset_index()
    names = [_cell(" ".join(filter(None, map(str, n))) if isinstance(n, tuple) else n)
             for n in whole.columns]  # fmt: skip
    sides = ["r" if pd.api.types.is_numeric_dtype(one) else "l" for one in whole.dtypes]
    rows = [" & ".join(map(_cell, row)) + r" \\" for row in whole.itertuples(index=False)]
    lines = [r"\begin{table}", r"\centering"]
    lines += [rf"\caption{{{_cell(caption)}}}"] if caption else []
    lines += [rf"\begin{{tabular}}{{{''.join(sides)}}}", r"\toprule", " & ".join(names) + r" \\"]
    lines += [r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = number(value) if isinstance(value, float) else str(value)
    return "".join(SPECIAL.get(letter, letter) for letter in text)
