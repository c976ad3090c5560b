"""The command line on posts and reposts, as a subprocess."""

import json
import re

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.driver import names_in, run_named


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
    posts = pd.DataFrame({"id": list("abcdef"), "time": np.linspace(18.2, 19.6, 6)})
    posts.assign(followers=2000, repost_of="").to_csv(folder / "posts.csv", index=False)
    counts = pd.DataFrame({"time": range(17, 30), "count": 2})
    counts.assign(count=[0, *[2] * 12]).to_csv(folder / "zero.csv", index=False)
    counts[:5].to_csv(folder / "early.csv", index=False)
    later = counts[5:].rename(columns={"time": "start", "count": "mean"})
    later.assign(mean=0.5).to_csv(folder / "late.csv", index=False)
    rng = np.random.default_rng(1)
    rows = [("p0", 0.0, "")] + [
        (f"{n}-{k}" if k else f"p{n}", 2.0 * n + wait, f"p{n}" if k else "")
        for n in range(1, 40)
        for k, wait in enumerate([0.0, *rng.exponential(3.0, rng.poisson(20))])
    ]
    sizes = pd.DataFrame(rows, columns=["id", "time", "repost_of"]).query("time < 80")
    sizes.assign(followers=9).to_csv(folder / "sizes.csv", index=False)
    pd.DataFrame(
        {"start": ["2024-05-03 10:00"], "end": ["2024-05-03 20:00"], "kind": ["protest"]}
    ).to_csv(folder / "events.csv", index=False)
    pd.DataFrame({"start": ["2024-05-03"], "end": ["2024-05-04"]}).to_csv(
        folder / "gaps.csv", index=False
    )
    return folder


@pytest.fixture(scope="module")
def results(work):
    """What each command line says."""
    common = ["tweets.csv", "--unit", "hour", "--timezone", "Europe/Madrid", "--window",
              "2024-05-01", "2024-05-13", "--feature", "halfday"]  # fmt: skip
    lines = {
        "fit": ["fit", *common, "--events", "events.csv", "--out", "fit", "--csv", "tables"],
        "counts": ["fit", "posts.csv", "--unit", "hour", "--window", 17, 30, "--out", "counts",
                   "--no-pictures", "--counts", "early.csv", "--counts", "late.csv"],
        "no counts": ["fit", "posts.csv", "--unit", "hour", "--window", 17, 30, "--out", "none",
                      "--counts", "zero.csv"],
        "posts only": ["fit", "posts.csv", "--unit", "hour", "--window", 17, 30, "--out", "posts",
                       "--no-pictures"],
        "sample": ["sample", *common, "--chains", 1, "--warmup", 60, "--draws", 40, "--out",
                   "sample", "--no-pictures"],
        "forecast": ["forecast", *common, "--ahead", 48, "--posterior", "sample/posterior.nc",
                     "--draws", 20, "--out", "forecast"],
        "evaluate": ["evaluate", *common, "--first", "10D", "--step", "2D", "--scored", "2D",
                     "--draws", 20, "--no-pictures", "--out", "evaluate"],
        "there already": ["fit", *common, "--out", "fit"],
        "a gap": ["fit", "broken.csv", *common[1:], "--out", "broken"],
        "a missing column": ["fit", "tweets.csv", "--id", "tweet", "--out", "other"],
        "an outage": ["fit", *common, "--gaps", "gaps.csv", "--out", "gaps"],
        "sizes": ["sizes", "sizes.csv", "--unit", "hour", "--window", 0, 80, "--observed", 2,
                  "--horizon", 24, "--folds", 2, "--out", "sizes"],
        "too few": ["sizes", "sizes.csv", "--unit", "hour", "--window", 0, 30, "--late", "drop",
                    "--observed", 2, "--horizon", 24, "--out", "few"],
        "backwards": ["forecast", *common, "--ahead", -1, "--out", "negative"],
    }  # fmt: skip
    return run_named({name: ["retweet", *line] for name, line in lines.items()}, work)


