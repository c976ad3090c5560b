"""The calendar against the wall clock."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.data.panel import EventPanel
from tests.covariates.examples import Filled, calendar, moments


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


def test_holidays_of_a_country_and_of_a_part_of_it():
    window = ("2024-01-01", "2025-01-01")
    spain = calendar(window, holidays="ES", features=["weekend"])
    days = spain.durations @ spain.values[:, -1]
    assert days == pytest.approx(9)  # what the package holidays has of all of Spain in 2024
    madrid = calendar(window, holidays="ES-MD", features=["weekend"])
    assert madrid.durations @ madrid.values[:, -1] > days


def test_harmonics_of_the_hour_and_of_the_week():
    week = ("2024-03-04", "2024-03-11")  # from a Monday on
    found = calendar(week, features=["weekend", "hour:2", "day:1"])
    names = ("sin 1/hour", "cos 1/hour", "sin 2/hour", "cos 2/hour", "sin 1/day", "cos 1/day")
    assert found.feature_names[2:] == names and found.num_cells == 168
    hour = np.arange(168) + 0.5
    angles = 2 * np.pi * np.stack([hour / 24, hour / 12, hour / 168])
    want = np.stack([np.sin(angles), np.cos(angles)], axis=1).reshape(6, 168).T
    np.testing.assert_allclose(found.values[:, 2:], want, atol=1e-12)
