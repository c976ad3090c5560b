"""Figures that answer the mouse: values where it points, and stretches that it draws out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.inputs.checks import kind_of_value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 140  # pixels of an inch, room for the legend among them
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
STEPS = {"steps-post": "hv", "steps-pre": "vh", "steps": "vh", "steps-mid": "hvh"}
REMEDY = "Lines, bands, bars and points can be shown so: those of intensity, forecasts and counts."


def interactive(figure: Figure) -> Any:
    """A figure as one of plotly, which tells values under the mouse, zooms, and hides what is
    clicked in its legend.

    Args:
        figure: what a function of `hj.plots` returned, of lines, bands, bars and points.

    Returns:
        A `plotly.graph_objects.Figure`: a notebook shows it, and `.write_html("figure.html")`
        keeps it as a page.

    Raises:
        ImportError: without plotly: `pip install "hawkesjax[interactive]"`.
        ValueError: for anything but a figure, and one of arrows or circles (`network`, `drivers`).

    Example:
        >>> panel = hj.EventPanel.from_arrays([0.5, 2.0], ["a", "b"], window=(0, 3), unit="day")
        >>> truth = {"mu": [[1.0, 1.0]], "alpha": [[0.3, 0.1], [0.2, 0.3]], "gamma": 2.0}
        >>> model = hj.Hawkes(decay="shared")
        >>> shown = hj.plots.interactive(hj.plots.intensity(truth, panel, model=model))
        >>> sorted({trace.name for trace in shown.data if trace.showlegend})
        ['a', 'b']
    """
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        raise ValueError(
            f"figure is {kind_of_value(figure)}; it must be what a function of hj.plots returned."
        )
    try:
        from plotly import graph_objects
    except ImportError as missing:
        raise ImportError(
            "Interactive figures need plotly: pip install 'hawkesjax[interactive]'."
        ) from missing
    figure.draw_without_rendering()  # which puts the axes in their places
    shown = graph_objects.Figure()
    named: set[str] = set()
    layout: dict[str, Any] = {"annotations": []}
    for number, axis in enumerate(figure.axes):
        if axis.name != "rectilinear":
            raise ValueError(f"This figure has circles, which plotly is not given. {REMEDY}")
        _add(graph_objects, shown, axis, str(number + 1) if number else "", named)
        layout |= _axes(figure, number, layout["annotations"])
    place = {"xref": "paper", "yref": "paper", "showarrow": False}
    for text, where in (
        (figure.get_supylabel(), {"x": -0.01, "y": 0.5, "textangle": -90, "xanchor": "right"}),
        (figure.get_supxlabel(), {"x": 0.5, "y": -0.02, "yanchor": "top"}),
    ):
        if text:
            layout["annotations"].append({"text": text.replace("\n", "<br>"), **where, **place})
    shown.update_layout(
        **layout,
        height=HEIGHT * figure.get_size_inches()[1],
        template="simple_white",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        margin={"t": 60, "r": 20},
    )
    return shown


def _add(objects: Any, shown: Any, axis: Any, number: str, named: set[str]) -> None:
    """What is drawn in one axes, as traces."""
    from matplotlib.collections import LineCollection, PathCollection, PolyCollection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon, Rectangle

    for artist in axis.get_children():
        if artist is axis.patch or not artist.get_visible():
            continue
        options: dict[str, Any] = {"hoverinfo": "skip"}
        if isinstance(artist, Line2D):
            points = artist.get_xydata()
            mark, dash = artist.get_marker() not in ("None", "", None), artist.get_linestyle()
            drawn = dash not in ("None", "", " ")
            if not len(points) or not (mark or drawn):
                continue
            color = _css(artist.get_color(), artist.get_alpha())
            options = {"mode": "+".join(["lines"] * drawn + ["markers"] * bool(mark))}
            options["line"] = {
                "color": color,
                "width": 1.3 * artist.get_linewidth(),
                "dash": DASHES.get(str(dash), "solid"),
                "shape": STEPS.get(artist.get_drawstyle(), "linear"),
            }
            options["marker"] = {"color": color, "size": 1.3 * artist.get_markersize()}
        elif isinstance(artist, PathCollection):
            points = np.asarray(artist.get_offsets())
            colors = [_css(one) for one in artist.get_facecolor()] or ["grey"]
            options = {
                "mode": "markers",
                "marker": {"color": colors[0] if len(colors) < len(points) else colors},
            }
        elif isinstance(artist, LineCollection):
            points = _parted(artist.get_segments())
            colors = artist.get_color()
            options |= {"mode": "lines", "line": {"color": _css(colors[0]), "width": 1}}
        elif isinstance(artist, PolyCollection):
            points = _parted([path.vertices for path in artist.get_paths()])
            options |= _filled(artist.get_facecolor())
        elif isinstance(artist, Polygon | Rectangle):
            path = artist.get_path().to_polygons(artist.get_patch_transform())
            points = _parted(path)
            options |= _filled([artist.get_facecolor()])
        elif type(artist).__name__.startswith(("Spine", "XAxis", "YAxis", "Text", "Legend")):
            continue
        else:
            what = type(artist).__name__
            raise ValueError(f"This figure has a {what}, which plotly is not given. {REMEDY}")
        if not len(points):
            continue
        x, y = _places(axis, artist, points).T
        label = str(artist.get_label())
        told = bool(label) and not label.startswith("_")
        options |= {"name": label if told else "", "legendgroup": label if told else None}
        options["showlegend"] = told and label not in named
        named |= {label} if told else set()
        shown.add_trace(
            objects.Scatter(
                x=_times(axis, x), y=y, xaxis=f"x{number}", yaxis=f"y{number}", **options
            )
        )


def _places(axis: Any, artist: Any, points: Any) -> np.ndarray:
    """Points in the terms of the axes, also of what spans them from side to side."""
    transform = artist.get_transform()
    if transform.contains_branch(axis.transData) or hasattr(artist, "get_offsets"):
        return np.asarray(points, float)
    by_x, by_y = transform.contains_branch_seperately(axis.transData)
    found = np.array(points, float)
    for column, inside, limits in ((0, by_x, axis.get_xlim()), (1, by_y, axis.get_ylim())):
        if not inside:  # a share of the axes
            found[:, column] = limits[0] + found[:, column] * (limits[1] - limits[0])
    return found


def _parted(pieces: Any) -> np.ndarray:
    """Pieces one after another, with a gap between any two."""
    gap = np.full((1, 2), np.nan)
    parts = [part for piece in pieces if len(piece) for part in (np.asarray(piece, float), gap)]
    return np.concatenate(parts[:-1]) if parts else np.zeros((0, 2))


def _filled(colors: Any) -> dict[str, Any]:
    color = _css(colors[0]) if len(colors) else "rgba(0,0,0,0)"
    return {"mode": "lines", "fill": "toself", "fillcolor": color, "line": {"width": 0}}


def _css(color: Any, alpha: float | None = None) -> str:
    from matplotlib.colors import to_rgba

    *parts, share = to_rgba(color, alpha)
    return f"rgba({','.join(str(round(255 * part)) for part in parts)},{share:.3g})"


def _times(axis: Any, x: np.ndarray) -> Any:
    """Moments where the axis has dates, in their zone; numbers elsewhere."""
    from matplotlib import dates

    locator = axis.xaxis.get_major_locator()
    if not isinstance(locator, dates.DateLocator):
        return x
    known = np.isfinite(x)
    moments = dates.num2date(np.where(known, x, 0.0), tz=locator.tz)
    return [
        one.replace(tzinfo=None) if there else None
        for one, there in zip(moments, known, strict=True)
    ]


def _axes(figure: Any, number: int, said: list[dict[str, Any]]) -> dict[str, Any]:
    """Where the axes lie, and what is written beside them."""
    from matplotlib import dates, ticker

    axis, name = figure.axes[number], str(number + 1) if number else ""
    box = axis.get_position()
    found: dict[str, Any] = {}
    for which, low, high in (("x", box.x0, box.x1), ("y", box.y0, box.y1)):
        own = getattr(axis, f"{which}axis")
        limits = np.array(getattr(axis, f"get_{which}lim")(), float)
        one: dict[str, Any] = {"domain": [max(low, 0.0), min(high, 1.0)]}
        one["anchor"] = f"{'y' if which == 'x' else 'x'}{name}"
        one["title"] = {"text": own.get_label_text().replace("\n", "<br>")}
        if own.get_scale() == "log":
            one |= {"type": "log", "range": list(np.log10(limits))}
        elif which == "x" and isinstance(own.get_major_locator(), dates.DateLocator):
            one |= {"type": "date", "range": _times(axis, limits)}
        else:
            one["range"] = list(limits)
        written = not isinstance(own.get_major_formatter(), ticker.ScalarFormatter)
        if written and isinstance(own.get_major_locator(), ticker.FixedLocator):
            labels = [label.get_text() for label in own.get_ticklabels()]
            one |= {"tickvals": list(own.get_ticklocs()), "ticktext": labels}
        side = "bottom" if which == "x" else "left"
        one["showticklabels"] = bool(own.get_tick_params().get(f"label{side}", True))
        shared = getattr(axis, f"get_shared_{which}_axes")()
        others = enumerate(figure.axes[:number])
        first = next((n for n, other in others if shared.joined(axis, other)), number)
        if first < number:
            one["matches"] = f"{which}{first + 1 if first else ''}"
        found[f"{which}axis{name}"] = one
    for side in ("left", "center", "right"):
        if text := axis.get_title(loc=side):
            at = {"left": box.x0, "center": (box.x0 + box.x1) / 2, "right": box.x1}[side]
            place = {"x": at, "y": box.y1, "xanchor": side, "yanchor": "bottom"}
            said.append({"text": f"<b>{text}</b>", "xref": "paper", "yref": "paper",
                         "showarrow": False, **place})  # fmt: skip
    return found
