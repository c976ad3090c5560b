"""A known exposure multiplies the baseline, and nothing else."""

import itertools
import json
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.driver import run_named
from tests.hawkes.exposed import (
    COVARIATES,
    EDGES,
    EXPOSURE,
    FEATURE,
    MODELS,
    PIECES,
    SINGLE,
    TOLERANCE,
    events,
    expected,
    log_likelihood,
    panel_of,
    table,
    values,
)


@pytest.mark.parametrize("name", MODELS)
def test_the_likelihood_beside_gaps_and_a_history(name):
    model, data = MODELS[name], events()
    params, terms = values(model)
    panel = panel_of(EXPOSURE)
    assert np.sum(panel.exposure.at(panel.times, panel.sequence) == 0) >= 5
    want = log_likelihood(model, params, terms, data)
    np.testing.assert_allclose(model.log_likelihood(params, panel), want, TOLERANCE)
    for by in ("event", "sequence"):
        np.testing.assert_allclose(np.sum(model.pointwise(params, panel, by)), want, TOLERANCE)


@pytest.mark.parametrize("name", ["by pair", "covariates"])
def test_increments_are_integrals_between_events(name):
    model, data = MODELS[name], events()
    params, terms = values(model)
    panel = panel_of(EXPOSURE)
    inside, tails = model.compensator_increments(params, panel)
    times = np.asarray(panel.start)[panel.sequence] + panel.times
    for m in range(4):
        own = np.flatnonzero(panel.sequence == m)
        ends = [PIECES[m][0][0], *times[own], PIECES[m][-1][1]]
        for (low, high), got in zip(
            itertools.pairwise(ends), [*np.asarray(inside)[own], tails[m]], strict=True
        ):
            parts = [(max(low, a), min(high, b)) for a, b in PIECES[m]]
            want = sum(
                expected(model, params, terms, data, m, a, b) for a, b in parts if a < b
            ) + np.zeros(2)
            np.testing.assert_allclose(got, want, rtol=1e-3 if SINGLE else 1e-9, atol=TOLERANCE)


def test_gradients_where_the_exposure_is_0():
    model, data = MODELS["by pair"], events()
    params, terms = values(model)
    prepared = model.prepare(panel_of(EXPOSURE), dtype=np.float64)
    slopes = jax.grad(lambda params: model.log_likelihood(params, prepared))(params)
    for name, places in (("mu", [(2, 0), (1, 1)]), ("alpha", [(0, 1), (1, 1)])):
        for place in places:
            sides = []
            for h in (1e-5, -1e-5):
                moved = {key: np.array(value) for key, value in params.items()}
                moved[name][place] += h
                sides.append(log_likelihood(model, moved, terms, data))
            slope = (sides[0] - sides[1]) / 2e-5
            np.testing.assert_allclose(slopes[name][place], slope, rtol=1e-3 if SINGLE else 1e-6)


def test_a_factor_of_1_changes_nothing_and_the_unit_of_exposure_is_muted():
    model = MODELS["by pair"]
    params, _ = values(model)
    plain, ones = panel_of(None), panel_of(table(([-1, 3, 7.7, 11], [1, 1, 1])))
    same = 1e-6 if SINGLE else 1e-12
    for by in ("event", "sequence"):
        terms = [model.pointwise(params, one, by) for one in (plain, ones)]
        np.testing.assert_allclose(*terms, rtol=same, atol=same)
    scaled = {name: one.assign(factor=8.0 * one["factor"]) for name, one in EXPOSURE.items()}
    smaller = params | {"mu": params["mu"] / 8}
    found = model.log_likelihood(smaller, panel_of(scaled))
    np.testing.assert_allclose(found, model.log_likelihood(params, panel_of(EXPOSURE)), same)