@pytest.mark.parametrize(
    "name", ["fit", "counts", "posts only", "sample", "forecast", "evaluate", "sizes"]
)
def test_good_input_ends_with_0(results, name):
    code, out, err = results[name]
    assert code == 0, (out, err)


def test_fit_says_and_writes_the_estimate(work, results):
    assert "Converged" in results["fit"][1] and "protest" in results["fit"][1]
    estimate = json.loads((work / "fit" / "estimate.json").read_text())
    assert estimate["model"]["model"] == "retweet" and len(estimate["params"]["beta"]) == 3
    assert (work / "fit" / "infectivity.png").exists()


def test_posts_without_reposts_have_a_rate(work, results):
    """Six posts in 13 hours, and nothing told of a swing."""
    estimate = json.loads((work / "posts" / "estimate.json").read_text())
    assert estimate["params"]["beta"][0] == pytest.approx(np.log(6 / 13), abs=1e-6)
    assert estimate["standard_errors"]["beta"][0] == pytest.approx(6**-0.5, rel=1e-6)
    assert "any time of day" in results["posts only"][1]
    assert re.search(r"intercept +rate per unit of time", results["posts only"][1])


def test_counts_are_the_background_up_to_a_factor(work, results):
    """Five hours of 2 and eight of 0.5."""
    estimate = json.loads((work / "counts" / "estimate.json").read_text())
    assert estimate["params"]["beta"] == pytest.approx([np.log(6 / 14), 1.0], abs=1e-6)


def test_drivers_are_exp_beta(work, results):
    estimate = json.loads((work / "fit" / "estimate.json").read_text())
    drivers = pd.read_csv(work / "tables" / "drivers.csv", index_col=0)
    np.testing.assert_allclose(np.log(drivers["mean"]), estimate["params"]["beta"])


def test_the_forecast_has_a_row_an_hour_and_a_row_a_post(work, results):
    hours = pd.read_csv(work / "forecast" / "forecast.csv")
    assert len(hours) == 48 and hours["start"][0].startswith("2024-05-13 00:00")
    sizes = pd.read_csv(work / "forecast" / "sizes.csv")
    assert np.all(sizes["upper"] >= sizes["seen"])
    assert (work / "forecast" / "forecast.png").exists()


def test_evaluate_sets_the_model_beside_simple_forecasts(work, results):
    scores = pd.read_csv(work / "evaluate" / "scores.csv", index_col=0)
    assert {"RetweetHawkes", "log-linear reposts", "Poisson regression"} <= set(scores.index)
    assert names_in(work / "evaluate") == {"scores.csv", "folds.csv"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there already", "--force"),
        ("a gap", "missing number of followers"),
        ("a missing column", "no column"),
        ("an outage", "an event inside a gap .*The gap there is 2024-05-03T00:00:00"),
        ("backwards", "covariates reach"),
        ("no counts", "log_rate.*no count above 0.*no number"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(results, name, message):
    code, _, err = results[name]
    assert code == 2 and re.search(message, err), err
    assert err.startswith("error: ") and len(err.strip().splitlines()) == 1


def test_sizes_are_told_by_the_posts_that_were_seen_for_long_enough(work, results):
    said, frame = results["sizes"][1], pd.read_csv(work / "sizes" / "sizes.csv")
    assert "CascadePopulation of 29 cascades" in said
    assert list(frame["post"]) == [f"p{n}" for n in range(29, 40)]
    assert list(frame.columns) == ["post", "seen", "median", "mean", "lower 80 %", "upper 80 %",
                                   "lower 95 %", "upper 95 %"]  # fmt: skip
    assert "not used: reposters' followers" in said
    scores = pd.read_csv(work / "sizes" / "scores.csv")
    assert set(scores["forecast"]) >= {"population", "nothing more comes"} and len(scores) == 5
    code, _, err = results["too few"]
    assert code == 2 and "give at least 10" in err
