"""Baselines with covariates and kernels that are sums, against double sums over events."""

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hawkesjax as hj
from hawkesjax.core.labels import entries
from hawkesjax.evaluation.residual_tests import residual_tests
from hawkesjax.hawkes import tables
from tests.derivatives import check_derivatives
from tests.hawkes.reference import random_events

WINDOWS = np.array([(0.0, 10.0), (-3.0, 10.0), (2.0, 10.0), (0.0, 12.5)])
EDGES = np.array([-5.0, -1, 0, 1, 2.5, 4, 7, 10.25, 13])
RNG = np.random.default_rng(3)
COVARIATES = hj.Covariates(
    EDGES,
    np.column_stack([np.ones(8), [0, 1, 0, 1, 1, 0, 1, 0], RNG.normal(size=8)]),
    ("intercept", "on", "warmth"),
)
EVENTS = random_events(np.random.default_rng(0), 2, [12, 0, 1, 15])
SUM, LAW = hj.SumOfExponentials(3, ratio=5.0), hj.PowerLaw(span=50.0, error=1e-6)
OWN = {
    "beta": np.array([[-0.5, 0.8, 0.3], [0.2, -0.7, 0.1]]),
    "split": np.array([0.4, 0.7]),
    "theta": 0.3,
    "mu": np.random.default_rng(1).uniform(0.2, 1, (4, 2)),
    "alpha": np.array([[0.5, 0.2], [0.3, 0.1]]),
    "gamma": np.array([[1.0, 3.0], [0.5, 2.0]]),
}
MODELS = {
    "intercept": hj.Hawkes(baseline=COVARIATES),
    "by sequence": hj.Hawkes(covariates=COVARIATES, form="pairs"),
    "approximate": hj.Hawkes(baseline=COVARIATES, compensator="schoenberg", form="scan"),
    "sum": hj.Hawkes(kernel=SUM),
    "sum, pairs": hj.Hawkes(kernel=SUM, form="pairs"),
    "sum, gamma by source is known": hj.Hawkes(kernel=SUM, gamma=OWN["gamma"][0]),
    "power law": hj.Hawkes(kernel=LAW),
    "power law, all is known": hj.Hawkes(kernel=hj.PowerLaw(0.3, span=50.0, error=1e-6), gamma=2.0),
    "both": hj.Hawkes(covariates=COVARIATES, kernel=SUM),
}


def panel_of(shift=0.0):
    times, marks, sequence = EVENTS
    windows = WINDOWS + shift
    return hj.EventPanel.from_arrays(
        times + shift, marks, sequence=sequence, window=windows, mark_names=["a", "b"]
    )


def params_of(model):
    gamma = OWN["gamma"] if model.gamma is None else np.asarray(model.gamma)
    values = OWN | {"gamma": gamma}
    if model.covariates is not None:
        values["beta"] = OWN["beta"][:, 1:]
    params = {name: values[name] for name in model.natural}
    return params if model.gamma is None else {n: v for n, v in params.items() if n != "gamma"}


def features_at(time):
    """The row of the cell, by looking at each; the last cell includes its end."""
    pairs = zip(EDGES[:-1], COVARIATES.values, strict=True)
    return [row for low, row in pairs if low <= time][-1]


def background(model, sequence, mark, time):
    level = 1.0 if model.background.levels is None else OWN["mu"][sequence, mark]
    if model.background.covariates is None:
        return level
    beta, features = OWN["beta"][mark], features_at(time)
    first = 0 if model.background.levels is None else 1
    return level * math.exp(sum(beta[f] * features[f] for f in range(first, 3)))


def kernel(model, target, source, time):
    """phi and its integral from 0, from the formulas of the papers."""
    gamma = np.broadcast_to(OWN["gamma"] if model.gamma is None else model.gamma, (2, 2))
    rate = gamma[target, source]
    if isinstance(model.kernel, hj.PowerLaw):
        theta, scaled = OWN["theta"], 1 + rate * time
        return theta * rate * scaled ** -(1 + theta), 1 - scaled**-theta
    if isinstance(model.kernel, hj.SumOfExponentials):
        first, second = OWN["split"]
        weights = (first, (1 - first) * second, (1 - first) * (1 - second))
        rates = [rate / 5**k for k in range(3)]
    else:
        weights, rates = (1.0,), [rate]
    density = sum(w * r * math.exp(-r * time) for w, r in zip(weights, rates, strict=True))
    return density, sum(w * -math.expm1(-r * time) for w, r in zip(weights, rates, strict=True))


def expected(model, low, high, sequence, mark):
    """Integral of the intensity over [low, high], cell by cell and event by event."""
    total = 0.0
    cuts = [low, *[edge for edge in EDGES if low < edge < high], high]
    for a, b in itertools.pairwise(cuts):
        total += background(model, sequence, mark, (a + b) / 2) * (b - a)
    for time, source, owner in zip(*EVENTS, strict=True):
        if owner == sequence and time < high:
            whole = kernel(model, mark, source, high - time)[1]
            done = kernel(model, mark, source, low - time)[1] if time < low else 0.0
            total += OWN["alpha"][mark, source] * (whole - done)
    return total