def test_the_known_maximum(reference_results):
    case = json.loads(reference_results("cases/exposure.json").read_text())
    times, right = case["times"], case["right"]
    known = table((np.arange(401.0), case["exposure_by_day"]))
    panel = hj.EventPanel.from_arrays(
        times, [0] * len(times), window=case["window"], exposure=known
    )
    model, names = hj.Hawkes(), ("mu", "alpha", "gamma")
    found = hj.fit(model, panel)
    np.testing.assert_allclose(found.log_likelihood, right["log_likelihood"], rtol=1e-6)
    for name in names:
        np.testing.assert_allclose(np.squeeze(found.params[name]), right[name], rtol=2e-4)
    # The search of known decays, and the integral over offsets of no spread, agree.
    fixed = hj.fit(hj.Hawkes(gamma=float(np.squeeze(found.params["gamma"]))), panel)
    for name in ("mu", "alpha"):
        np.testing.assert_allclose(fixed.params[name], found.params[name], rtol=1e-4)
    np.testing.assert_allclose(fixed.log_likelihood, found.log_likelihood, rtol=1e-6)
    assert fixed.standard_errors["mu"][0, 0] > 0
    # Events where the exposure is 0 are of the effects for certain.
    tests = hj.effect_tests(found, panel)
    assert np.isinf(tests["gain"]).all() and (tests["p"] < 1e-3).all()
    # Nothing is expected to come by itself there, and no silence is suspected.
    shares = hj.attribution(found, panel).values[0, :, 0]
    off = panel.exposure.at(panel.times, panel.sequence) == 0
    assert off.any() and (shares[off] == 0).all() and (shares[~off] > 0).all()
    assert panel.remarks() == []
    np.testing.assert_allclose(
        shares.sum(), np.squeeze(found.params["mu"]) * panel.exposed[0], 1e-4
    )
    rescaled = hj.residuals(model, found, panel)["residual"]
    np.testing.assert_allclose(rescaled.mean(), 1, atol=0.02)
    assert hj.residual_tests(hj.residuals(model, found, panel))["ad p"].min() > 0.01


def test_draws_follow_the_exposure():
    """Immigrants alone: counts by piece have known means, with covariates and without."""
    known = table(([0, 2, 3, 6, 11], [1.0, 0.0, 4.0, 0.5]))
    model = hj.Hawkes(covariates=COVARIATES, decay="shared")
    params = {"mu": [0.8], "alpha": [[0.0]], "gamma": 1.0, "beta": [[0.9]]}
    seen = {"window": (0.5, 9), "exposure": known, "num_sequences": 3000}
    panel = hj.simulate(model, params, **seen, key=jax.random.key(0))
    edges = np.array([0.5, 2, 2.5, 3, 5, 6, 8.5, 9])
    middle = (edges[1:] + edges[:-1]) / 2
    factor = np.array([1.0, 0.0, 4.0, 0.5])[np.searchsorted([0, 2, 3, 6], middle, "right") - 1]
    warmth = FEATURE[np.searchsorted(EDGES, middle, side="right") - 1]
    means = 3000 * 0.8 * factor * np.exp(0.9 * warmth) * np.diff(edges)
    counts = np.histogram(panel.times + 0.5, edges)[0]
    assert np.all(np.abs(counts - means) <= 4 * np.sqrt(means))
    assert (counts[1:3] == 0).all()

    # Beyond the window it is known up to 11: one continuation is as a draw of 9 to 11.
    ahead = hj.forecast(model, params, panel, horizon=2, key=jax.random.key(1), draws=3)
    mean = 3 * 3000 * 0.8 * 0.5 * np.exp(0.9 * 1.2) * 2
    assert abs(ahead.counts.sum() - mean) < 4 * np.sqrt(mean)
    with pytest.raises(ValueError, match=r"'0' is known up to 11, and is needed up to 11\.5"):
        hj.forecast(model, params, panel, horizon=2.5, key=jax.random.key(1))


