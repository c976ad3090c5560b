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


def setup(app: Any) -> dict[str, bool]:
    app.connect("build-finished", _written)
    return {"parallel_read_safe": True}
