"""The pieces of a page: text, tables and pictures as HTML without anything from outside."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.numbers import number
from hawkesjax.reports.latex import latex

ROWS = 15  # shown of a table
FOLDED = 200  # shown of it on a click
LEFT = ' class="text"'
LARGEST_CSV = 500_000  # characters of a table that can be saved from the page

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 52rem; padding: 1rem; color: #1c1c1c; background: #fff;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; border-bottom: 2px solid #0b3c6f; }
h3 { font-size: 1.02rem; margin: 1.5rem 0 .3rem; }
nav a { display: inline-block; margin: 0 .8rem .3rem 0; } a { color: #0b3c6f; }
.quiet { color: #595959; font-size: .9rem; }
.short { background: #eef3f8; border-left: 4px solid #0b3c6f; padding: .6rem 1rem; }
.good::before { content: "\\2713  "; color: #17693f; font-weight: bold; }
.bad::before { content: "!  "; color: #a32a00; font-weight: bold; }
ul { padding-left: 1.2rem; } .short ul, ul.marks { list-style: none; padding-left: 0; }
.scroll { overflow-x: auto; margin: .4rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .6rem; border-bottom: 1px solid #ddd; text-align: right;
  white-space: nowrap; }
th[scope=row], .text { text-align: left; } td.text { white-space: normal; min-width: 9rem; }
thead th { border-bottom: 2px solid #999; } tbody th { font-weight: 500; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .15rem 1rem; }
dt { color: #595959; } dd { margin: 0; }
img { max-width: 100%; height: auto; } figure { margin: .5rem 0 1.5rem; }
figcaption { font-size: .9rem; color: #444; }
pre { white-space: pre-wrap; background: #f5f5f5; padding: .6rem; font-size: .85rem; }
@media (max-width: 480px) { body { font-size: 15px; padding: .7rem; } dl { display: block; }
  dd { margin: 0 0 .4rem; } }
@media print { nav, a.save { display: none; } h2 { break-after: avoid; } }
"""


def text(value: object) -> str:
    """Text with the characters of HTML escaped."""
    return html.escape(str(value))


def paragraph(value: object, kind: str = "") -> str:
    """A paragraph, nothing for no text."""
    shown = f' class="{kind}"' if kind else ""
    return f"<p{shown}>{text(value)}</p>" if value else ""


def bullets(lines: Iterable[object], kind: str = "") -> str:
    """A list, nothing without lines; a line may be (class, text)."""
    rows = [line if isinstance(line, tuple) else ("", line) for line in lines]
    items = "".join(f'<li class="{c}">{text(line)}</li>' for c, line in rows)
    return f'<ul class="{kind}">{items}</ul>' if rows else ""


def facts(pairs: Mapping[str, object]) -> str:
    """Names and values, side by side where there is room."""
    rows = "".join(f"<dt>{text(n)}</dt><dd>{text(value)}</dd>" for n, value in pairs.items())
    return f"<dl>{rows}</dl>"


def table(frame: pd.DataFrame, name: str, words: str = "", *, tex: bool = False) -> str:
    """A table with its heading; long ones are folded, and all can be saved as CSV."""
    parts = [f"<h3>{text(name)}</h3>", paragraph(words, "quiet"), _grid(frame.head(ROWS))]
    if len(frame) > ROWS:
        more = frame.iloc[ROWS:FOLDED]
        rest = len(frame) - ROWS - len(more)
        note = f"; {rest:,} more are not shown" if rest else ""
        parts.append(f"<details><summary>{len(more):,} more rows{note}</summary>{_grid(more)}")
        parts.append("</details>")
    plain = frame.to_csv()
    if len(plain) <= LARGEST_CSV:
        coded = base64.b64encode(plain.encode()).decode()
        file = "".join(c if c.isalnum() else "_" for c in name)
        parts.append(
            f'<a class="save quiet" download="{file}.csv" href="data:text/csv;base64,{coded}">'
            f"Save as CSV ({len(frame):,} rows)</a>"
        )
    if tex:
        parts.append(
            f"<details><summary>LaTeX</summary><pre>{text(latex(frame.head(FOLDED), words))}</pre>"
            "</details>"
        )
    return "\n".join(parts)


def _grid(frame: pd.DataFrame) -> str:
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    levels = 0 if plain else frame.index.nlevels
    names = [] if plain else [name or "" for name in frame.index.names]
    columns = [" ".join(map(str, n)) if isinstance(n, tuple) else n for n in frame.columns]
    words = [not pd.api.types.is_numeric_dtype(one) for one in frame.dtypes]
    sides = [True] * len(names) + words
    head = "".join(
        f'<th scope="col"{left * LEFT}>{text(name)}</th>'
        for name, left in zip([*names, *columns], sides, strict=True)
    )
    rows = []
    for label, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        labels = list(label) if levels > 1 else [label] * levels
        start = "".join(f'<th scope="row">{text(_said(one))}</th>' for one in labels)
        rows.append(f"<tr>{start}{''.join(map(_cell, row))}</tr>")
    body = "".join(rows)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )


def _cell(value: Any) -> str:
    kind = "" if isinstance(value, int | float | np.number) else ' class="text"'
    return f"<td{kind}>{text(_said(value))}</td>"


def _said(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return number(float(value))
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return "-" if value is None or value is pd.NaT else str(value)


def picture(figure: Any, name: str, words: str) -> str:
    """A matplotlib figure as a picture inside the page."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=140)
    coded = base64.b64encode(held.getvalue()).decode()
    return (
        f'<figure><img alt="{text(words or name)}" src="data:image/png;base64,{coded}">'
        f"<figcaption><b>{text(name)}</b>{': ' if words else ''}{text(words)}</figcaption></figure>"
    )


def page(title: str, sections: Mapping[str, str], lead: str) -> str:
    """The whole page: a lead, links to the sections, the sections."""
    marks = {name: f"s{number}" for number, name in enumerate(sections)}
    links = "".join(f'<a href="#{mark}">{text(name)}</a>' for name, mark in marks.items())
    body = "\n".join(
        f'<section id="{marks[name]}"><h2>{text(name)}</h2>\n{part}</section>'
        for name, part in sections.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n<body><h1>{text(title)}</h1>\n"
        f"{lead}<nav>{links}</nav>\n{body}\n</body></html>\n"
    )
