"""What all figures share: fonts, colours with dashes that tell them apart in grey, and no global
state. What the user's style sheet sets is left as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# For white paper and for dark. Any two differ by 23 (CIE 1976) or more to people without the green
# or the red receptor, and by 10 or more in lightness, so also in grey (tests/plotting).
COLOURS = ("#083575", "#f38c1f", "#3e996e", "#a54f86", "#d4c56d", "#6c4919")
ON_DARK = ("#8cbee6", "#ffd06b", "#11ae9d", "#a065c7", "#fdf8bd", "#855947")
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
def canvas(height: float, width: float = WIDTH, ax: Any = None) -> Iterator[Figure]:
    """An empty figure, or that of the user's axes; settings hold inside the block only.

    Raises:
        ValueError: for an `ax` that is no axes.
    """
    import matplotlib as mpl
    from matplotlib.axes import Axes

    from hawkesjax.plotting.picture import Picture

    if ax is None:
        usual = mpl.rcParamsDefault
        own = {name: value for name, value in SETTINGS.items() if mpl.rcParams[name] == usual[name]}
        with mpl.rc_context(own):
            yield Picture(figsize=(width, height), layout="constrained")
    elif isinstance(ax, Axes):
        paper = {"axes.facecolor": ax.get_facecolor(), "text.color": ax.xaxis.label.get_color()}
        with mpl.rc_context(paper):
            given: Any = ax.figure
            yield given
    else:
        raise ValueError(f"ax is of type {type(ax).__name__}; it must be an axes of matplotlib.")


def axes_for(figure: Figure, ax: Any, **more: Any) -> Any:
    """The user's axes, or new ones that fill the figure."""
    return figure.subplots(**more) if ax is None else ax


def one_axes(ax: Any, count: int, what: str) -> None:
    """Refuse the user's axes for a figure that has several.

    Raises:
        ValueError: naming what to choose.
    """
    if ax is not None and count != 1:
        raise ValueError(f"ax is one axes, and this figure has {count}: choose one of its {what}.")


def legend(figure: Figure, ax: Any, axis: Any, *, loc: str, ncols: int = 1) -> None:
    """The legend of the labels in `axis`: outside the figure's axes, or inside the user's."""
    handles, labels = axis.get_legend_handles_labels()
    if ax is not None:
        ax.legend(handles, labels)
    elif handles:
        figure.legend(handles, labels, loc=f"outside {loc}", ncols=ncols)


def _luminance(colour: Any) -> float:
    from matplotlib.colors import to_rgb

    return float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)))


def paper() -> Any:
    """The colour behind the axes; where that is clear, the one behind the figure, or white."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgba

    grounds = (mpl.rcParams[f"{part}.facecolor"] for part in ("axes", "figure"))
    return next((one for one in grounds if to_rgba(one)[3] > 0), "white")


def grey(level: float) -> Any:
    """A shade between the text's colour, 0, and the paper's, 1."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgb

    ink, ground = np.array(to_rgb(mpl.rcParams["text.color"])), np.array(to_rgb(paper()))
    return tuple(ink + level * (ground - ink))


def colour(index: int) -> Any:
    """Colour of the index-th mark or chain: of the user's own cycle, if one is set."""
    import matplotlib as mpl

    cycle = mpl.rcParams["axes.prop_cycle"]
    own = cycle.by_key().get("color", ())
    if own and cycle != mpl.rcParamsDefault["axes.prop_cycle"]:
        return own[index % len(own)]
    known = COLOURS if _luminance(paper()) > 0.4 else ON_DARK
    return known[index % len(known)]


def tint(index: int, level: float) -> Any:
    """A colour mixed with the paper's, which is 1."""
    from matplotlib.colors import to_rgb

    full, ground = np.array(to_rgb(colour(index))), np.array(to_rgb(paper()))
    return tuple(full + level * (ground - full))


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
