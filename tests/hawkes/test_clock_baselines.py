"""Baselines that follow the calendar: simulated, fitted, forecast, in tables and figures."""

from types import SimpleNamespace

import jax
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hawkesjax as hj
from hawkesjax.evaluation.residual_tests import residual_tests
from hawkesjax.hawkes import tables
from tests.hawkes.double_sums import SUM, panel_of

LONG = hj.Covariates.calendar(
    ("2024-03-20", "2024-06-01"), unit="day", timezone="Europe/Madrid", features=["halfday"]
)
TRUTH = {
    "beta": np.array([[1.0, -1.5], [0.5, 1.0]]),
    "alpha": np.array([[0.4, 0.1], [0.2, 0.3]]),
    "gamma": 4.0,
}


def simulated(model, truth, **options):
    options = {"window": (0.0, 60.0), "num_sequences": 4} | options
    return hj.simulate(model, truth, key=jax.random.key(1), **options)


@pytest.mark.parametrize("kind", ["covariates", "sum", "power law"])
def test_simulated_residuals_are_unit_exponential(kind):
    model, truth = {
        "covariates": (hj.Hawkes(baseline=LONG, decay="shared"), TRUTH),
        "sum": (
            hj.Hawkes(baseline="shared", decay="shared", kernel=SUM),
            TRUTH | {"mu": [2.0, 1.0], "split": [0.4, 0.5]},
        ),
        "power law": (
            hj.Hawkes(baseline="shared", decay="shared", kernel=hj.PowerLaw()),
            TRUTH | {"mu": [2.0, 1.0], "theta": 0.4},
        ),
    }[kind]
    truth = {name: truth[name] for name in model.natural}
    panel = simulated(model, truth)
    if kind == "covariates":
        assert panel.origin == LONG.origin and panel.unit == "day"
    tests = residual_tests(hj.residuals(model, truth, panel, join=True)).loc["all"]
    assert tests["events"].min() > 300
    assert (tests["ks p"] > 0.01).all(), tests
    wrong = hj.Hawkes(baseline="shared", decay="shared")
    mean = {"mu": panel.counts.sum(axis=0) / 240 * 0.6} | {n: truth[n] for n in ("alpha", "gamma")}
    tests = residual_tests(hj.residuals(wrong, mean, panel, join=True)).loc["all"]
    assert (tests["ks p"] < 0.01).any()


@pytest.mark.slow
def test_fit_recovers_and_forecast_follows_the_clock():
    model = hj.Hawkes(baseline=LONG, decay="shared")
    panel = simulated(model, TRUTH)
    estimate = hj.fit(model, panel)
    assert estimate.converged
    for name, value in TRUTH.items():
        error = estimate.standard_errors[name]
        assert (np.abs(estimate.params[name] - value) < 4 * error).all(), name
    assert estimate.params["mu_mean"].shape == (4, 2)
    half = panel.between(0.0, 50.5)
    told = hj.forecast(model, estimate, half, horizon=0.5, key=jax.random.key(0), draws=600)
    rest = hj.forecast(model, estimate, panel.between(0, 50), horizon=0.5, key=jax.random.key(0))
    # Afternoons against mornings: immigrants alone differ by a factor of e^1.5.
    assert told.counts[:, :, 0].mean() > 1.5 * rest.counts[:, :, 0].mean()
    scored = hj.evaluate(model, estimate, panel, cut=50.0, horizon=9.0, key=jax.random.key(2))
    assert np.isfinite(scored.log_score) and scored.counts["inside"].mean() > 0.5
    with pytest.raises(ValueError, match=r"reach from 2024-03-20.* needed from"):
        hj.forecast(model, estimate, panel, horizon=20.0, key=jax.random.key(0))


def test_criticism_simulates_on_the_clock_of_the_panel():
    """Simulated panels count from the panel's own origin, not from the covariates'."""
    model = hj.Hawkes(baseline=LONG, decay="shared")
    truth = TRUTH | {"alpha": 0.01 * TRUTH["alpha"]}
    panel = simulated(model, truth)
    evening = pd.Timestamp("2024-03-25T18:00", tz="Europe/Madrid")
    frame = panel.to_dataframe()
    later = hj.EventPanel.from_dataframe(
        frame[(frame["time"] >= evening) & (frame["time"] < evening + pd.Timedelta(days=40))],
        time="time",
        mark="mark",
        sequence="sequence",
        unit="day",
        window=(evening, evening + pd.Timedelta(days=40)),
    )
    assert later.origin != LONG.origin

    def mornings(panel):
        times = pd.DatetimeIndex(panel.to_dataframe()["time"]).tz_convert("Europe/Madrid")
        return np.mean((times.hour < 12) & (np.asarray(panel.marks) == 0))

    check = hj.predictive_check(
        model, truth, later, key=jax.random.key(0), draws=20, statistics={"mornings": mornings}
    )
    place = ["mornings" in name for name in check.index]
    drawn = check.replicated[:, place].mean()
    assert drawn == pytest.approx(mornings(later), rel=0.3)
    known = {n: v for n, v in truth.items() if n != "gamma"}
    table = hj.residuals(hj.Hawkes(baseline=LONG, gamma=4.0), known, later)
    assert table["residual"].mean() == pytest.approx(1, abs=0.2)


