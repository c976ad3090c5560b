"""Clocks and spans: a moment becomes a number and a moment again, in every unit and time zone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hawkesjax.inputs.clock import UNITS, Clock, read_times, stamps, ticks_of
from hawkesjax.inputs.moments import moment, moments
from hawkesjax.inputs.spans import NEAR, aligned, read_clock, read_span, snapped

# Clocks that change by an hour, by half an hour, at midnight, and never; an offset; no zone.
ZONES = [
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kathmandu",
    "+05:30",
    None,
]
SECOND = 10**9
law = settings(derandomize=True, deadline=None, database=None, max_examples=20)
# Before standard time, zones had offsets with seconds, which ISO 8601 cannot say.
ticks = st.integers(ticks_of("1950-01-01"), ticks_of("2200-01-01"))
changes = st.sampled_from(
    [ticks_of(text) for text in ("2024-03-10T07:00", "2024-03-31T01:00", "2024-10-27T01:00",
                                 "2024-11-03T06:00", "2024-04-06T15:00", "2024-03-10T05:00")]
)  # fmt: skip
near_changes = st.builds(
    lambda at, off: at + off, changes, st.integers(-7200, 7200).map(SECOND.__mul__)
)
moments_of_time = st.lists(ticks | near_changes, min_size=1, max_size=8)
units = st.sampled_from(list(UNITS))
every_zone = pytest.mark.parametrize("zone", ZONES)


def panel_of(clock):
    """A panel whose time 0 is the first time of a clock, and its times as numbers."""
    first = clock.values.min()
    panel = SimpleNamespace(unit=clock.unit, origin=clock.show(first), timezone=clock.zone)
    return panel, clock.in_units(clock.values - first)


def at_once(values):
    """Times within a week of the first, whole seconds apart: float64 holds them in any unit."""
    first = values[0]
    return np.array([first + (v % 604800) * SECOND for v in values])


@every_zone
@law
@given(unit=units, values=moments_of_time)
def test_moments_become_numbers_and_moments_again(unit, zone, values):
    values = at_once(values)
    dates = stamps(values, zone)
    clock = read_times(dates, "t", unit)
    assert clock.values.tolist() == values.tolist()
    panel, numbers = panel_of(clock)
    back = moments(panel, numbers)
    assert back.asi8.tolist() == values.tolist() and str(back.tz) == str(dates.tz)
    for date, number in zip(dates, numbers, strict=True):
        assert moment(date, panel, "a") == number


@every_zone
@law
@given(values=moments_of_time)
def test_far_moments_come_back_as_fine_as_float64_held_them(zone, values):
    clock = read_times(stamps(np.array(values), zone), "t", "day")
    panel, numbers = panel_of(clock)
    back = moments(panel, numbers).asi8
    span = np.max(clock.values - clock.values.min())
    assert np.abs(back - clock.values).max() <= max(1, span / 2**53 * 8000)
    assert (np.diff(back[np.argsort(clock.values)]) >= 0).all()


@every_zone
@law
@given(values=moments_of_time)
def test_what_is_shown_is_read_again(zone, values):
    clock = read_times(stamps(np.array(values), zone), "t", "second")
    text = [clock.show(value) for value in clock.values]
    again = read_times(text, "t", "second", zone)
    assert again.values.tolist() == values
    assert [again.show(value) for value in again.values] == text


@every_zone
@law
@given(values=moments_of_time)
def test_local_text_is_read_in_the_zone_or_refused_for_the_change_of_clocks(zone, values):
    dates = stamps(np.array(values), zone)
    for date in dates:
        local = date.tz_localize(None)
        twice = zone is not None and local.tz_localize(zone, ambiguous="NaT") is pd.NaT
        if twice:
            with pytest.raises(ValueError, match=r"occurs twice.*row 0.*offset"):
                read_times([local.isoformat()], "t", "day", zone)
        else:
            assert read_times([local.isoformat()], "t", "day", zone).values == [ticks_of(date)]


@every_zone
@law
@given(value=ticks | near_changes)
def test_midnight_is_the_last_begin_of_a_local_day(zone, value):
    clock = Clock(np.array([value]), "day", True, zone)
    begin = clock.midnight(value)
    (date,), (start,) = stamps(value, zone), stamps(begin, zone)
    assert 0 <= value - begin < 25 * 3600 * SECOND
    assert start.date() == date.date()
    assert stamps(begin - 1, zone)[0].date() < date.date()


@every_zone
@law
@given(values=moments_of_time)
def test_dates_of_every_type_are_midnights(zone, values):
    dates = stamps(np.array(values), zone).tz_localize(None).normalize()
    days = [date.date() for date in dates]
    forms = [dates, days, dates.strftime("%Y-%m-%d"), pd.array(days, dtype="date32[pyarrow]")]
    for form in forms:
        assert read_times(form, "t", "day").values.tolist() == dates.as_unit("ns").asi8.tolist()


@law
@given(
    unit=units, values=st.lists(st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15), min_size=1)
)
def test_numbers_stay_what_they_are(unit, values):
    values = [-1, *values]  # no dates
    clock = read_times(values, "t", unit)
    numbers = clock.in_units(clock.values)
    assert numbers.tolist() == [float(value) for value in values]
    panel = SimpleNamespace(unit=unit, origin=None)
    assert moments(panel, numbers).tolist() == numbers.tolist()
    assert [moment(value, panel, "a") for value in values] == numbers.tolist()


@every_zone
@law
@given(unit=units, first=ticks | near_changes, length=st.integers(1, 10**6))
def test_a_span_in_numbers_since_an_origin_is_the_span_in_dates(unit, zone, first, length):
    window = stamps(np.array([first, first + length * SECOND]), zone)
    dated = read_span(list(window), unit, None, zone)
    assert (dated.clock.values == window.asi8).all() and dated.bounds[0] == 0
    numbers = read_span(dated.bounds, unit, window[0].isoformat(), zone)
    assert numbers.bounds == dated.bounds and numbers.origin == dated.origin
    assert numbers.clock.values.tolist() == dated.clock.values.tolist()
    assert dated.edges(dated.clock.values).tolist() == list(dated.bounds)


@law
@given(
    unit=units, other=units, first=ticks, shift=st.integers(-(10**6), 10**6), values=moments_of_time
)
def test_edges_move_to_another_clock_and_back(unit, other, first, shift, values):
    ours = SimpleNamespace(unit=unit, origin=stamps(first, "Europe/Madrid")[0].isoformat())
    moved = stamps(first + shift * SECOND, "America/Havana")[0].isoformat()
    theirs = SimpleNamespace(unit=other, origin=moved)
    edges = np.unique(at_once(values) - values[0]) / UNITS[unit]
    there = aligned(edges, ours, theirs)
    for edge, number in zip(edges, there, strict=True):
        date = moments(ours, [edge])[0]
        assert moment(date, theirs, "a") == pytest.approx(number, rel=1e-14, abs=1e-14)
    np.testing.assert_array_equal(aligned(there, theirs, ours), edges)


@law
@given(
    edges=st.lists(st.integers(-(10**6), 10**6), min_size=2, unique=True),
    places=st.lists(st.floats(0, 1), max_size=20),
)
def test_only_rounding_is_snapped(edges, places):
    edges = np.sort(np.array(edges, float)) / 24
    times = edges[0] + np.array(places) * (edges[-1] - edges[0])
    found = snapped(times, edges)
    moved = found != times
    assert np.isin(found[moved], edges).all()
    assert (np.abs(found - times) <= NEAR * np.abs(edges).max()).all()
    np.testing.assert_array_equal(snapped(found, edges), found)
    np.testing.assert_array_equal(snapped(np.nextafter(edges, np.inf), edges), edges)


@pytest.mark.parametrize(
    ("origin", "numbers", "words"),
    [
        (5, [1], "not a datetime"),
        ("2024-01-01", [5e9], "out of range"),
        (None, [2**62], "2\\*\\*53"),
    ],
)
def test_numbers_that_are_no_moments(origin, numbers, words):
    with pytest.raises(ValueError, match=words):
        read_clock(numbers, "t", "day", origin)
