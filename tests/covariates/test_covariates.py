"""Covariates against a slow lookup, moment by moment; the calendar against the wall clock."""

import itertools
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import jax
import numpy as np
import pandas as pd
import pytest

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.data.panel import EventPanel

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
WEATHER = pd.DataFrame(
    {
        "from": [3.0, 0.0, 1.5],
        "to": [4.5, 1.5, 3.0],
        "rain": [0.5, 2.0, 0.0],
        "sky": ["grey", "blue", "grey"],
        "strike": [True, False, False],
    }
)
EVENTS = pd.DataFrame(
    {
        "from": ["2024-03-30T20:00", "2024-03-31T01:00", "2024-03-31T01:30", "2024-03-29T00:00"],
        "to": ["2024-03-30T22:15", "2024-03-31T03:30", "2024-03-31T12:00", "2024-03-30T01:00"],
        "what": ["match", "protest", "protest", "match"],
    }
)


HOURS = pd.DataFrame({"t": np.arange(24.0), "rain": np.arange(24) % 3})


class Filled(dict):
    """Holidays as the package of that name has them: filled when a day is asked for."""

    def __init__(self, years=(), expand=True):
        super().__init__()
        self.years, self.expand = set(years), expand

    def __contains__(self, day):
        if self.expand:
            self.years.add(day.year)
        return day.year in self.years and (day.month, day.day) in {(1, 1), (3, 29), (4, 1)}


def weather(**args):
    return Covariates.from_dataframe(WEATHER, start="from", end="to", **args)


def calendar(window=("2024-03-29", "2024-04-02"), **args):
    return Covariates.calendar(window, **{"unit": "day", "timezone": "Europe/Madrid"} | args)


def events(**args):
    window = ("2024-03-29", "2024-04-02")
    more = {"unit": "day", "timezone": "Europe/Madrid", "window": window, "kind": "what"}
    return Covariates.intervals(EVENTS, start="from", end="to", **more | args)


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


def moments(covariates, size=200):
    low, high = covariates.window
    inside = np.random.default_rng(0).uniform(low, high, size)
    return np.concatenate([inside, covariates.edges])


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


def test_holidays_are_filled_when_they_are_asked():
    window = ("2023-12-31", "2025-01-02")
    found = calendar(window, holidays=Filled(), features=["weekend"])
    days = ["2024-01-01", "2024-03-29", "2024-04-01", "2025-01-01"]
    listed = calendar(window, holidays=days, features=["weekend"])
    assert found.durations @ found.values[:, -1] == pytest.approx(4, abs=1 / 24)
    np.testing.assert_array_equal(found.values, listed.values)
    np.testing.assert_array_equal(found.edges, listed.edges)


def wall_clock(start, end, zone, step=timedelta(minutes=5)):
    """UTC moments on a grid, and what a clock on the wall shows then."""
    zone, utc = ZoneInfo(zone), ZoneInfo("UTC")
    now, stop = start.replace(tzinfo=zone).astimezone(utc), end.replace(tzinfo=zone).astimezone(utc)
    while now < stop:
        yield now, now.astimezone(zone)
        now += step


# Zones that change at 2 and 3 at night, by half an hour, at midnight, and a minute after it.
ZONES = {
    "Europe/Madrid": [(2024, 3, 29), (2024, 10, 25)],
    "America/New_York": [(2024, 3, 8), (2024, 11, 1)],
    "Australia/Lord_Howe": [(2024, 4, 5), (2024, 10, 4)],
    "America/Havana": [(2024, 3, 8), (2024, 11, 1)],
    "America/St_Johns": [(2010, 3, 12), (2010, 11, 5)],
    "Asia/Kathmandu": [(2024, 2, 27)],
}


@pytest.mark.parametrize("zone", ZONES)
def test_calendar_is_the_wall_clock(zone):
    for date in ZONES[zone]:
        start, end = datetime(*date), datetime(*date) + timedelta(days=4)
        holiday = (start + timedelta(days=2)).date()
        covariates = Covariates.calendar(
            (start, end),
            unit="hour",
            timezone=zone,
            coding="numeric",
            features=["day", "hour", "month", "halfday", "weekend"],
            holidays=[holiday],
        )
        times, shown = zip(*wall_clock(start, end, zone), strict=True)
        wanted = [
            [
                1,
                local.weekday(),
                local.hour,
                local.month,
                local.hour < 12,
                local.weekday() >= 5,
                local.date() == holiday,
            ]
            for local in shown
        ]
        np.testing.assert_array_equal(covariates.at(list(times)), np.array(wanted, float))
        hot = Covariates.calendar((start, end), unit="hour", timezone=zone)
        values = dict(zip(hot.feature_names, hot.at(list(times)).T, strict=True))
        for name, value in values.items():
            feature, _, level = name.partition("=")
            if feature == "day":
                assert value.tolist() == [f"{local:%A}" == level for local in shown]
            elif feature == "hour":
                assert value.tolist() == [str(local.hour) == level for local in shown]
        assert len(values) == 1 + 6 + 23


