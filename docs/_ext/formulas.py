"""Formulas drawn while the site is built, as SVG: no script, no font and nothing from elsewhere."""

from __future__ import annotations

import html
from typing import Any

SIZE = 16  # of the text around them, px


def _formula(writer: Any, node: Any) -> None:
    import ziamath
    from docutils import nodes

    ziamath.config.math.color = "currentColor"  # black on white, and the reverse
    source = node.astext().strip()
    inline = isinstance(node, nodes.math)
    made = ziamath.Latex(source, size=SIZE, inline=inline)
    told = html.escape(" ".join(source.split()))
    style = f"vertical-align: {made.getyofst():.2f}px"
    drawn = made.svg().replace("<svg ", f'<svg role="img" aria-label="{told}" style="{style}" ', 1)
    tag, ids = ("span", {}) if inline else ("div", {"ids": node.get("ids", [])})
    writer.body.append(writer.starttag(node, tag, "", CLASS="math", **ids) + drawn + f"</{tag}>")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    app.add_html_math_renderer("svg", (_formula, None), (_formula, None))
    return {"parallel_read_safe": True}
