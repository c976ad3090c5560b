"""What makes some events set off more than others, or later: sizes, groups, periods, a lag."""

import json
import warnings

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.derivatives import check_derivatives
from tests.hawkes.carried import (
    MODELS,
    SINGLE,
    TOLERANCE,
    TRAITS,
    USERS,
    WINDOWS,
    events,
    factor,
    pace,
    panel_of,
    terms_of,
    values,
    want,
)


@pytest.mark.parametrize("grid", [None, 0.25], ids=["untied", "tied"])
@pytest.mark.parametrize("name", MODELS)
def test_the_likelihood_is_that_of_double_sums(name, grid):
    """With a history and gaps, in whole and in parts."""
    model, data = MODELS[name], events(grid)
    params, panel = values(model), panel_of(*data)
    right = want(model, params, data)
    np.testing.assert_allclose(model.log_likelihood(params, panel), right, TOLERANCE)
    for by in ("event", "sequence"):
        np.testing.assert_allclose(np.sum(model.pointwise(params, panel, by)), right, TOLERANCE)


@pytest.mark.skipif(SINGLE, reason="differences need float64")
@pytest.mark.parametrize(
    "name", ["all of it", "paces by source", "groups drawn together", "periods"]
)
def test_gradients(name):
    model = MODELS[name]
    data = model.prepare(panel_of(*events()))
    check_derivatives(lambda one: model.log_likelihood(one, data), (values(model),))


def test_without_differences_nothing_changes():
    """Factors of 1, and a lag of nearly nothing."""
    data = events()
    panel, plain = panel_of(*data), values(hj.Hawkes())
    right = hj.Hawkes().log_likelihood(plain, panel)
    none = plain | {"kappa": np.zeros(2)}
    found = MODELS["a size"].log_likelihood(none, panel)
    np.testing.assert_allclose(found, right, TOLERANCE)
    none = plain | {"alpha_effect": np.zeros((2, 2, 3))}
    found = MODELS["traits of users"].log_likelihood(none, panel)
    np.testing.assert_allclose(found, right, TOLERANCE)
    found = hj.Hawkes(lag=1e-12).log_likelihood(plain, panel)
    np.testing.assert_allclose(found, right, TOLERANCE * 10)


def test_sizes_travel_with_their_events():
    """Through tables, parts, selections, histories and the order of rows."""
    times, marks, sequence, sizes = events()
    panel = panel_of(times, marks, sequence, sizes)
    order = np.random.default_rng(0).permutation(len(times))
    again = panel_of(*(column[order] for column in (times, marks, sequence, sizes)))
    places = panel.sequence + panel.times / 100  # ties keep the order of their rows
    for one in (panel, again):
        assert np.all(np.diff(one.sequence + one.times / 100) >= 0)
    for place in np.unique(places):
        here = places == place
        np.testing.assert_array_equal(sorted(panel.magnitude[here]), sorted(again.magnitude[here]))
    table = panel.to_dataframe()
    rows = set(zip(np.round(times, 9), sequence, sizes, strict=True))
    for time, user, size in table[["time", "sequence", "magnitude"]].itertuples(index=False):
        assert (round(time, 9), USERS.index(user), size) in rows
    early = times < np.array([4.0, 2.0, 0.0, 9.0])[sequence]
    assert sorted(panel.history.magnitude) == sorted(sizes[early])
    of_age = {
        (np.round(a, 9), z) for a, z in zip(panel.history.age, panel.history.magnitude, strict=True)
    }
    begin = np.array([4.0, 2.0, 0.0, 9.0])[sequence]
    assert of_age == set(zip(np.round(begin - times, 9)[early], sizes[early], strict=True))
    part = panel.select(["u1", "u0"]).between(3, 9, keep_history=True)
    assert sorted([*part.magnitude, *part.history.magnitude]) == sorted(
        size for t, m, size in rows if m < 2 and t < 9
    )
    assert "sizes" in repr(panel)


@pytest.mark.skipif(SINGLE, reason="a search to 1e-8 needs float64")
def test_the_known_maximum_with_sizes(reference_results):
    case = json.loads(reference_results("cases/magnitude.json").read_text())
    given = {"window": case["window"], "magnitude": case["magnitude"]}
    panel = hj.EventPanel.from_arrays(case["times"], [0] * len(case["times"]), **given)
    found, right = hj.fit(hj.Hawkes(magnitude="exponential"), panel), case["right"]
    np.testing.assert_allclose(found.log_likelihood, right["log_likelihood"], rtol=1e-8)
    for name, ours in {"K": "alpha", "a": "kappa", "gamma": "gamma", "mu": "mu"}.items():
        np.testing.assert_allclose(np.squeeze(found.params[ours]), right[name], rtol=1e-3)
    # Pictures draw the mean effect of the events seen, not that of an event of size 0.
    network = hj.plots.network(found)
    label = f"{found.params['alpha_mean'].item():.2g}\n["
    assert any(text.get_text().startswith(label) for text in network.axes[0].texts)
    assert "mean over those seen" in network.get_supxlabel()
    titles = [axis.get_title(loc="left") for axis in hj.plots.parameters(found).axes]
    assert any("κ" in title for title in titles)
    ignored = hj.fit(hj.Hawkes(), panel).log_likelihood
    np.testing.assert_allclose(ignored, case["size_ignored_gives"]["log_likelihood"], rtol=1e-8)


