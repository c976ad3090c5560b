"""The analyses as notebooks beside the site, for hosted platforms and for download."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def _written(app: Any, error: Exception | None) -> None:
    import jupytext

    if error is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "notebooks"
    folder.mkdir(exist_ok=True)
    for path in sorted((Path(app.srcdir).parent / "notebooks").glob("*.py")):
        book = jupytext.read(path)
        for number, cell in enumerate(book.cells):
            cell["id"] = f"{path.stem}-{number}"  # not a new one in each build
        jupytext.write(book, folder / f"{path.stem}.ipynb")


def _linked(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Below the heading of each analysis, the file that opens elsewhere."""
    name = page.removeprefix("analyses/")
    if doctree is None or name in (page, "index"):
        return
    here, all_of_them = f"../notebooks/{name}.ipynb", context["pathto"]("notebooks")
    words = (
        f'<p>This page as a notebook: <a href="{here}" download>{name}.ipynb</a>. Open it in '
        f'Jupyter, or upload it to a hosted platform: its <a href="{all_of_them}">first cell '
        f"installs what it needs</a>.</p>"
    )
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{words}", 1)


def setup(app: Any) -> dict[str, bool]:
    app.connect("html-page-context", _linked)
    app.connect("build-finished", _written)
    return {"parallel_read_safe": True}
