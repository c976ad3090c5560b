"""Covariates against a slow lookup, moment by moment."""

import itertools
import re

import jax
import numpy as np
import pandas as pd
import pytest

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.data.panel import EventPanel
from tests.covariates.examples import (
    WEATHER,
    calendar,
    events,
    moments,
    weather,
)

CASES = {
    "numbers": weather,
    "one cell": lambda: weather().between(0.2, 1.2),
    "calendar": calendar,
    "numeric": lambda: calendar(coding="numeric", features=["day", "halfday", "month"]),
    "intervals": events,
    "joined": lambda: calendar().join(events()),
    "seconds": lambda: calendar(unit="second"),
    "numbers since an origin": lambda: calendar(
        (1 / 3, 4.7), origin="2024-10-25T00:00+02:00", features=["hour"]
    ),
}


@pytest.fixture(params=CASES, scope="module")
def covariates(request):
    return CASES[request.param]()


def slow_lookup(covariates, time):
    """The row whose cell holds the time, by looking at every cell."""
    found = None
    for cell in range(covariates.num_cells):
        low, high = covariates.edges[cell], covariates.edges[cell + 1]
        if low <= time < high or (cell == covariates.num_cells - 1 and time == high):
            assert found is None
            found = covariates.values[cell]
    assert found is not None
    return found


def test_lookup(covariates):
    times = moments(covariates)
    slow = [slow_lookup(covariates, time) for time in times]
    np.testing.assert_array_equal(covariates.at(times), slow)
    np.testing.assert_array_equal(covariates.at(pd.Series(times)), slow)


def test_cells_cover_the_window(covariates):
    assert (covariates.durations > 0).all()
    low, high = covariates.window
    assert covariates.durations.sum() == pytest.approx(high - low)
    grid = np.linspace(low, high, 20001)
    middles = (grid[1:] + grid[:-1]) / 2
    integral = covariates.at(middles).sum(axis=0) * (high - low) / 20000
    exact = covariates.durations @ covariates.values
    size = np.abs(covariates.values).max() * (high - low)
    np.testing.assert_allclose(integral, exact, atol=size * covariates.num_cells / 20000)
    means = covariates.describe()["mean"] * (high - low)
    np.testing.assert_allclose(means, exact, rtol=1e-12, atol=1e-12)