def test_the_known_lag(reference_results):
    case = json.loads(reference_results("cases/lag.json").read_text())
    panel = hj.EventPanel.from_arrays(
        case["times"], [0] * len(case["times"]), window=case["window"]
    )
    right = dict(case["right"])
    best, lag = right.pop("log_likelihood"), right.pop("lag")
    params = {"mu": [[right["mu"]]], "alpha": [[right["alpha"]]], "gamma": [[right["gamma"]]]}
    params = {name: np.array(value) for name, value in params.items()}
    near = lag + np.linspace(-5e-5, 5e-5, 11)  # the lag is given to four digits, and it jumps
    score = jax.jit(hj.Hawkes(lag=1.0).log_likelihood)
    found = [score(params, hj.Hawkes(lag=one).prepare(panel)) for one in near]
    np.testing.assert_allclose(max(found), best, rtol=2e-5)
    with pytest.raises(ValueError, match="learned by fit alone"):
        hj.Hawkes(lag="learned").log_likelihood(params, panel)


@pytest.mark.skipif(SINGLE, reason="a search to 1e-8 needs float64")
def test_a_lag_is_learned():
    truth = {"mu": [0.5], "alpha": [[0.5]], "gamma": 8.0}
    model = hj.Hawkes(decay="shared", lag=0.5)
    panel = hj.simulate(model, truth, window=(0, 120), key=jax.random.key(3))
    found = hj.fit(hj.Hawkes(decay="shared", lag="learned"), panel)
    known = hj.fit(model, panel)
    assert abs(found.model.lag - 0.5) < 0.02
    assert found.log_likelihood >= known.log_likelihood - 1e-6
    assert found.num_parameters == known.num_parameters + 1
    assert "The lag is 0." in found.message
    assert hj.residuals(found.model, found, panel)["residual"].mean() == pytest.approx(1, abs=0.1)


@pytest.mark.skipif(SINGLE, reason="a search to 1e-8 needs float64")
def test_groups_are_as_fits_of_each(reference_results):
    """Two fits, one a period, know nothing of each other: as near as their errors."""
    case = json.loads(reference_results("cases/regime.json").read_text())
    low, high = case["window"]
    users = [(times,) for times in case["users"]]
    panel = hj.EventPanel.from_lists(users, window=(low, high), mark_names=["event"])
    table = pd.DataFrame({"start": [case["change"]], "end": [high], "when": ["after"]})
    where = {"start": "start", "end": "end", "kind": "when", "window": (low, high)}
    periods = hj.Covariates.intervals(table, **where)
    found = hj.fit(hj.Hawkes(alpha_effects=periods, decay="shared"), panel)
    alpha = found.params["alpha_group"].ravel()
    errors = found.standard_errors["alpha_group"].ravel()
    assert found.coords["group"] == ["after=0", "after=1"]
    for one, error, name in zip(alpha, errors, ("before", "after"), strict=True):
        value, spread = case["two_fits_give"][name]
        assert abs(one - value) < spread
        assert error == pytest.approx(spread, rel=0.2)
    ratio = found.contrast("after=1", "after=0")
    np.testing.assert_allclose(ratio["ratio"], alpha[1] / alpha[0])
    assert ratio["97.5%"].item() < 0.6
    back = found.contrast("after=0", "after=1")
    np.testing.assert_allclose(back["2.5%"], 1 / ratio["97.5%"])


TRUTH = {
    "mu": np.array([[0.5, 0.3]] * 4),
    "alpha": np.array([[0.3, 0.1], [0.2, 0.2]]),
    "gamma": 2.0,
    "kappa": np.array([0.5, 0.2]),
    "alpha_effect": np.array([[[0.3, -0.4, 0.1]] * 2] * 2),
    "gamma_effect": np.array([0.5, -0.5, 0.2]),
}
WHOLE = hj.Hawkes(
    magnitude="exponential", alpha_effects=TRAITS, gamma_effects=True, decay="shared", lag=0.3
)


@pytest.fixture(scope="module")
def simulated():
    sizes = np.random.default_rng(0).exponential(0.5, 300)
    given = {"window": (0, 30), "sequence_names": USERS, "mark_names": ["a", "b"]}
    return hj.simulate(WHOLE, TRUTH, magnitudes=sizes, key=jax.random.key(0), **given)


def expected(model, params, panel):
    """The compensator of simulated events, by event and target."""
    owner, marks = np.asarray(panel.sequence), np.asarray(panel.marks)
    left = np.maximum(np.asarray(panel.remaining) - model.lag, 0)
    data = panel.times, marks, owner, panel.magnitude
    total = params["mu"].sum() * 20.0
    for k in range(panel.num_events):
        for i in range(2):
            rate = params["gamma"] * pace(model, params, owner[k])[i, marks[k]]
            share = -np.expm1(-rate * left[k])
            total += factor(model, params, data, k, i) * params["alpha"][i, marks[k]] * share
    return total


