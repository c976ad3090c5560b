"""Tables, spells and calendars that are no covariates are refused in words."""

import numpy as np
import pandas as pd
import pytest

from hawkesjax.covariates.covariates import Covariates
from tests.covariates.examples import EVENTS, HOURS, WEATHER, Filled, calendar
from tests.refusals import refused


def table(**columns):
    args = {"start": "from", "end": "to"} | columns.pop("args", {})
    return lambda: Covariates.from_dataframe(WEATHER.assign(**columns), **args)


def spells(**columns):
    args = {"start": "from", "end": "to", "kind": "what", "unit": "day"} | columns.pop("args", {})
    args = {"window": ("2024-03-29", "2024-04-02")} | args
    return lambda: Covariates.intervals(EVENTS.assign(**columns), **args)


REFUSED = {
    "a gap": (table(to=[4.5, 1.5, 2.5]), "'from'|a gap|row 0 (from 3)|holes='indicate'"),
    "an overlap": (table(to=[4.5, 1.7, 3.0]), "'from'|an overlap|row 2 (from 1.5)|intervals()"),
    "reversed": (table(to=[2.5, 1.5, 3.0]), "'to'|at or before its start|row 0 (3 to 2.5)"),
    "no length": (table(to=[3.0, 1.5, 3.0]), "'to'|row 0 (3 to 3)"),
    "NaN": (table(rain=[1, np.nan, 0]), "'rain'|missing|row 1|every time"),
    "infinite": (table(rain=[1, 0, np.inf]), "'rain'|finite|row 2 (inf)"),
    "a missing level": (table(sky=["a", None, "b"]), "'sky'|missing|row 1"),
    "one level": (table(sky=["a", "a", "a"]), "'sky'|only the level 'a'"),
    "dates as features": (table(sky=pd.to_datetime(["2024-01-01"] * 3)), "'sky'|not a feature"),
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
    "an origin of numbers": (lambda: calendar((0, 1), origin=5), "origin=5|not a datetime"),
    "a window that ends early": (lambda: calendar(("2024-01-02", "2024-01-01")), "start < end"),
    "a window of three": (lambda: calendar((0, 1, 2)), "pair (start, end)"),
    "a word": (lambda: calendar("2024"), "'2024'|pair"),
    "no such zone": (lambda: calendar(timezone="Mars/City"), "'Mars/City'"),
    "times of day as holidays": (lambda: calendar(holidays=["2024-01-01T12:00"]), "holidays|12:00"),
    "holidays of another year": (
        lambda: calendar(holidays=["2025-03-29", "2025-04-01"]),
        "2025-03-29 to 2025-04-01|none lies in it",
    ),
    "no such country": (lambda: calendar(holidays="XX"), "holidays='XX'|no such country"),
    "too many harmonics": (lambda: calendar(features=["hour:13"]), "'hour:13'|harmonics"),
    "harmonics beside levels": (
        lambda: calendar(features=["hour", "hour:2"]),
        "'hour:2'|cannot be told apart",
    ),
    "no holidays": (lambda: calendar(holidays=[]), "hold no date"),
    "holidays that are never filled": (
        lambda: calendar(holidays=Filled(years={2023}, expand=False)),
        "have no entries for '2024'|years=",
    ),
    "a hole": (
        lambda: Covariates.from_dataframe(HOURS.drop([7, 8]), time="t", until=24.0),
        "'t'|apply over a hole|row 6 (from 6)|holes='hold'",
    ),
    "numbers as holidays": (lambda: calendar(holidays=[20240101]), "holidays|not a date"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, words = REFUSED[case]
    with refused(words):
        call()