def test_between(covariates):
    low, high = covariates.window
    middle = covariates.edges[covariates.num_cells // 2]
    for a, b in ((low, high), (low, 0.3 * low + 0.7 * high), (0.9 * low + 0.1 * high, middle)):
        if a < b:
            piece = covariates.between(a, b)
            assert piece.window == (a, b) and (piece.durations > 0).all()
            times = np.random.default_rng(1).uniform(a, b, 100)
            np.testing.assert_array_equal(piece.at(times), covariates.at(times))
    halves = covariates.between(low, (low + high) / 2), covariates.between((low + high) / 2, high)
    total = sum(half.durations @ half.values for half in halves)
    np.testing.assert_allclose(total, covariates.durations @ covariates.values, rtol=1e-12)
    with pytest.raises(ValueError, match=r"reach from .* to .*, but are needed from"):
        covariates.between(low, high + 0.01 * (high - low))
    with pytest.raises(ValueError, match="first must be less"):
        covariates.between(high, low)


def test_means_over_bins(covariates):
    low, high = covariates.window
    edges = np.sort(np.r_[low, high, low + (high - low) * np.random.default_rng(0).random(9)])
    means = covariates.averaged(edges)
    for row, (a, b) in enumerate(itertools.pairwise(edges)):
        part = covariates.between(a, b)
        slow = part.durations @ part.values / (b - a)
        np.testing.assert_allclose(means.values[row], slow, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(covariates.averaged(covariates.edges).values, covariates.values)
    with pytest.raises(ValueError, match="ascending"):
        covariates.averaged(edges[::-1])
    with pytest.raises(ValueError, match="longer window"):
        covariates.averaged([low, 2 * high - low])


def test_join(covariates):
    low, high = covariates.window
    other = Covariates(
        np.array([low, 0.77 * low + 0.23 * high, high]),
        np.array([[1.0, 5.0], [1.0, -2.0]]),
        ("intercept", "other"),
        covariates.unit,
        covariates.origin,
    )
    both, times = covariates.join(other), moments(covariates)
    had = "intercept" in covariates.feature_names
    assert both.feature_names.count("intercept") == 1
    assert set(both.feature_names) == {*covariates.feature_names, "intercept", "other"}
    np.testing.assert_array_equal(
        both.at(times)[:, : covariates.num_features], covariates.at(times)
    )
    np.testing.assert_array_equal(
        both.at(times)[:, covariates.num_features :], other.at(times)[:, had:]
    )
    with pytest.raises(ValueError, match="same name"):
        both.join(other)
    with pytest.raises(ValueError, match=r"reach from .* the others from"):
        covariates.join(other.between(low, (low + high) / 2))


def test_select(covariates):
    names = covariates.feature_names[::-1][:2]
    kept, times = covariates.select(names), moments(covariates)
    assert kept.feature_names == names
    np.testing.assert_array_equal(kept.at(times), covariates.at(times)[:, ::-1][:, :2])
    with pytest.raises(ValueError, match="'nothing'"):
        covariates.select(["nothing"])


def test_tree_and_table(covariates):
    leaves, tree = jax.tree.flatten(covariates)
    again = jax.tree.unflatten(tree, leaves)
    assert again.feature_names == covariates.feature_names and again.origin == covariates.origin
    table = covariates.to_dataframe()
    again = Covariates.from_dataframe(
        table,
        start="start",
        end="end",
        intercept=False,
        unit=covariates.unit,
    )
    np.testing.assert_allclose(again.durations, covariates.durations, rtol=1e-9)
    np.testing.assert_array_equal(again.values, covariates.values)
    assert again.feature_names == covariates.feature_names
    text = repr(covariates)
    assert "features" in text and len(text.splitlines()) < 16
    assert "traced" in repr(jax.tree.map(lambda leaf: None, covariates))


def test_table_of_steps_is_table_of_cells():
    cells = weather(features=["rain"])
    steps = Covariates.from_dataframe(WEATHER, time="from", until=4.5, features=["rain"])
    np.testing.assert_array_equal(steps.edges, cells.edges)
    np.testing.assert_array_equal(steps.values, cells.values)
    dated = WEATHER.assign(**{"from": pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-02"])})
    steps = Covariates.from_dataframe(
        dated, time="from", until="2024-01-05", features=["rain"], unit="hour"
    )
    assert steps.edges.tolist() == [0, 24, 48, 96] and steps.origin == "2024-01-01T00:00:00"
    assert steps.at(["2024-01-02T05:00", "2024-01-05"])[:, 1].tolist() == [0, 0.5]


def test_kinds_of_columns():
    covariates = weather()
    assert covariates.feature_names == ("intercept", "rain", "sky=grey", "strike")
    assert covariates.values.tolist() == [[1, 2, 0, 0], [1, 0, 1, 0], [1, 0.5, 1, 1]]
    other = weather(reference={"sky": "grey"}, features=["sky"], intercept=False)
    assert other.feature_names == ("sky=blue",) and other.values[:, 0].tolist() == [1, 0, 0]
    levels = pd.Categorical(WEATHER["sky"], categories=["grey", "black", "blue"])
    frame = WEATHER.assign(sky=levels)
    third = Covariates.from_dataframe(frame, start="from", end="to", features=["sky"])
    assert third.feature_names == ("intercept", "sky=black", "sky=blue")
    assert third.values[:, 1:].tolist() == [[0, 1], [0, 0], [0, 0]]


def test_intervals_are_unions_within_a_kind():
    covariates = events(kinds=["protest", "march", "match"])
    assert covariates.feature_names == ("protest", "march", "match")
    hours = dict(
        zip(covariates.feature_names, 24 * covariates.durations @ covariates.values, strict=True)
    )
    # From 1:00 to 12:00 with an hour skipped; a match that began before the window, and 2:15 h.
    assert hours == pytest.approx({"protest": 10, "march": 0, "match": 25 + 2.25})
    numbers = pd.DataFrame({"a": [1, 2, 9], "b": [3, 4, 12]})
    plain = Covariates.intervals(numbers, start="a", end="b", window=(0, 10))
    assert plain.edges.tolist() == [0, 1, 4, 9, 10]
    assert plain.values.tolist() == [[0], [1], [0], [1]] and plain.feature_names == ("event",)
    empty = Covariates.intervals(numbers[:0], start="a", end="b", window=(0, 10))
    assert empty.values.tolist() == [[0]]
    since = Covariates.intervals(
        numbers, start="a", end="b", window=(0, 10), origin="2024-01-01", unit="hour"
    )
    assert since.at(["2024-01-01T03:30", "2024-01-01T04:00"]).tolist() == [[1], [0]]


def test_alignment():
    panel = EventPanel.from_dataframe(
        pd.DataFrame({"t": ["2024-03-30T12:00Z"]}),
        time="t",
        unit="hour",
        window=("2024-03-30T00:00Z", "2024-03-31T00:00Z"),
    )
    covariates = calendar()
    moved = covariates.aligned(panel)
    assert moved.unit == "hour" and moved.origin == panel.origin
    np.testing.assert_allclose(moved.durations, 24 * covariates.durations, rtol=1e-12)
    times = pd.date_range("2024-03-29T00:00Z", "2024-04-01T20:00Z", freq="17min")
    np.testing.assert_array_equal(moved.at(times), covariates.at(times))
    hours = Covariates(np.array([0.0, 24]), np.ones((1, 1)), ("x",), "hour")
    days = Covariates(np.array([0.0, 1]), np.ones((1, 1)), ("y",), "day")
    assert hours.aligned(days).edges.tolist() == [0, 1]
    assert hours.join(days).edges.tolist() == [0, 24]
    with pytest.raises(ValueError, match="only numbers"):
        covariates.aligned(days)
    with pytest.raises(ValueError, match="time zone, the other none"):
        Covariates.calendar(("2024-01-01", "2024-01-02"), unit="day").aligned(panel)


def test_times_without_covariates():
    with pytest.raises(ValueError, match=re.escape("rows 1 (-1), 2 (nan), 3 (5)")):
        weather().at([0, -1, np.nan, 5])
    with pytest.raises(ValueError, match=r"row 0 \(2024-05-01T00:00:00\+02:00\).*2024-03-29"):
        calendar().at(["2024-05-01T00:00+02:00"])


def test_lagged_features_are_those_of_a_time_before():
    rng = np.random.default_rng(3)
    edges = np.cumsum(rng.uniform(0.2, 2, 30))
    frame = pd.DataFrame({"start": edges[:-1], "end": edges[1:], "rain": rng.normal(size=29)})
    known = Covariates.from_dataframe(frame, start="start", end="end")
    found = known.lagged([1.5, 4.0])
    assert found.feature_names == ("intercept", "rain", "rain lag 1.5", "rain lag 4")
    assert found.window == (edges[0] + 4, edges[-1])
    times = rng.uniform(edges[0] + 4, edges[-1], 200)
    want = [slow_lookup(known, t)[1] for t in np.concatenate([times, times - 1.5, times - 4])]
    np.testing.assert_array_equal(found.at(times)[:, 1:].T.ravel(), want)


def test_interactions_are_products_and_a_category_is_all_its_levels():
    known = Covariates.calendar(
        ("2024-03-01", "2024-03-15"),
        unit="day",
        features=["day", "hour:1"],
        holidays=["2024-03-05"],
    )
    found = known.interacted("day", "holiday")
    days = [name for name in known.feature_names if name.startswith("day=")]
    assert found.feature_names[len(known.feature_names) :] == tuple(f"{d}:holiday" for d in days)
    at = {name: found.values[:, i] for i, name in enumerate(found.feature_names)}
    for day in days:
        np.testing.assert_array_equal(at[f"{day}:holiday"], at[day] * at["holiday"])
    assert at["day=Tuesday:holiday"].max() == 1 and at["day=Friday:holiday"].max() == 0


HOLED = pd.DataFrame(
    {
        "t": [7.0, 0.0, 1.0, 2.0, 5.0, 6.0],  # 3 and 4 are missing, and the rain at 2
        "rain": [6.0, 1.0, 2.0, np.nan, 4.0, 5.0],
        "sky": ["b", "a", "b", "b", "b", "a"],
    }
)
CELLS = pd.DataFrame({"start": HOLED["t"], "end": HOLED["t"] + [2, 1, 1, 1, 1, 1]})


@pytest.mark.parametrize("cells", ["until the next", "start and end"])
def test_declared_holes_hold_or_are_indicated(cells):
    if cells == "start and end":
        frame = pd.concat([CELLS, HOLED.drop(columns="t")], axis=1)
        options = {"start": "start", "end": "end"}
    else:
        frame, options = HOLED, {"time": "t", "until": 9.0}
    with pytest.raises(ValueError, match=r"missing feature"):
        Covariates.from_dataframe(frame, **options)
    with pytest.raises(ValueError, match=r"holes='hold'.*holes='indicate'"):
        Covariates.from_dataframe(frame.dropna(), **options)
    times = np.arange(9) + 0.5
    held = Covariates.from_dataframe(frame, holes="hold", **options)
    assert held.feature_names == ("intercept", "rain", "sky=b")
    assert held.at(times)[:, 1].tolist() == [1, 2, 2, 2, 2, 4, 5, 6, 6]
    assert held.at(times)[:, 2].tolist() == [0, 1, 1, 1, 1, 1, 0, 1, 1]
    told = Covariates.from_dataframe(frame, holes="indicate", **options)
    assert told.feature_names == ("intercept", "rain", "sky=b", "unknown")
    lost, mean = [0, 0, 1, 1, 1, 0, 0, 0, 0], (1 + 2 + 4 + 5 + 6 + 6) / 6
    assert told.at(times)[:, 3].tolist() == lost and told.window == (0, 9)
    want = np.where(lost, mean, [1, 2, 0, 0, 0, 4, 5, 6, 6])
    np.testing.assert_allclose(told.at(times)[:, 1], want)


def test_nothing_before_the_first_hole_cannot_hold():
    frame = pd.DataFrame({"t": [0.0, 1.0, 2.0], "rain": [np.nan, 1.0, 2.0]})
    with pytest.raises(ValueError, match="first row in time are missing"):
        Covariates.from_dataframe(frame, time="t", until=3.0, holes="hold")
    with pytest.raises(ValueError, match="no row in which all features are known"):
        frame = frame.assign(sun=[1.0, np.nan, np.nan])
        Covariates.from_dataframe(frame, time="t", until=3.0, holes="indicate")
