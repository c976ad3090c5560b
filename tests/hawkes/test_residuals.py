"""Residuals against quadrature, and their law under the truth; intensities against double sums."""

import itertools

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hawkesjax as hj
from hawkesjax.evaluation.residual_tests import (
    anderson_darling,
    anderson_darling_cdf,
    kolmogorov_smirnov,
)
from hawkesjax.hawkes.intensity import intensity_at, mean_intensity
from tests.hawkes.reference import random_events

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
ALPHA = np.array([[0.3, 0.6, 0.0], [0.2, 0.1, 0.4], [0.0, 0.5, 0.2]])
GAMMAS = {
    "pair": np.array([[1.0, 4.0, 2.0], [0.5, 3.0, 1.5], [2.5, 0.7, 6.0]]),
    "source": np.array([1.0, 4.0, 0.5]),
    "shared": np.array(2.0),
}


def panel_of(counts, seed=0):
    rng = np.random.default_rng(seed)
    times, marks, sequence = random_events(rng, 3, counts)
    return hj.EventPanel.from_arrays(
        times,
        marks,
        sequence=sequence,
        window=(0.0, 10.0),
        mark_names=["a", "b", "c"],
        sequence_names=[f"s{m}" for m in range(len(counts))],
    )


def intensity(t, times, marks, mu, alpha, gamma):
    """lambda_i(t) of all marks by the sum over all events strictly before t."""
    out = np.array(mu, float)
    for at, mark in zip(times, marks, strict=True):
        if at < t:
            out += alpha[:, mark] * gamma[:, mark] * np.exp(-gamma[:, mark] * (t - at))
    return out


def integral(low, high, mark, times, marks, mu, alpha, gamma):
    """Gauss-Legendre on each piece between events."""
    edges = np.unique([low, *times[(times > low) & (times < high)], high])
    total = 0.0
    for a, b in itertools.pairwise(edges):
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            t = 0.5 * (a + b) + 0.5 * (b - a) * node
            total += 0.5 * (b - a) * weight * intensity(t, times, marks, mu, alpha, gamma)[mark]
    return total


@pytest.mark.parametrize("decay", GAMMAS)
@pytest.mark.parametrize("join", [False, True])
def test_residuals_equal_quadrature(decay, join):
    panel = panel_of([9, 0, 1, 14, 0])
    mu = np.random.default_rng(1).uniform(0.1, 1, (5, 3))
    gamma = np.broadcast_to(GAMMAS[decay], (3, 3))
    params = {"mu": mu, "alpha": ALPHA, "gamma": GAMMAS[decay]}
    table = hj.residuals(hj.Hawkes(decay=decay), params, panel, join=join)

    expected = np.zeros(panel.num_events)
    carried = np.zeros(3)
    for m in range(5):
        rows = np.flatnonzero(np.asarray(panel.sequence) == m)
        history = (np.asarray(panel.times)[rows], np.asarray(panel.marks)[rows])
        last = np.zeros(3)
        for row, t, mark in zip(rows, *history, strict=True):
            piece = integral(last[mark], t, mark, *history, mu[m], ALPHA, gamma)
            expected[row] = piece + (carried[mark] if join else 0.0)
            carried[mark], last[mark] = 0.0, t
        for mark in range(3):
            carried[mark] += integral(last[mark], 10.0, mark, *history, mu[m], ALPHA, gamma)
    np.testing.assert_allclose(table["residual"], expected, rtol=1e-5 if _single() else 1e-8)
    assert list(table["sequence"]) == [panel.sequence_names[m] for m in panel.sequence]
    assert list(table["mark"]) == [panel.mark_names[k] for k in panel.marks]


