"""Pictures that cells draw have their section and what was said before them as alternative text."""

from __future__ import annotations

from typing import Any

LONGEST = 200


def _described(app: Any, doctree: Any, page: str) -> None:
    from docutils import nodes

    title = said = ""
    for node in doctree.findall():
        if isinstance(node, nodes.title):
            title, said = node.astext(), ""
        elif isinstance(node, nodes.paragraph):
            said = node.astext()
        elif isinstance(node, nodes.image) and not node.get("alt"):
            text = " ".join(f"Figure, {title}: {said}".split()).rstrip(": ")
            node["alt"] = (
                text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} ..."
            )


def setup(app: Any) -> dict[str, bool]:
    app.connect("doctree-resolved", _described)
    return {"parallel_read_safe": True}