@pytest.mark.parametrize(
    ("window", "hours"),
    [
        (("2024-03-31", "2024-04-01"), {"hour=1": 1, "hour=2": 0, "hour=3": 1, "intercept": 23}),
        (("2024-10-27", "2024-10-28"), {"hour=1": 1, "hour=2": 2, "hour=3": 1, "intercept": 25}),
    ],
)
def test_days_of_23_and_25_hours(window, hours):
    covariates = calendar(window, unit="hour", features=["hour"])
    totals = dict(
        zip(covariates.feature_names, covariates.durations @ covariates.values, strict=True)
    )
    assert {name: totals[name] for name in hours} == hours


def test_windows_in_other_words():
    first = calendar(("2024-10-26", "2024-10-29"), unit="hour")
    utc = calendar(("2024-10-25T22:00Z", "2024-10-28T23:00Z"), unit="hour")
    numbers = calendar((0, 73), origin="2024-10-26T00:00:00+02:00", unit="hour")
    local = calendar((0, 73), origin="2024-10-26", unit="hour")
    for other in (utc, numbers, local):
        np.testing.assert_array_equal(other.edges, first.edges)
        np.testing.assert_array_equal(other.values, first.values)
        assert other.origin == first.origin == "2024-10-26T00:00:00+02:00"
    naive = Covariates.calendar(("2024-10-26", "2024-10-29"), unit="hour", features=["hour"])
    assert naive.origin == "2024-10-26T00:00:00" and (naive.durations == 1).all()
    later = calendar((24.5, 73), origin="2024-10-26", unit="hour")
    assert later.window == (24.5, 73)
    np.testing.assert_array_equal(later.at(moments(later)), first.at(moments(later)))


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


def test_events_on_an_edge_belong_to_the_cell_that_begins():
    """Dates reach times and edges by two roundings; in days, an hour is not exact."""
    hours = pd.date_range("2024-03-01T05:00Z", periods=2000, freq="h")
    for start in ("2024-03-01T05:00Z", "2024-02-01T00:07Z"):
        covariates = Covariates.calendar(
            (start, "2024-06-01T00:00Z"), unit="day", features=["hour"], coding="numeric"
        )
        frame = pd.DataFrame({"t": hours, "s": np.arange(len(hours)) % 3})
        windows = {str(i): (hours[i], hours[-1]) for i in range(3)}
        panel = EventPanel.from_dataframe(frame, time="t", sequence="s", unit="day", window=windows)
        absolute = panel.start[panel.sequence] + panel.times
        shown = panel.to_dataframe()["time"].dt.hour
        np.testing.assert_array_equal(covariates.aligned(panel).at(absolute)[:, 1], shown)


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


def table(**columns):
    args = {"start": "from", "end": "to"} | columns.pop("args", {})
    return lambda: Covariates.from_dataframe(WEATHER.assign(**columns), **args)


def spells(**columns):
    args = {"start": "from", "end": "to", "kind": "what", "unit": "day"} | columns.pop("args", {})
    args = {"window": ("2024-03-29", "2024-04-02")} | args
    return lambda: Covariates.intervals(EVENTS.assign(**columns), **args)