def log_intensities(model):
    out = []
    for time, mark, sequence in zip(*EVENTS, strict=True):
        rate = background(model, sequence, mark, time)
        for before, source, owner in zip(*EVENTS, strict=True):
            if owner == sequence and before < time:
                rate += OWN["alpha"][mark, source] * kernel(model, mark, source, time - before)[0]
        out.append(math.log(rate))
    return np.array(out)


@pytest.mark.parametrize("case", MODELS)
def test_equals_the_double_sum(case):
    model = MODELS[case]
    panel, params = panel_of(), params_of(model)
    model.prepare(panel)
    close = {"rtol": 1e-5 if isinstance(model.kernel, hj.PowerLaw) else 1e-10}
    logs = log_intensities(model)
    total = logs.sum()
    for m, (low, high) in enumerate(WINDOWS):
        for i in range(2):
            total -= expected(model, low, high, m, i)
    if model.compensator != "exact":
        for time, source, owner in zip(*EVENTS, strict=True):
            for i in range(2):
                left = 1 - kernel(model, i, source, WINDOWS[owner, 1] - time)[1]
                total -= OWN["alpha"][i, source] * left

    @jax.jit
    def compute(params):
        found = model.log_likelihood(params, panel), model.log_intensity(params, panel)
        if model.compensator != "exact":
            return found
        return *found, *model.compensator_increments(params, panel), model.pointwise(params, panel)

    value, found, *rest = compute(params)
    np.testing.assert_allclose(value, total, **close)
    np.testing.assert_allclose(np.exp(found), np.exp(logs), **close)
    if model.compensator != "exact":
        return
    inside, tails, terms = rest
    order = np.lexsort((EVENTS[0], EVENTS[2]))
    times, owners = EVENTS[0][order], EVENTS[2][order]
    wanted = np.zeros((len(times), 2))
    last = WINDOWS[:, 0].copy()
    for n, (time, owner) in enumerate(zip(times, owners, strict=True)):
        wanted[n] = [expected(model, last[owner], time, owner, i) for i in range(2)]
        last[owner] = time
    close["atol"] = 1e-10
    np.testing.assert_allclose(inside, wanted, **close)
    wanted = [[expected(model, last[m], WINDOWS[m, 1], m, i) for i in range(2)] for m in range(4)]
    np.testing.assert_allclose(tails, wanted, **close)
    np.testing.assert_allclose(terms.sum(), value, rtol=1e-10)


@pytest.mark.parametrize("case", ["both", "power law"])
def test_gradients_and_second_derivatives(case):
    model, panel = MODELS[case], panel_of()
    check_derivatives(lambda p: model.log_likelihood(p, panel), (params_of(model),))


def test_long_gradients_compute_twice_what_they_do_not_keep():
    model, panel = MODELS["sum"], panel_of()
    params = params_of(model)
    data = model.prepare(panel)
    kept = jax.jit(jax.grad(lambda p: model.log_likelihood(p, data)))(params)
    frugal = replace(data, form=replace(data.form, large=0))
    twice = jax.jit(jax.grad(lambda p: model.log_likelihood(p, frugal)))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), kept, twice)


def test_time_is_absolute_and_dates_are_exact():
    """Epoch seconds and dates give what small numbers give."""
    model = MODELS["by sequence"]
    params = params_of(model)
    plain = model.log_likelihood(params, panel_of())
    far = hj.Covariates(EDGES + 2.0**30, COVARIATES.values, COVARIATES.feature_names)
    moved = hj.Hawkes(covariates=far).log_likelihood(params, panel_of(2.0**30))
    np.testing.assert_allclose(moved, plain, rtol=1e-6)
    zero = np.datetime64("2024-03-30T12:00", "ns")
    dates = lambda hours: zero + np.rint(np.asarray(hours) * 3.6e12).astype("m8[ns]")  # noqa: E731
    times, marks, sequence = EVENTS
    panel = hj.EventPanel.from_arrays(
        dates(times), marks, sequence=sequence, window=dates(WINDOWS), unit="hour"
    )
    dated = hj.Covariates(
        EDGES / 24, COVARIATES.values, COVARIATES.feature_names, "day", "2024-03-30T12:00"
    )
    value = hj.Hawkes(covariates=dated).log_likelihood(params, panel)
    np.testing.assert_allclose(value, plain, rtol=1e-9)


def test_float32():
    model, panel = MODELS["both"], panel_of()
    params = {name: np.asarray(value, np.float32) for name, value in params_of(model).items()}
    value = model.log_likelihood(params, model.prepare(panel, dtype=np.float32))
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, model.log_likelihood(params_of(model), panel), rtol=1e-5)


