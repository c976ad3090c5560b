"""The command line on posts and reposts, as a subprocess."""

import json

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.test_hawkes import run

SMALL = ["--draws", 20, "--no-pictures"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A table of twelve days of tweets in local time, and a table of events."""
    folder = tmp_path_factory.mktemp("retweet")
    zone = "Europe/Madrid"
    start = pd.Timestamp("2024-05-01", tz=zone)
    window = (start, start + pd.Timedelta(days=12))
    whole = hj.Covariates.calendar(window, unit="hour", timezone=zone, features=["halfday"])
    truth = {"beta": [-0.3, -0.5], "tau": 20.0, "r0": 0.1, "phi0": 3.0}
    data = hj.simulate(
        hj.RetweetHawkes(), truth | {"p0_mean": 1e-3, "p0_shape": 2.0}, key=jax.random.key(0),
        covariates=whole, followers=[0, 20, 100, 300], post_followers=[500, 4000],
    )  # fmt: skip
    table = data.to_dataframe()
    table.to_csv(folder / "tweets.csv", index=False)
    broken = table.assign(followers=table["followers"].where(table.index != 3))
    broken.to_csv(folder / "broken.csv", index=False)
    pd.DataFrame(
        {"start": ["2024-05-03 10:00"], "end": ["2024-05-03 20:00"], "kind": ["protest"]}
    ).to_csv(folder / "events.csv", index=False)
    return folder


def test_fit_sample_forecast_evaluate(work):
    common = ["--unit", "hour", "--timezone", "Europe/Madrid", "--window", "2024-05-01",
              "2024-05-13", "--feature", "halfday"]  # fmt: skip
    events = ["--events", "events.csv"]
    lines = [
        ["retweet", "fit", "tweets.csv", *common, *events, "--out", "fit", "--csv", "tables"],
        ["retweet", "sample", "tweets.csv", *common, "--chains", 1, "--warmup", 60, "--draws", 40,
         "--out", "sample", "--no-pictures"],
        ["retweet", "forecast", "tweets.csv", "--ahead", 48, *common, "--posterior",
         "sample/posterior.nc", "--draws", 20, "--out", "forecast"],
        ["retweet", "evaluate", "tweets.csv", *common, "--first", "10D", "--step", "2D",
         "--scored", "2D", *SMALL, "--out", "evaluate"],
        ["retweet", "fit", "tweets.csv", *common, "--out", "fit"],
        ["retweet", "fit", "broken.csv", *common, "--out", "broken"],
        ["retweet", "fit", "tweets.csv", "--id", "tweet", "--out", "other"],
        ["retweet", "forecast", "tweets.csv", "--ahead", -1, *common, "--out", "negative"],
    ]  # fmt: skip
    results = run(lines, work)
    for code, out, err in results[:4]:
        assert code == 0, (out, err)
    assert "Converged" in results[0][1] and "protest" in results[0][1]
    estimate = json.loads((work / "fit" / "estimate.json").read_text())
    assert estimate["model"]["model"] == "retweet" and len(estimate["params"]["beta"]) == 3
    assert (work / "fit" / "infectivity.png").exists()
    drivers = pd.read_csv(work / "tables" / "drivers.csv", index_col=0)
    np.testing.assert_allclose(np.log(drivers["mean"]), estimate["params"]["beta"])
    hours = pd.read_csv(work / "forecast" / "forecast.csv")
    assert len(hours) == 48 and hours["start"][0].startswith("2024-05-13 00:00")
    assert (work / "forecast" / "forecast.png").exists()
    sizes = pd.read_csv(work / "forecast" / "sizes.csv")
    assert np.all(sizes["upper"] >= sizes["seen"])
    scores = pd.read_csv(work / "evaluate" / "scores.csv", index_col=0)
    assert {"RetweetHawkes", "log-linear reposts", "Poisson regression"} <= set(scores.index)
    for (code, _, err), said in zip(
        results[4:], ["--force", "missing number of followers", "no column", ""], strict=True
    ):
        assert code == 2 and said in err, err
        assert err.count("\n") >= 1 and "Traceback" not in err