def test_children_come_whatever_the_exposure():
    """The mean of all events is that of immigrants over 1 - alpha; a check of draws and verbs."""
    known = table((np.arange(61.0), np.resize([1.0, 0.0, 3.0], 60)))
    model = hj.Hawkes(decay="shared")
    truth = {"mu": [1.0], "alpha": [[0.5]], "gamma": 5.0}
    seen = {"window": (0, 50), "exposure": known, "gaps": (20, 25), "num_sequences": 8}
    panel = hj.simulate(model, truth, **seen, key=jax.random.key(3))
    np.testing.assert_allclose(panel.exposed, 17 * 1 + 16 * 3 - 8)  # 8 in the gap
    off = panel.exposure.at(panel.times, panel.sequence) == 0
    assert 20 < off.sum() < 0.3 * panel.num_events
    drawn = hj.predictive_check(model, truth, panel, key=jax.random.key(4), draws=60)
    total = drawn.replicated[:, 0]  # clusters of 2 on average: a mean of 60 has sd 8
    np.testing.assert_allclose(total.mean(), 8 * 57 * 2, rtol=0.05)
    waits = hj.residuals(model, truth, panel, join=True)["residual"]
    np.testing.assert_allclose(waits.mean(), 1, atol=4 / np.sqrt(len(waits)))

    scored = hj.evaluate(model, truth, panel, cut=30, key=jax.random.key(5), draws=100)
    inside = panel.between(30, 50).exposed.sum()
    assert inside == pytest.approx(8 * 25)
    np.testing.assert_allclose(scored.counts["mean"].loc["all"], 2 * inside, rtol=0.1)
    past, whole = panel.between(0, 30), panel.between(0, 50.1)
    gain = model.log_likelihood(truth, whole) - model.log_likelihood(truth, past)
    np.testing.assert_allclose(scored.log_score, gain, rtol=1e-4 if SINGLE else 1e-9)
    assert scored.scores["log_score"].iloc[1:].eq(-np.inf).all()  # no baseline alone brings these
    hj.plots.intensity(truth, panel, model=model)


def test_cut_and_chosen_panels_keep_their_exposure():
    panel = panel_of(EXPOSURE)
    frame = panel.exposures()
    again = panel_of(frame)
    for got, want in zip(jax.tree.leaves(again), jax.tree.leaves(panel), strict=True):
        np.testing.assert_array_equal(got, want)
    assert "exposed by a factor of 0 to 5" in repr(panel)
    np.testing.assert_allclose(panel.exposed, [6.05, 1.5 + 1.5 + 1.5 + 0.75, 9.45, 2.5])
    chosen = panel.select(["2", "0"])
    np.testing.assert_allclose(chosen.exposed, panel.exposed[[2, 0]])
    parts = panel.between(0, 4.75), panel.between(4.75, 10)
    np.testing.assert_allclose(sum(part.exposed for part in parts), panel.exposed)
    model, (params, _) = hj.Hawkes(form="scan"), values(hj.Hawkes())
    late = panel.between(4.75, 10, keep_history=True)
    early = panel.between(0, 4.75, keep_history=True)
    total = sum(float(model.log_likelihood(params, part)) for part in (early, late))
    np.testing.assert_allclose(total, model.log_likelihood(params, panel), TOLERANCE)
    described = panel.describe("sequence")
    np.testing.assert_allclose(described["exposure"], panel.exposed)
    np.testing.assert_allclose(described["per exposure"], described["events"] / panel.exposed)


def test_dates_and_times_of_a_resolution():
    """A zone's own days, over the night in which clocks go forward."""
    rows = pd.DataFrame({"t": ["2024-03-30T10:00", "2024-03-31T12:00"], "who": ["a", "b"]})
    days = pd.DataFrame(
        {
            "start": ["2024-03-30", "2024-03-31"],
            "end": ["2024-03-31", "2024-04-01"],
            "factor": [2.0, 1.0],
        }
    )
    options = {
        "time": "t", "sequence": "who", "unit": "hour", "timezone": "Europe/Madrid",
        "window": ("2024-03-30", "2024-04-01"),
    }  # fmt: skip
    panel = hj.EventPanel.from_dataframe(rows, **options, exposure=days)
    assert panel.exposed.tolist() == [2 * 24 + 23] * 2
    assert panel.exposures()["start"].iloc[1] == pd.Timestamp("2024-03-31", tz="Europe/Madrid")
    rounded = hj.EventPanel.from_dataframe(rows, **options, exposure=days, resolution="hour")
    model, params = hj.Hawkes(), {"mu": [[0.1], [0.2]], "alpha": [[0.1]], "gamma": [[1.0]]}
    found = [model.log_likelihood(params, one) for one in (panel, rounded)]
    np.testing.assert_allclose(*found, rtol=1e-5)  # lone events, anywhere in their hours