REFUSED = {
    "a gap": (table(to=[4.5, 1.5, 2.5]), "'from'|a gap|row 0 (from 3)|every time"),
    "an overlap": (table(to=[4.5, 1.7, 3.0]), "'from'|an overlap|row 2 (from 1.5)|intervals()"),
    "reversed": (table(to=[2.5, 1.5, 3.0]), "'to'|at or before its start|row 0 (3 to 2.5)"),
    "no length": (table(to=[3.0, 1.5, 3.0]), "'to'|row 0 (3 to 3)"),
    "NaN": (table(rain=[1, np.nan, 0]), "'rain'|missing|row 1|every time"),
    "infinite": (table(rain=[1, 0, np.inf]), "'rain'|finite|row 2 (inf)"),
    "a missing level": (table(sky=["a", None, "b"]), "'sky'|missing|row 1"),
    "one level": (table(sky=["a", "a", "a"]), "'sky'|one level 'a'"),
    "dates as features": (table(sky=pd.to_datetime(["2024-01-01"] * 3)), "'sky'|no feature"),
    "an unknown reference": (table(args={"reference": {"sky": "red"}}), "'sky'|'red'|'blue'"),
    "a reference of numbers": (table(args={"reference": {"rain": 0}}), "'rain'|numbers"),
    "a reference of nothing": (table(args={"reference": {"snow": 0}}), "'snow'"),
    "an unknown feature": (table(args={"features": ["snow"]}), "'snow'|The columns are"),
    "features as text": (table(args={"features": "rain"}), "'rain'|list"),
    "a feature twice": (table(args={"features": ["rain", "rain"]}), "same name: 'rain'"),
    "no features": (table(args={"features": [], "intercept": False}), "no features"),
    "no time": (table(args={"start": None}), "start=|time=|until="),
    "no column": (table(args={"start": "begin"}), "start='begin'"),
    "both forms": (table(args={"time": "from"}), "start=|time="),
    "a step twice": (
        table(args={"start": None, "end": None, "time": "strike", "until": 3}),
        "'strike'|boolean",
    ),
    "the same step": (
        lambda: Covariates.from_dataframe(pd.DataFrame({"t": [0, 1, 0]}), time="t", until=3),
        "'t'|row 2|another row",
    ),
    "until too early": (
        table(args={"start": None, "end": None, "time": "from", "until": 3}),
        "until=3|not after the last row, 3",
    ),
    "empty": (
        lambda: Covariates.from_dataframe(WEATHER[:0], start="from", end="to"),
        "empty|a row for every stretch",
    ),
    "not a table": (lambda: Covariates.from_dataframe([1], start="a", end="b"), "DataFrame|list"),
    "no unit": (spells(args={"unit": None}), "'from'|unit="),
    "an aware window": (
        spells(args={"window": ("2024-03-29Z", "2024-04-02Z")}),
        "'window'",
    ),
    "aware ends": (
        spells(to=[*EVENTS["to"] + "Z"]),
        "'to' has a time zone, 'from' has none|timezone=",
    ),
    "skipped by summer time": (
        spells(to=["2024-03-31T02:30", *EVENTS["to"][1:]], args={"timezone": "Europe/Madrid"}),
        "'to'|does not exist|row 0",
    ),
    "dates and numbers": (spells(to=[1, 2, 3, 4]), "'from' holds datetimes, 'to' numbers"),
    "no window": (spells(args={"window": None}), "window=None|pair"),
    "an unknown kind": (spells(args={"kinds": ["protest"]}), "'what'|'match'"),
    "a missing kind": (spells(what=["a", None, "b", "c"]), "'what'|row 1"),
    "no kinds": (
        lambda: Covariates.intervals(
            EVENTS[:0], start="from", end="to", kind="what", window=(0, 1)
        ),
        "kinds=",
    ),
    "an unknown part of the calendar": (lambda: calendar(features=["minute"]), "'minute'|'day'"),
    "a sum of others": (lambda: calendar(features=["day", "weekend"]), "'weekend'|'day'"),
    "half of the hours": (lambda: calendar(features=["halfday", "hour"]), "'halfday'|'hour'"),
    "a coding": (lambda: calendar(coding="sines"), "'sines'|'onehot', 'numeric'"),
    "a day": (lambda: calendar(reference={"day": "Caturday"}), "'Caturday'|'Monday'"),
    "a reference without levels": (lambda: calendar(reference={"month": "May"}), "'month'"),
    "a window of numbers": (lambda: calendar((0, 1)), "origin="),
    "an origin of numbers": (lambda: calendar((0, 1), origin=5), "origin=5|no datetime"),
    "a window that ends early": (lambda: calendar(("2024-01-02", "2024-01-01")), "start < end"),
    "a window of three": (lambda: calendar((0, 1, 2)), "pair (start, end)"),
    "a word": (lambda: calendar("2024"), "'2024'|pair"),
    "no such zone": (lambda: calendar(timezone="Mars/City"), "'Mars/City'"),
    "times of day as holidays": (lambda: calendar(holidays=["2024-01-01T12:00"]), "holidays|12:00"),
    "holidays of another year": (
        lambda: calendar(holidays=["2025-03-29", "2025-04-01"]),
        "2025-03-29 to 2025-04-01|none lies in it",
    ),
    "no holidays": (lambda: calendar(holidays=[]), "hold no date"),
    "holidays that are never filled": (
        lambda: calendar(holidays=Filled(years={2023}, expand=False)),
        "know nothing of '2024'|years=",
    ),
    "a hole": (
        lambda: Covariates.from_dataframe(HOURS.drop([7, 8]), time="t", until=24.0),
        "'t'|hold over a hole|row 6 (from 6)|start= and end=",
    ),
    "numbers as holidays": (lambda: calendar(holidays=[20240101]), "holidays|no date"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, words = REFUSED[case]
    with pytest.raises(ValueError) as error:
        call()
    for word in words.split("|"):
        assert word in str(error.value), f"{word!r} is not in: {error.value}"