@pytest.mark.parametrize("window", [(0.0, 400.0), (1000.0, 1003.0)], ids=["long", "short"])
def test_joined_residuals_are_unit_exponential_under_the_truth(window):
    """In short windows, with few events a sequence, only the joined ones are."""
    params = {"mu": [0.4, 0.2], "alpha": [[0.5, 0.2], [0.1, 0.4]], "gamma": [[2, 3], [1, 5.0]]}
    num = 8 if window[1] - window[0] > 100 else 300
    model = hj.Hawkes(baseline="shared")
    panel = hj.simulate(model, params, window=window, key=jax.random.key(2), num_sequences=num)
    tests = hj.residual_tests(hj.residuals(model, params, panel, join=True))
    assert len(tests) == (num + 1) * 3
    together = tests.loc["all"]
    assert list(together.index) == ["all", *panel.mark_names]
    assert together["events"].tolist() == [panel.num_events, *panel.counts.sum(axis=0)]
    assert np.all(together[["ks p", "ad p"]] > 1e-3)
    np.testing.assert_allclose(together["mean"], 1, atol=0.1)
    if num > 8:
        plain = hj.residual_tests(hj.residuals(model, params, panel))
        assert np.all(plain.loc["all", "mean"] < 0.92)
    else:  # each sequence by itself too: 24 tests of true models
        assert np.all(tests[["ks p", "ad p"]] > 1e-4)


def test_wrong_parameters_are_seen():
    params = {"mu": [0.5], "alpha": [[0.7]], "gamma": 3.0}
    model = hj.Hawkes(decay="shared", baseline="shared")
    panel = hj.simulate(model, params, window=(0, 1500), key=jax.random.key(0))
    flat = {"mu": [0.5 / 0.3], "alpha": [[0.0]], "gamma": 3.0}
    tests = hj.residual_tests(hj.residuals(model, flat, panel, join=True))
    assert np.all(tests[["ks p", "ad p"]] < 1e-6)
    assert set(tests["in words"]) == {"misfit: too many short waiting times"}


@pytest.mark.parametrize("count", [1, 3, 20, 300])
def test_the_statistics_and_their_law(count):
    """Against SciPy's own, and the law against simulation under the truth."""
    rng = np.random.default_rng(count)
    values = rng.exponential(size=count)
    known = {"known_params": {"loc": 0, "scale": 1}, "n_mc_samples": 9}
    for ours, name in ((anderson_darling, "ad"), (kolmogorov_smirnov, "ks")):
        theirs = stats.goodness_of_fit(stats.expon, values, statistic=name, rng=rng, **known)
        assert ours(values) == pytest.approx(theirs.statistic, rel=1e-9)
    drawn = np.array([anderson_darling(rng.exponential(size=count)) for _ in range(4000)])
    levels = [anderson_darling_cdf(q, count) for q in np.quantile(drawn, [0.5, 0.9, 0.99])]
    np.testing.assert_allclose(levels, [0.5, 0.9, 0.99], atol=0.035)
    assert anderson_darling_cdf(0.0, count) == 0 and anderson_darling_cdf(np.inf, count) == 1


def residual_table(values):
    blank = pd.Categorical.from_codes(np.zeros(len(values), int), ["s"])
    return pd.DataFrame({"sequence": blank, "mark": blank, "residual": values})


SAID = {
    "no misfit seen, but p is too large after fitting": lambda r: r,
    "misfit: too many short waiting times": lambda r: r**2,
    "misfit: too few short waiting times": lambda r: r**0.5,
    "20 waiting times of 0: simultaneous": lambda r: np.r_[r, np.zeros(20)],
    "1 waiting time of 0: simultaneous": lambda r: np.r_[r, 0.0],
    "misfit: too many long waiting times": lambda r: 1.25 * r,
    "too few events to tell": lambda r: 100 * r[:4],
}


@pytest.mark.parametrize("words", SAID)
def test_the_table_says_what_is_wrong(words):
    residuals = stats.expon.ppf((np.arange(900) + 0.5) / 900)
    table = hj.residual_tests(residual_table(SAID[words](residuals)))
    assert table["in words"].iloc[0].startswith(words), table["in words"].iloc[0]
    assert np.isfinite(table["ad"].iloc[0]) == ("of 0" not in words)  # it has no value there