def test_only_the_level_has_the_exposure_in_its_unit():
    """Priors and starts of a population of a million are those of one."""
    scaled = {name: one.assign(factor=1e6 * one["factor"]) for name, one in EXPOSURE.items()}
    model = hj.Hawkes(baseline="hierarchical")
    one, many = (model.prepare(panel_of(exposure)) for exposure in (EXPOSURE, scaled))
    sites, wider = model.sites(one), model.sites(many)
    for name, factor in (("mu_median", 1e6), ("gamma", 1), ("mu_spread", 1), ("alpha", 1)):
        shape = np.shape(np.asarray(sites[name].mean)) or ()
        point = np.full(shape, 0.7)
        alike = sites[name].log_prob(point) - wider[name].log_prob(point / factor)
        np.testing.assert_allclose(alike, -np.log(factor), atol=1e-4)
    starts = zip(model.starts(one), model.starts(many), strict=True)
    for start, wide in starts:
        np.testing.assert_allclose(start["mu_median"], 1e6 * wide["mu_median"], rtol=1e-5)
        np.testing.assert_allclose(start["gamma"], wide["gamma"], rtol=1e-5)


def rows(*triples, **more):
    return pd.DataFrame(triples, columns=["start", "end", "factor"]).assign(**more)


BAD = {
    "a hole": (rows((0, 4, 1), (5, 10, 1)), "a hole before the row in row 1 .*factor 0"),
    "an overlap": (rows((0, 4, 1), (3, 10, 1)), "begins before .* in row 1 .from 3"),
    "late": (rows((1, 10, 1)), "reach from 1 to 10, the window of sequence '0' from 0 to 10"),
    "short": (rows((0, 9, 1)), "reach from 0 to 9, .*Add rows"),
    "backwards": (rows((0, 4, 1), (4, 4, 2), (4, 10, 1)), "ends before it begins.* in row 1"),
    "negative": (rows((0, 4, -1), (4, 10, 1)), "a negative factor in row 0 .-1"),
    "not finite": (rows((0, 4, np.nan), (4, 10, np.inf)), "not a finite number in rows 0 .*, 1 "),
    "text": (rows((0, 10, "much")), "not a finite number in row 0"),
    "a date": (rows(("2024-01-01", 10, 1)), "not a number in row 0"),
    "nothing": (rows((0, 10, 0)), "is 0 throughout the window of '0', where there are events"),
    "no column": (rows((0, 10, 1)).drop(columns="factor"), "without the column 'factor'"),
    "no table": (3, "exposure is 3. Give a table"),
    "no rows": (rows(), "no rows"),
    "unknown": ({"0": rows((0, 10, 1)), "x": rows((0, 10, 1))}, "unknown sequences 'x'"),
    "nameless": (rows((0, 10, 1), sequence=None), "no sequence in row 0"),
    "of another": ({"0": rows((0, 10, 1), (9, 12, 1))}, "in row 1 of sequence '0'"),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals(case):
    given, said = BAD[case]
    with pytest.raises(ValueError, match=said):
        hj.EventPanel.from_arrays([0.5, 1, 3], [0] * 3, window=(0, 10), exposure=given)


def test_what_is_refused_later():
    two = hj.EventPanel.from_arrays
    with pytest.raises(ValueError, match="has no rows for sequence 'b'"):
        two([1.0], [0], sequence=["a"], window={"a": (0, 9), "b": (0, 9)},
            exposure={"a": rows((0, 9, 1))})  # fmt: skip
    late = rows((0, 2, 0), (2, 10, 1))
    panel = two([1.0, 1.0, 1.5, 3], [0, 1, 0, 0], window=(0, 10), exposure=late)
    said = r"no earlier event could trigger in events at 1 of '0', at 1 of '0'\. It is among"
    with pytest.raises(ValueError, match=said):
        hj.fit(hj.Hawkes(), panel)
    truth = {"mu": np.ones((1, 2)), "alpha": np.full((2, 2), 0.5), "gamma": np.ones((2, 2))}
    assert hj.Hawkes().log_likelihood(truth, panel) == -np.inf
    with pytest.raises(ValueError, match="no earlier event could trigger"):
        hj.attribution(truth, panel, model=hj.Hawkes())
    early = two(
        [0.5, 1.0],
        [0, 0],
        window=(0.7, 10),
        keep_history=True,
        exposure=rows((0, 2, 0), (2, 10, 1)),
    )
    one = {"mu": [[1.0]], "alpha": [[0.5]], "gamma": [[1.0]]}
    assert np.isfinite(hj.Hawkes().log_likelihood(one, early))
    hj.Hawkes().check(early)
    with pytest.raises(ValueError, match="in a window whose exposure is 0"):
        hj.Hawkes().check(early.between(0.7, 2, keep_history=True))
    rounded = replace(panel, resolution=1.0)
    with pytest.raises(ValueError, match="known only to within 1"):
        hj.Hawkes().check(rounded)
    with pytest.raises(ValueError, match=r"model\.prepare"):
        jax.jit(lambda panel: hj.Hawkes().log_likelihood(truth, panel))(panel)


def test_the_command_line(tmp_path):
    truth = {"mu": [0.5], "alpha": [[0.4]], "gamma": 2.0}
    known = pd.DataFrame(table((np.arange(0.0, 70, 10), [1, 0, 2, 1, 0, 3])))
    panel = hj.simulate(
        hj.Hawkes(), truth | {"gamma": [[2.0]]}, window=(0, 50), exposure=known, num_sequences=2,
        key=jax.random.key(1),
    )  # fmt: skip
    frame = panel.to_dataframe().rename(columns={"sequence": "who"})
    frame.to_csv(tmp_path / "events.csv", index=False)
    known.to_csv(tmp_path / "shared.csv", index=False)
    known.assign(end=known["end"] - 1).to_csv(tmp_path / "holes.csv", index=False)
    panel.exposures().rename(columns={"sequence": "who"}).to_csv(tmp_path / "own.csv", index=False)
    said = ["events.csv", "--sequence", "who", "--window", "0", "50", "--no-pictures"]
    lines = {
        "own": ["fit", *said, "--exposure", "own.csv", "--ahead", "10", "--csv", "own"],
        "far": ["fit", *said, "--exposure", "shared.csv", "--ahead", "11"],
        "holes": ["fit", *said, "--exposure", "holes.csv"],
        "column": ["fit", *said, "--exposure", "events.csv"],
    }
    lines = {name: [*line, "--out", name] for name, line in lines.items()}
    done = run_named(lines, tmp_path)
    assert [done[name][0] for name in lines] == [0, 2, 2, 2], done
    found = json.loads((tmp_path / "own" / "estimate.json").read_text())
    np.testing.assert_allclose(
        found["log_likelihood"], hj.Hawkes().log_likelihood(found["params"], panel), rtol=1e-4
    )
    described = pd.read_csv(tmp_path / "own" / "describe.csv")
    assert described["exposure"].tolist() == panel.exposed.tolist()
    assert "is needed up to 61. Extend its rows to that time" in done["far"][2]
    assert "a hole before the row" in done["holes"][2]
    assert "has no column end, factor, start" in done["column"][2]
