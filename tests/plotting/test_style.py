"""Colours that all eyes tell apart, the user's own style, and figures that show themselves."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import hawkesjax as hj
from hawkesjax.plotting import style
from hawkesjax.plotting.clock import TimeAxis
from hawkesjax.plotting.picture import Picture

# What is seen without the green and without the red receptor, in linear RGB: Machado, Oliveira and
# Fernandes (2009), IEEE Trans. Vis. Comput. Graph. 15, 1291-1298, severity 1.
EYES = {
    "all receptors": np.eye(3),
    "no green receptor": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no red receptor": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colours, eyes):
    """CIE L*a*b* of sRGB colours as these eyes see them."""
    rgb = np.array([to_rgb(one) for one in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(eyes).T, 0, 1) @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(seen > (6 / 29) ** 3, np.cbrt(seen), seen * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


@pytest.mark.parametrize("palette", [style.COLOURS, style.ON_DARK], ids=["white", "dark"])
@pytest.mark.parametrize("eyes", EYES)
def test_colours_differ_to_all_eyes_and_in_grey(palette, eyes):
    seen = lab(palette, EYES[eyes])
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) >= 20
    lightness = np.sort(lab(palette, EYES["all receptors"])[:, 0])
    assert np.diff(lightness).min() >= 10


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(0)
    times = pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(
        np.sort(rng.uniform(0, 20, 60)), unit="D"
    )
    frame = pd.DataFrame({"when": times, "kind": rng.choice(["a", "b"], 60)})
    window = ("2024-03-01T00:00Z", "2024-03-21T00:00Z")
    return hj.EventPanel.from_dataframe(frame, time="when", mark="kind", window=window, unit="day")


PARAMS = {"mu": [[1.0, 1.0]], "alpha": [[0.3, 0.1], [0.2, 0.3]], "gamma": 2.0}
MODEL = hj.Hawkes(decay="shared")


def intensity(panel, **options):
    return hj.plots.intensity(PARAMS, panel, model=MODEL, **options)


def test_a_figure_shows_itself_and_leaves_nothing_open(panel):
    before = plt.get_fignums()  # other tests may have some open
    figure = intensity(panel)
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG") and size["width"] == round(7 * figure.dpi)
    assert plt.get_fignums() == before


def test_axes_of_the_user_are_drawn_into(panel):
    figure, axes = plt.subplots(1, 2)
    found = intensity(panel, ax=axes[0])
    plt.close(figure)
    assert found is figure and axes[0].lines and axes[0].get_legend() and not axes[1].lines
    with pytest.raises(ValueError, match="ax is of type int"):
        intensity(panel, ax=3)
    with pytest.raises(ValueError, match="choose one of its sequences"):
        several = hj.EventPanel.from_arrays([1.0, 2.0], [0, 0], sequence=["u", "v"], window=(0, 3))
        params = {"mu": [1.0], "alpha": [[0.3]], "gamma": 1.0}
        hj.plots.intensity(params, several, sequences=[0, 1], ax=axes[0],
                           model=hj.Hawkes(decay="shared", baseline="shared"))  # fmt: skip


def test_the_users_style_is_kept(panel):
    with plt.style.context("dark_background"):
        figure = intensity(panel)
        assert style.grey(0.0) == (1, 1, 1) and style.grey(1.0) == (0, 0, 0)
        own = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    axis = figure.axes[0]
    assert axis.get_facecolor()[:3] == (0, 0, 0)
    assert to_rgb(axis.lines[0].get_color()) == to_rgb(own[0])
    with mpl.rc_context({"axes.facecolor": "0.1", "font.size": 14, "axes.spines.top": True}):
        assert intensity(panel).axes[0].lines[0].get_color() == style.ON_DARK[0]
        with style.canvas(1):
            assert mpl.rcParams["font.size"] == 14
            assert not mpl.rcParams["axes.spines.right"]
    assert intensity(panel).axes[0].lines[0].get_color() == style.COLOURS[0]


def test_dates_stand_on_the_axis_where_the_panel_has_them(panel):
    figure = intensity(panel)
    figure.canvas.draw()
    axis = figure.axes[0]
    assert axis.get_xlabel() == "time (UTC)"
    days = mpl.dates.num2date(axis.get_xlim())
    assert [day.strftime("%Y-%m-%d") for day in days] == ["2024-03-01", "2024-03-21"]
    assert TimeAxis("day").label() == "time (days)"
    assert isinstance(figure, Picture)


def test_many_events_are_drawn_as_means():
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 100, 3000))
    panel = hj.EventPanel.from_arrays(times, np.zeros(3000, int), window=(0, 100), unit="hour")
    params = {"mu": [[5.0]], "alpha": [[0.6]], "gamma": 40.0}
    figure = hj.plots.intensity(params, panel, model=MODEL, points=200)
    (line, _) = figure.axes[0].lines
    mean = line.get_ydata()[:-1]
    assert "means over 0.5 hours" in figure.axes[0].get_xlabel()
    # All that is expected in the window is in the picture: mu T + alpha N, less what is to come.
    owed = 0.6 * np.exp(-40 * (100 - times)).sum()
    assert mean.sum() * 0.5 == pytest.approx(5 * 100 + 0.6 * 3000 - owed)
