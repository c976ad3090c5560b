"""The figure that a notebook shows by itself."""

from __future__ import annotations

import io
import sys
from typing import Any

from matplotlib.figure import Figure

SHARP = 2  # pixels drawn for each one shown: most screens have that many


class Picture(Figure):
    """A matplotlib figure that is shown where it is the value of a notebook's cell.

    It is made without pyplot, so that none stays open behind your back.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """What IPython asks for."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=SHARP * self.dpi)
        width, height = (round(size * self.dpi) for size in self.get_size_inches())
        return file.getvalue(), {"width": width, "height": height}

    def show(self, warn: bool = True) -> Any:
        """Show it in a notebook; anywhere else as matplotlib's own."""
        python = sys.modules.get("IPython")
        if python is None or python.get_ipython() is None:
            return super().show(warn)
        return sys.modules["IPython.display"].display(self)