def test_simulated_counts_are_the_compensators(simulated):
    """Martingales: over many panels, the events less what is expected of them are 0."""
    sizes, gaps = np.random.default_rng(0).exponential(0.5, 300), []
    given = {"window": (0, 20), "sequence_names": USERS, "mark_names": ["a", "b"]}
    for seed in range(30):
        one = hj.simulate(WHOLE, TRUTH, magnitudes=sizes, key=jax.random.key(seed), **given)
        gaps.append(one.num_events - expected(WHOLE, TRUTH, one))
    gaps = np.array(gaps)
    assert abs(gaps.mean()) < 4 * gaps.std() / np.sqrt(len(gaps))


def test_every_verb_takes_what_events_carry(simulated, tmp_path):
    panel, key = simulated, jax.random.key(1)
    tests = hj.residual_tests(hj.residuals(WHOLE, TRUTH, panel))
    assert tests.loc[("all", "all"), "ks p"] > 0.01
    shares = hj.attribution(TRUTH, panel, model=WHOLE)
    by_cause = shares.values[0][:, :3]
    np.testing.assert_allclose(by_cause.sum(axis=1), 1, 1e-5 if SINGLE else 1e-9)
    assert by_cause[0, 0] == 1
    check = hj.predictive_check(WHOLE, TRUTH, panel, key=key, draws=10)
    assert check.summary().loc[("all", "a", "events"), "p"] > 0.01
    ahead = hj.forecast(WHOLE, TRUTH, panel, horizon=5, key=key, draws=10)
    assert ahead.counts.shape == (10, 4, 2)
    assert ahead.counts.sum() > 0
    figure = hj.plots.intensity(TRUTH, panel, model=WHOLE, points=30)
    hj.plots.intensity(TRUTH, panel, model=WHOLE, points=2)  # as means
    assert len(figure.axes) == 4
    scores = hj.evaluate(WHOLE, TRUTH, panel, cut=24, key=key, draws=20)
    assert np.isfinite(scores.log_score)
    again = hj.Model.known["hawkes"].from_config(json.loads(json.dumps(WHOLE.config())), {})
    np.testing.assert_allclose(
        again.log_likelihood(TRUTH, panel), WHOLE.log_likelihood(TRUTH, panel)
    )


@pytest.mark.parametrize("name", ["all of it", "paces by source"])
def test_causes_are_those_of_double_sums(name):
    """With a lag and sizes, from the definition of the probabilities."""
    model, data = MODELS[name], events()
    params, panel = values(model), panel_of(*data)
    times, marks, sequence, _ = data
    found = hj.attribution(params, panel, model=model, links=[("0", "1")])
    start, row = times + model.lag, 0
    lost = np.zeros(len(times))
    for m in range(4):
        mine = np.flatnonzero(sequence == m)
        for n in mine[np.argsort(times[mine], kind="stable")]:
            if times[n] < WINDOWS[m][0][0]:
                continue
            i, parts = marks[n], np.zeros(len(times))
            for k in np.flatnonzero((sequence == m) & (start < times[n])):
                for share, gamma in terms_of(model, params):
                    d = (gamma * pace(model, params, m))[i, marks[k]]
                    parts[k] += share * d * np.exp(-d * (times[n] - start[k]))
                parts[k] *= factor(model, params, data, k, i) * params["alpha"][i, marks[k]]
            rate = params["mu"][m, i] + parts.sum()
            cut = (i == 1) & (marks == 0)
            lost[n] = np.sum(parts * np.where(cut, 1, lost)) / rate
            causes = [params["mu"][m, i], parts[marks == 0].sum(), parts[marks == 1].sum()]
            right = [*np.array(causes) / rate, lost[n]]
            np.testing.assert_allclose(found.values[0, row], right, 1e-4 if SINGLE else 1e-9)
            row += 1


@pytest.mark.slow
def test_groups_drawn_together(simulated):
    """A posterior of pooled users: tables and contrasts; fit refuses."""
    model = hj.Hawkes(alpha_effects="sequence", pooled=True, decay="shared")
    panel = simulated.between(0, 6)
    with pytest.raises(ValueError, match="cannot estimate pooled effects"):
        hj.fit(model, panel)
    some = {"num_warmup": 10, "num_samples": 20, "num_chains": 1, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hj.SamplingWarning)  # so few draws
        post = hj.sample(model, panel, key=jax.random.key(0), **some)
    table = post.group_effects()
    assert table.index.unique("group").tolist() == USERS
    ratio = post.contrast("u0", "u1")
    assert ratio.index.tolist() == ["a -> a", "b -> a", "a -> b", "b -> b"]
    whole = post.posterior["alpha_group"].mean(("chain", "draw"))
    np.testing.assert_allclose(table["mean"], whole.values.ravel(), rtol=1e-5)
    assert "alpha mean" in post.spillover().columns.unique(0)
    with pytest.raises(ValueError, match="no group 'u9'"):
        post.contrast("u0", "u9")
    assert hj.residuals(model, post, panel.select(["u2", "u0"]))["residual"].notna().any()
