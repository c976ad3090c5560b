"""Interactive figures hold what the others draw."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import hawkesjax as hj

MODEL = hj.Hawkes(decay="shared")
PARAMS = {"mu": [[1.0, 1.0]], "alpha": [[0.3, 0.1], [0.2, 0.3]], "gamma": 2.0}


@pytest.fixture(scope="module")
def panel() -> hj.EventPanel:
    times = pd.Timestamp("2024-03-29", tz="Europe/Madrid") + pd.to_timedelta(
        np.linspace(1, 90, 30), unit="h"
    )
    frame = pd.DataFrame({"when": times, "kind": ["a", "b", "b"] * 10})
    return hj.EventPanel.from_dataframe(
        frame, time="when", mark="kind", unit="day", window=("2024-03-29", "2024-04-02"),
        timezone="Europe/Madrid",
    )  # fmt: skip


def test_lines_events_and_dates_are_those_of_the_figure(panel: hj.EventPanel) -> None:
    figure = hj.plots.intensity(PARAMS, panel, model=MODEL)
    shown = hj.plots.interactive(figure)
    axis = figure.axes[0]
    for line in axis.get_lines()[:2]:
        (trace,) = [one for one in shown.data if one.name == line.get_label()]
        np.testing.assert_array_equal(trace.y, line.get_ydata())
        assert trace.showlegend and trace.mode == "lines"
    ticks = [one for one in shown.data if one.mode == "lines" and not one.name and len(one.x) > 2]
    found = [moment for one in ticks for moment in one.x[::3]]
    wanted = panel.to_dataframe().iloc[:, -1]
    assert len(found) == panel.num_events == len(wanted)
    zoned = pd.Timestamp("2024-03-29T01:00")
    assert abs(pd.Timestamp(min(found)) - zoned) < pd.Timedelta("1ms")
    assert pd.Timestamp(shown.layout.xaxis.range[0]) == pd.Timestamp("2024-03-29T00:00")
    assert shown.layout.xaxis.type == "date"


def test_bands_points_steps_names_and_logarithms() -> None:
    ahead = hj.forecast(MODEL, PARAMS, hj.EventPanel.from_arrays([1.0], ["a"], window=(0, 9),
                        mark_names=["a", "b"]), horizon=4, bins=4, key=0, draws=20)  # fmt: skip
    figure = hj.plots.fan(ahead)
    shown = hj.plots.interactive(figure)
    bands = [one for one in shown.data if one.fill == "toself"]
    assert len(bands) == 4 and [one.showlegend for one in bands] == [True, True, False, False]
    for band, drawn in zip(bands[:2], figure.axes[0].collections, strict=True):
        np.testing.assert_array_equal(np.c_[band.x, band.y], drawn.get_paths()[0].vertices)
    assert shown.layout.xaxis2.range[1] == 4 and not shown.layout.xaxis.showticklabels

    plain = Figure()
    axis = plain.subplots()
    axis.step([1, 10], [1, 100], where="post", label="steps")
    axis.axhline(5, color="red")
    axis.axvspan(2, 3)
    axis.scatter([2.0], [20.0])
    axis.set_xlim(1, 10)
    axis.set_yscale("log")
    axis.set_xticks([1, 10], ["one", "ten"])
    shown = hj.plots.interactive(plain)
    assert shown.layout.yaxis.type == "log"
    np.testing.assert_allclose(shown.layout.yaxis.range, np.log10(axis.get_ylim()))
    assert list(shown.layout.xaxis.ticktext) == ["one", "ten"]
    traces: list[Any] = list(shown.data)
    assert [one.line.shape for one in traces if one.name == "steps"] == ["hv"]
    (across,) = [one for one in traces if one.mode == "lines" and list(one.y) == [5, 5]]
    assert list(across.x) == [1, 10]
    (span,) = [one for one in traces if one.fill == "toself"]
    assert set(span.x) == {2, 3} and max(span.y) == axis.get_ylim()[1]
    assert [list(one.x) for one in traces if one.mode == "markers"] == [[2.0]]


def test_what_cannot_be_shown_is_said(panel: hj.EventPanel, monkeypatch: Any) -> None:
    with pytest.raises(ValueError, match=r"must be what a function of hj\.plots returned"):
        hj.plots.interactive("figure.png")
    arrows = Figure()
    arrows.subplots().annotate("x", (0, 0), (1, 1), arrowprops={"arrowstyle": "->"})
    circles = Figure()
    circles.subplots(subplot_kw={"projection": "polar"})
    for figure, words in ((arrows, "has a"), (circles, "has circles")):
        with pytest.raises(ValueError, match=words):
            hj.plots.interactive(figure)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ImportError, match=r"pip install 'hawkesjax\[interactive\]'"):
        hj.plots.interactive(hj.plots.intensity(PARAMS, panel, model=MODEL))