UNIFORM = np.sort(np.random.default_rng(0).uniform(0, 1000, 800))
START = "on a window's start left out, without a waiting time"
SPREAD = "rounded times were spread evenly over their step"
WINDOWS = {
    "declared": (UNIFORM, (0, 1000), ""),
    "from the first event on": (UNIFORM, None, f"; 1 event {START}"),
    "whole seconds": (np.floor(UNIFORM) + 1, (0, 1002), f"; {SPREAD}"),
    "tenths from the first event on": (np.round(UNIFORM, 1), None, f"; {SPREAD}; 1 event {START}"),
    "seconds of days": (np.floor(86.4 * UNIFORM) / 86.4, (-0.1, 1001), f"; {SPREAD}"),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_neither_the_window_nor_rounded_times_are_a_misfit(name):
    """Uniform times: what they are tested for is a Poisson process, however they are written."""
    times, window, said = WINDOWS[name]
    panel = hj.EventPanel.from_arrays(times, np.zeros(800, int), window=window)
    model, flat = hj.Hawkes(decay="shared"), {"mu": [[0.8]], "alpha": [[0.0]], "gamma": 1.0}
    table = hj.residuals(model, flat, panel)
    tests = hj.residual_tests(table)
    whole = tests.loc[("all", "all")]
    assert whole["in words"] == "no misfit seen, but p is too large after fitting" + said
    assert whole["ad"] < 1.2 and whole["ad p"] > 0.25 and whole["ks p"] > 0.25
    assert whole["events"] == 800 - (window is None) == 800 - table["residual"].isna().sum()
    gaps = np.diff(np.asarray(panel.times), prepend=0.0)  # the exact ones stand beside
    late = slice(int(window is None), None)
    np.testing.assert_allclose(
        table["residual"][late], 0.8 * gaps[late], rtol=1e-4, atol=1e-4 if _single() else 1e-12
    )
    if SPREAD in said:
        np.testing.assert_allclose(table["jittered"].sum(), 0.8 * panel.times[-1], atol=1)
        bursts = np.repeat(np.asarray(panel.times)[::4], 4)  # misfits are seen all the same
        panel = hj.EventPanel.from_arrays(bursts, np.zeros(800, int), window=(-0.1, 1002))
        wrong = hj.residual_tests(hj.residuals(model, flat, panel)).loc[("all", "all")]
        assert wrong["in words"] == f"misfit: too many short waiting times; {SPREAD}"


@pytest.mark.slow
def test_the_bootstrap_knows_that_parameters_were_fitted():
    """Where the plain p-values pile up near 1, the bootstrap's are uniform; a misfit stays seen."""
    model = hj.Hawkes(decay="shared", baseline="shared")
    truth = {"mu": [0.5], "alpha": [[0.5]], "gamma": 3.0}
    panel = hj.simulate(model, truth, window=(0, 150), key=jax.random.key(1), num_sequences=2)
    key = jax.random.key(5)
    table = hj.residual_bootstrap(model, hj.fit(model, panel), panel, key=key, replicates=39)
    plain = hj.residual_tests(hj.residuals(model, hj.fit(model, panel), panel, join=True))
    for name in ("ks", "ad"):
        np.testing.assert_allclose(table[name], plain[name], rtol=1e-5)
        whole = table[f"{name} p"].loc[("all", "all")]
        assert whole <= plain[f"{name} p"].loc[("all", "all")] + 0.1
        assert (whole * 40) == pytest.approx(round(whole * 40))
    bursts = np.sort(np.random.default_rng(0).uniform(0, 150, 40)[:, None] + [0, 0.05, 5.0], axis=0)
    times = np.sort(bursts[bursts < 150])
    wrong = hj.EventPanel.from_arrays(times, np.zeros(len(times), int), window=(0, 150))
    seen = hj.residual_bootstrap(model, hj.fit(model, wrong), wrong, key=key, replicates=39)
    assert seen["ad p"].loc[("all", "all")] == pytest.approx(1 / 40)
    assert seen["in words"].loc[("all", "all")].startswith("misfit")


def test_a_bootstrap_of_a_small_panel_with_covariates():
    weekend = (np.arange(42) % 7 >= 5).astype(float)[:, None]
    week = hj.Covariates(np.arange(43.0), weekend, ("weekend",))
    model = hj.Hawkes(baseline="sequence", decay="shared", covariates=week)
    truth = {"mu": [[0.8], [0.4]], "alpha": [[0.5]], "gamma": 3.0, "beta": [[1.0]]}
    panel = hj.simulate(model, truth, window=(0, 42), key=jax.random.key(1))
    key, mle = jax.random.key(5), hj.fit(model, panel)
    table = hj.residual_bootstrap(model, mle, panel, key=key, replicates=19)
    plain = hj.residual_tests(hj.residuals(model, mle, panel, join=True))
    for name in ("ks", "ad"):
        np.testing.assert_allclose(table[name], plain[name], rtol=1e-5)
        p = table[f"{name} p"]
        assert np.all((p >= 1 / 20) & (p <= 1))
        np.testing.assert_allclose(20 * p, np.round(20 * p), rtol=1e-9)
        # The plain p-values are too large: parameters were fitted.
        assert p.loc[("all", "all")] <= plain[f"{name} p"].loc[("all", "all")] + 0.1
    with pytest.raises(ValueError, match="pass the Estimate"):
        hj.residual_bootstrap(model, truth, panel, key=key)
    with pytest.raises(ValueError, match="at least 19"):
        hj.residual_bootstrap(model, mle, panel, key=key, replicates=9)


def test_a_fixed_gamma_is_taken_from_the_model():
    panel = panel_of([8, 3])
    free = {"mu": np.full((2, 3), 0.5), "alpha": ALPHA, "gamma": np.array(2.0)}
    fixed = {name: value for name, value in free.items() if name != "gamma"}
    expected = hj.residuals(hj.Hawkes(decay="shared"), free, panel)
    found = hj.residuals(hj.Hawkes(gamma=2.0), fixed, panel)
    np.testing.assert_allclose(found["residual"], expected["residual"], rtol=1e-5)


def test_no_events_give_an_empty_table():
    panel = panel_of([0, 0])
    params = {"mu": np.full((2, 3), 0.5), "alpha": ALPHA, "gamma": np.array(2.0)}
    table = hj.residuals(hj.Hawkes(decay="shared"), params, panel)
    assert len(table) == 0
    tests = hj.residual_tests(table)
    assert tests["events"].tolist() == [0] * 12
    assert set(tests["in words"]) == {"no events"} and tests["ks p"].isna().all()
    with pytest.raises(ValueError, match="gamma"):
        hj.residuals(hj.Hawkes(), {"mu": params["mu"], "alpha": ALPHA}, panel)


@pytest.mark.parametrize("decay", GAMMAS)
def test_intensities_equal_double_sums(decay):
    panel = panel_of([25])
    times, marks = np.asarray(panel.times), np.asarray(panel.marks)
    rng = np.random.default_rng(3)
    mu = rng.uniform(0.1, 1, (4, 3))
    alpha = ALPHA * rng.uniform(0.5, 1.5, (4, 1, 1))
    gamma = GAMMAS[decay] * rng.uniform(0.5, 1.5, (4,) + (1,) * GAMMAS[decay].ndim)
    at = np.sort(np.concatenate([np.linspace(0, 10, 17), times, np.nextafter(times, 11)]))
    found = intensity_at(at, times, marks, mu, alpha, gamma)
    for draw in range(4):
        pairs = np.broadcast_to(gamma[draw], (3, 3))
        expected = [intensity(t, times, marks, mu[draw], alpha[draw], pairs) for t in at]
        np.testing.assert_allclose(found[draw], expected, rtol=1e-10)
    edges = np.linspace(0, 10, 8)
    bins = mean_intensity(edges, times, marks, mu, alpha, gamma)
    inner = np.unique(np.concatenate([edges, times]))
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        stops = inner[(inner >= low) & (inner <= high)]
        steps = np.diff(stops)
        nodes = (stops[:-1, None] + steps[:, None] * (NODES + 1) / 2).ravel()
        fine = intensity_at(nodes, times, marks, mu, alpha, gamma)
        summed = np.einsum("p,kpi->ki", (steps[:, None] * WEIGHTS / 2).ravel(), fine)
        np.testing.assert_allclose(bins[:, k], summed / (high - low), rtol=1e-9)
    # The model's own intensity at the events, where history is strictly before.
    one = {"mu": mu[:1], "alpha": alpha[0], "gamma": gamma[0]}
    own = np.exp(hj.Hawkes(decay=decay).log_intensity(one, panel))
    at_events = intensity_at(times, times, marks, mu[:1], alpha[:1], gamma[:1])[0]
    rtol = 1e-4 if _single() else 1e-10
    np.testing.assert_allclose(at_events[np.arange(len(times)), marks], own, rtol=rtol)


def _single():
    return not jax.config.jax_enable_x64
