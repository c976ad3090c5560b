"""What all figures share: fonts, colours with dashes that tell them apart in grey, and no global
state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Hues that differ to all eyes; in grey some come close, so that lines differ in dashes besides.
COLOURS = ("#0b3c6f", "#e08214", "#1b9e8a", "#b5478f", "#7a7a7a", "#a6761d")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), "-", (0, (5, 1.5)))
WIDTH = 7.0

SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.formatter.limits": (-3, 5),
    "lines.linewidth": 1.1,
    "savefig.dpi": 200,
    "figure.dpi": 110,
}

SYMBOLS = {
    "mu": "μ",
    "alpha": "α",
    "gamma": "γ",
    "mu_median": "median μ",
    "mu_spread": "spread of log μ",
}


@contextlib.contextmanager
def canvas(height: float, width: float = WIDTH) -> Iterator[Figure]:
    """An empty figure; settings hold inside the block only."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS):
        yield Figure(figsize=(width, height), layout="constrained")


def colour(index: int) -> str:
    """Colour of the index-th mark or chain."""
    return COLOURS[index % len(COLOURS)]


def dashes(index: int) -> Any:
    """Line style of the index-th mark or chain."""
    return DASHES[index % len(DASHES)]


def log_axis(axis: Any, which: str = "x") -> None:
    """A logarithmic axis, x or y, with plain numbers."""
    from matplotlib import ticker

    getattr(axis, f"set_{which}scale")("log")
    low, high = getattr(axis, f"get_{which}lim")()
    subs = (1.0, 3.0) if high < 300 * low else (1.0,)
    own = getattr(axis, f"{which}axis")
    own.set_major_locator(ticker.LogLocator(subs=subs))
    own.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    own.set_minor_formatter(ticker.NullFormatter())


def per(unit: str) -> str:
    """`events per day`."""
    return f"events per {unit}" if unit else "events per unit of time"


def time_label(unit: str) -> str:
    """`time (days)`; an unnamed unit stays unnamed."""
    return f"time ({unit}s)" if unit and not unit.endswith("s") else f"time ({unit or 'units'})"


def pick(given: Any, names: Sequence[str], default: Any, what: str) -> list[int]:
    """Indices of the chosen names; a name or an index each."""
    if given is None:
        return list(default)
    out = []
    for choice in [given] if isinstance(given, str | int | np.integer) else given:
        if isinstance(choice, str) and choice in names:
            out.append(list(names).index(choice))
        elif isinstance(choice, int | np.integer) and 0 <= choice < len(names):
            out.append(int(choice))
        else:
            shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
            raise ValueError(f"No {what} {choice!r}; there are {len(names)}: {shown}.")
    if not out:
        raise ValueError(f"No {what} was chosen; there are {len(names)}.")
    return out
