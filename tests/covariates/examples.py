"""Covariates of a few days, and what they are made from."""

import numpy as np
import pandas as pd

from hawkesjax.covariates.covariates import Covariates

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


def moments(covariates, size=200):
    low, high = covariates.window
    inside = np.random.default_rng(0).uniform(low, high, size)
    return np.concatenate([inside, covariates.edges])