def test_rate_ratios():
    beta = np.random.default_rng(0).normal(size=(2, 50, 2, 3))
    names = {"mark": ["a", "b"], "feature": ["intercept", "on", "warmth"]}
    draws = xr.Dataset({"beta": (("chain", "draw", "mark", "feature"), beta)}, coords=names)
    table = tables.rate_ratios(SimpleNamespace(posterior=draws))
    assert list(table.index[:2]) == [("a", "intercept"), ("a", "on")]
    own = np.exp(beta[:, :, 1, 2])
    row = table.loc[("b", "warmth")]
    assert row["mean"] == pytest.approx(own.mean())
    assert row["97.5%"] == pytest.approx(np.quantile(own, 0.975))
    assert row["above 1"] == pytest.approx((own > 1).mean())
    rate = table.loc[("b", "intercept")]  # is no ratio
    assert (row["quantity"], rate["quantity"]) == ("ratio of rates", "rate per unit of time")
    assert np.isnan(rate["above 1"])
    shared = tables.rate_ratios(SimpleNamespace(posterior=draws.isel(mark=0, drop=True)))
    assert list(shared.index) == names["feature"]
    with pytest.raises(ValueError, match="no covariates"):
        tables.rate_ratios(SimpleNamespace(posterior=xr.Dataset()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")
def test_tables_pictures_and_files(tmp_path):
    """A short run of the largest model: a hierarchy, covariates and a sum of exponentials."""
    model = hj.Hawkes(
        baseline="hierarchical", covariates=LONG, kernel=hj.SumOfExponentials(2), decay="shared"
    )
    truth = TRUTH | {"beta": TRUTH["beta"][:, 1:], "mu": [0.8, 0.4], "split": [0.5]}
    panel = simulated(model, truth, window=(0.0, 20.0), mark_names=["a", "b"])
    post = hj.sample(
        model, panel, key=jax.random.key(0), num_warmup=60, num_samples=40, num_chains=1
    )
    post.save(tmp_path / "post.nc")
    post = hj.load(tmp_path / "post.nc")
    table = post.rate_ratios()
    assert list(table.index) == [("a", "halfday"), ("b", "halfday")]
    draws = np.exp(post["beta"].values[..., 0, 0])
    assert table.loc[("a", "halfday"), "mean"] == pytest.approx(draws.mean())
    assert table.loc[("a", "halfday"), "above 1"] == pytest.approx((draws > 1).mean())
    means = post["mu_mean"].values.mean(axis=(0, 1)).ravel()
    np.testing.assert_allclose(post.baseline()["mean"], means, rtol=1e-12)
    halves = model.kernel.half_life({"split": post["split"].values}) / post["gamma"].values
    np.testing.assert_allclose(post["half_life"].values, halves, rtol=1e-6)
    assert post.decay()["half-life", "mean"].item() == pytest.approx(halves.mean())
    shares = post.shares(panel)
    direct = shares.loc["all"].loc["a"].loc[["background", "direct from a", "direct from b"]]
    assert direct["mean"].sum() == pytest.approx(1)
    figure = hj.plots.intensity(post, panel, sequences=[0])
    figure.savefig(tmp_path / "intensity.png")
    hj.plots.kernels(post, unit="day").savefig(tmp_path / "kernels.png")
    with pytest.raises(ValueError, match="halfday"):
        hj.plots.intensity(post, panel)
    with pytest.raises(ValueError, match="halfday"):
        hj.residuals(hj.Hawkes(baseline="hierarchical"), post, panel)
    told = hj.forecast(model, post, panel, horizon=2.0, key=jax.random.key(0), draws=10)
    assert told.counts.shape == (10, 4, 2)


REFUSED = {
    "dates": (lambda: hj.Hawkes(baseline=LONG).prepare(panel_of()), "only numbers"),
    "shape of beta": (
        lambda: simulated(hj.Hawkes(baseline=LONG), TRUTH | {"beta": np.ones((2, 3))}),
        "(2, 2)",
    ),
    "no beta": (
        lambda: simulated(
            hj.Hawkes(baseline=LONG), {n: v for n, v in TRUTH.items() if n != "beta"}
        ),
        "beta",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, word = REFUSED[case]
    with pytest.raises(ValueError) as error:
        call()
    assert word in str(error.value)
