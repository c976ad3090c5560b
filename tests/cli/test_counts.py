"""The command line on counts by the hour, as a subprocess."""

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.driver import names_in, run_named


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Fifty days of counts in UTC, with ten hours left out, and tables that are wrong."""
    folder = tmp_path_factory.mktemp("counts")
    index = pd.date_range("2024-01-01", periods=24 * 50, freq="h", tz="Europe/Madrid")
    rate = 9 + 5 * np.sin(2 * np.pi * (index.hour - 9) / 24)
    hours = index.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    frame = pd.DataFrame({"hour": hours, "posts": np.random.default_rng(0).poisson(rate)})
    frame.drop(index=range(100, 110)).to_csv(folder / "hours.csv", index=False)
    frame.assign(posts=frame["posts"].where(frame.index != 7, -3)).to_csv(
        folder / "negative.csv", index=False
    )
    frame.assign(posts=frame["posts"] + 0.5 * (frame.index == 7)).to_csv(
        folder / "half.csv", index=False
    )
    both = [frame.assign(site=name, posts=frame["posts"] + k) for k, name in enumerate("ab")]
    pd.concat(both).to_csv(folder / "both.csv", index=False)
    pd.DataFrame({"start": ["2024-01-20"], "end": ["2024-01-21"]}).to_csv(
        folder / "gaps.csv", index=False
    )
    return folder


COMMON = ["--time", "hour", "--count", "posts", "--timezone", "Europe/Madrid"]


@pytest.fixture(scope="module")
def results(work):
    """What each command line says."""
    lines = {
        "forecast": ["forecast", "hours.csv", *COMMON, "--gaps", "gaps.csv", "--ahead", "2D",
                     "--holidays", "ES", "--out", "forecast"],
        "evaluate": ["evaluate", "hours.csv", *COMMON, "--feature", "weekend", "--first", "20D",
                     "--step", "15D", "--scored", "5D", "--out", "evaluate", "--no-pictures"],
        "fit": ["fit", "hours.csv", *COMMON, "--feature", "weekend", "--lags", 3, "--out", "fit"],
        "negative": ["forecast", "negative.csv", *COMMON, "--ahead", "2D", "--out", "no"],
        "half": ["forecast", "half.csv", *COMMON, "--ahead", "2D", "--out", "no"],
        "missing": ["evaluate", "hours.csv", *COMMON, "--missing", "error", "--out", "no"],
        "a part": ["forecast", "hours.csv", *COMMON, "--ahead", "90min", "--out", "no"],
        "half-life": ["forecast", "hours.csv", *COMMON, "--ahead", "2D", "--half-life", "0"],
        "no country": ["forecast", "hours.csv", *COMMON, "--ahead", "2D", "--holidays", "XX"],
        "of several": ["fit", "both.csv", *COMMON, "--by", "site", "--series", "b", "--out", "b"],
        "which": ["fit", "both.csv", *COMMON, "--by", "site", "--out", "no"],
        "another": ["fit", "both.csv", *COMMON, "--by", "site", "--series", "c", "--out", "no"],
        "too short": ["evaluate", "hours.csv", *COMMON, "--first", "60D", "--out", "no"],
    }  # fmt: skip
    return run_named({name: ["counts", *line] for name, line in lines.items()}, work)


def test_a_forecast_is_that_of_python(results, work):
    code, out, err = results["forecast"]
    assert code == 0, (out, err)
    assert "34 of them in 2 gaps" in out and "10 bins without a row" in out
    assert names_in(work / "forecast") == {"forecast.csv", "forecast.png"}
    found = pd.read_csv(work / "forecast" / "forecast.csv")
    series = hj.read_counts(
        work / "hours.csv", time="hour", count="posts", timezone="Europe/Madrid",
        gaps=("2024-01-20", "2024-01-21"),
    )  # fmt: skip
    window = (series.index[0], series.edges[-1] + pd.Timedelta("2D"))
    days = hj.Covariates.calendar(
        window, unit="hour", timezone="Europe/Madrid", features=[], holidays="ES"
    )
    past = series.with_covariates(days).past("2D")
    told = hj.forecasters.LocalCalendar()(past).table(past.ahead)
    for column in ("forecast", "mean", "low", "high"):
        np.testing.assert_allclose(found[column], told[column])


def test_an_evaluation_compares(results, work):
    code, out, err = results["evaluate"]
    assert code == 0, (out, err)
    scores = pd.read_csv(work / "evaluate" / "scores.csv")
    names = {"local calendar", "hour-of-week mean", "last value", "Poisson regression"}
    assert names <= set(scores["forecaster"])
    assert {"crps mean", "mae of last value", "mae of hour-of-week mean"} <= set(scores.columns)
    assert "last value loses to the hour-of-week mean" in out
    assert len(pd.read_csv(work / "evaluate" / "folds.csv")) == 2 * len(scores)


def test_a_fit_is_that_of_python(results, work):
    code, out, err = results["fit"]
    assert code == 0 and "dispersion" in out, (out, err)
    found = pd.read_csv(work / "fit" / "parameters.csv", index_col=0)
    series = hj.read_counts(
        work / "hours.csv", time="hour", count="posts", timezone="Europe/Madrid"
    )
    weekend = hj.Covariates.calendar(
        (series.index[0], series.edges[-1]), unit="hour", timezone="Europe/Madrid",
        features=["weekend"],
    )  # fmt: skip
    told = hj.count_regression(series.with_covariates(weekend), lags=3).summary()
    assert list(found.index) == ["intercept", "weekend", "dispersion"]
    np.testing.assert_allclose(found["standard_error"], told["standard_error"], rtol=1e-6)


def test_one_series_of_several(results):
    code, out, err = results["of several"]
    assert code == 0 and "posts of b" in out, (out, err)


SAID = {
    "which": r"'site' names 2 series: 'a', 'b'. Choose one of them, --series",
    "another": r"'site' has no 'c'; it names 2 series: 'a', 'b'",
    "negative": r"'posts': a negative count in line 9 \(-3\)",
    "half": r"'posts': a fractional count in line 9",
    "missing": r"10 bins of 1,200 have no row.*--missing gap.*--missing zero",
    "a part": r"whole number of bins",
    "half-life": r"half-life",
    "no country": r"no such country",
    "too short": r"Shorten --first",
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_wrong_is_said(results, name):
    import re

    code, _, err = results[name]
    assert code == 2 and re.search(SAID[name], " ".join(err.split())), err