def test_panels_under_a_transformation():
    panel, model = panel_of(), MODELS["sum"]
    params = params_of(model)
    value = jax.jit(model.log_likelihood)(params, panel)
    np.testing.assert_allclose(value, model.log_likelihood(params, panel), rtol=1e-10)
    with pytest.raises(ValueError, match="prepare"):
        jax.jit(MODELS["both"].log_likelihood)(params_of(MODELS["both"]), panel)


def test_priors_do_not_depend_on_units():
    """Neither on that of time, nor on that of a feature."""
    values = COVARIATES.values * [1, 1, 10.0]
    scaled = hj.Covariates(24 * EDGES, values, COVARIATES.feature_names)
    times, marks, sequence = EVENTS
    other = hj.EventPanel.from_arrays(24 * times, marks, sequence=sequence, window=24 * WINDOWS)
    one = MODELS["intercept"].sites(MODELS["intercept"].prepare(panel_of()))["beta"]
    model = hj.Hawkes(baseline=scaled)
    two = model.sites(model.prepare(other))["beta"]
    beta = OWN["beta"]
    moved = beta / [1, 1, 10.0] - np.log(24) * np.array([1, 0, 0])
    np.testing.assert_allclose(two.log_prob(moved) - np.log([1, 1, 10.0]), one.log_prob(beta))


@pytest.mark.parametrize("span, error", [(10.0, 0.05), (1e4, 0.01), (1e5, 1e-4)])
def test_the_power_law_keeps_its_error(span, error):
    law = hj.PowerLaw(span=span, error=error)
    times = np.concatenate([[0], np.geomspace(1e-4, span, 777)])
    for theta in (0.05, 0.242, 0.5, 1.0):
        weights = np.asarray(law.weights({"theta": theta}))
        found = np.exp(-np.outer(times, law.ratios)) @ (weights * law.ratios)
        off = np.abs(found / (theta * (1 + times) ** -(1 + theta)) - 1).max()
        assert off <= error and law.max_error(theta) == pytest.approx(off, rel=0.2)
        assert law.half_life({"theta": theta}) == pytest.approx(2 ** (1 / theta) - 1)


def test_half_lives_of_sums():
    draws = {"split": np.random.default_rng(0).uniform(size=(5, 2))}
    half, weights = SUM.half_life(draws), SUM.weights(draws)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    left = np.sum(weights * np.exp(-SUM.ratios * half[:, None]), axis=1)
    np.testing.assert_allclose(left, 0.5, rtol=1e-10)
    check_derivatives(lambda split: SUM.half_life({"split": split}), (draws["split"][0],))


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


def test_features_that_say_nothing_are_on_the_boundary():
    panel = panel_of()
    quiet = hj.Covariates(
        np.array([-5.0, 9.9, 10, 20]),
        np.array([[1.0, 0, 0], [1, 1, 0], [1, 0, 1]]),
        ("intercept", "before the end", "after it"),
    )
    short = panel.between(-5, 10)  # the last cell is beyond every window
    model = hj.Hawkes(baseline=quiet, decay="shared")
    params = {"beta": np.array([[0, 1.0, 2], [0, -9, 0]]), "alpha": np.ones((2, 2)), "gamma": 1.0}
    edge = model.at_boundary(params, model.prepare(short))["beta"]
    # 4 sequences share 0.1 before the end: 0.4 events of the one mark, 5e-5 of the other.
    assert edge.tolist() == [[False, False, True], [False, True, True]]
    named = entries({"beta": edge}, params, model.dims, model.coords(short))
    assert named[1] == "beta[b, before the end] at -9"


REFUSED = {
    "no intercept": (lambda: hj.Hawkes(baseline=COVARIATES.select(["on"])), "intercept"),
    "twice": (lambda: hj.Hawkes(baseline=COVARIATES, covariates=COVARIATES), "twice"),
    "shared": (lambda: hj.Hawkes(baseline="shared", covariates=COVARIATES), "baseline=covariates"),
    "nothing": (lambda: hj.Hawkes(covariates=COVARIATES.select(["intercept"])), "no feature"),
    "a table": (lambda: hj.Hawkes(covariates=COVARIATES.to_dataframe()), "DataFrame"),
    "a kernel": (lambda: hj.Hawkes(kernel="power"), "'power'"),
    "one term": (lambda: hj.SumOfExponentials(1), "2 or more"),
    "ratio": (lambda: hj.SumOfExponentials(2, ratio=1.0), "above 1"),
    "theta": (lambda: hj.PowerLaw(theta=3.0), "0.05"),
    "span": (lambda: hj.PowerLaw(span=0.0), "span"),
    "error": (lambda: hj.PowerLaw(error=0.0), "error"),
    "not covered": (
        lambda: hj.Hawkes(baseline=COVARIATES.between(0, 10)).prepare(panel_of()),
        "reach from 0 to 10, but are needed from -3 to 12.5",
    ),
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
