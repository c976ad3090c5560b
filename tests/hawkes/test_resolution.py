"""Rounded times: each stands for any until the next step."""

import json

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.data.rounding import spread
from tests.hawkes import reference


def rounded_panel(**given):
    rng = np.random.default_rng(2)
    times, marks, sequence = reference.random_events(rng, 2, [30, 20], ties=False)
    return hj.EventPanel.from_arrays(
        np.floor(2 * times) / 2, marks, sequence=sequence, window=(0, 10), resolution=0.5, **given
    )


PARAMS = {
    "mu": np.array([[0.5, 0.8], [0.9, 0.3]]),
    "alpha": np.array([[0.3, 0.2], [0.1, 0.4]]),
    "gamma": np.array([[1.0, 2.0], [0.5, 1.5]]),
}


@pytest.mark.parametrize("given", [{}, {"gaps": (4, 5.5)}], ids=["whole", "with a gap"])
def test_spread_times_stay_in_their_step_and_in_the_record(given):
    panel = rounded_panel(outside="drop", **given)
    moved, order = spread(panel, 0.5, seed=3)
    low = np.asarray(panel.times)[order]
    before = np.isin(low, [4, 10])  # the ends of pieces, from the step before them
    assert np.all((moved.times >= low) | before) and np.all(moved.times >= low - 0.5)
    assert np.all(moved.times < low + 0.5) and np.ptp(moved.times - low) > 0.3
    assert not moved.gaps.holds(moved.times, moved.sequence).any()
    assert moved.counts.tolist() == panel.counts.tolist()


@pytest.mark.parametrize("form", ["auto", "scan"])
def test_the_likelihood_is_the_mean_over_spread_times(form):
    panel, model = rounded_panel(), hj.Hawkes(form=form)
    found = model.log_likelihood(PARAMS, panel)
    values = []
    for seed in range(8):
        moved, _ = spread(panel, 0.5, seed=seed)
        data = np.asarray(moved.times), np.asarray(moved.marks), np.asarray(moved.sequence)
        values.append(reference.log_likelihood(*data, *PARAMS.values(), [10, 10]))
    tolerance = 1e-10 if found.dtype == np.float64 else 1e-4
    np.testing.assert_allclose(found, np.mean(values), tolerance)
    for by in ("event", "sequence"):
        np.testing.assert_allclose(model.pointwise(PARAMS, panel, by).sum(), found, tolerance)


def test_dates_without_a_clock(reference_results):
    """A memory of an hour and times known to the day: how many children is told, how soon not."""
    case = json.loads(reference_results("cases/daily_dates.json").read_text())
    days = case["day"]
    panel = hj.EventPanel.from_arrays(days, [0] * len(days), window=case["window"], resolution=1)
    found = hj.fit(hj.Hawkes(), panel)
    low, high = found.lower["alpha"].item(), found.upper["alpha"].item()
    assert low < case["truth"]["alpha"] < high
    np.testing.assert_allclose(np.squeeze(found.params["alpha"]), 0.5, atol=0.03)
    np.testing.assert_allclose(np.squeeze(found.params["mu"]), case["truth"]["mu"], atol=0.03)
    assert "below the times' resolution (1)" in found.message
    tests = hj.residual_tests(hj.residuals(hj.Hawkes(), found, panel))
    assert tests["ad p"].min() > 0.05 and tests["in words"].str.contains("spread evenly").all()


def test_undeclared_steps_are_suspected(reference_results):
    case = json.loads(reference_results("cases/daily_dates.json").read_text())
    days = [day + 0.0 for day in case["day"] if day < 300]
    panel = hj.EventPanel.from_arrays(days, [0] * len(days), window=(0, 300))
    sure = {"mu": np.full((1, 1, 1), 0.3), "alpha": np.full((1, 1, 1), 0.5)}
    (said,) = hj.Hawkes().remarks(sure | {"gamma": np.full((1, 1, 1), 40.0)}, panel)
    assert "below the step of the times (1)" in said and "Declare the resolution" in said
    assert hj.Hawkes().remarks(sure | {"gamma": np.full((1, 1, 1), 0.1)}, panel) == []


def test_every_verb_takes_rounded_times():
    model, truth = hj.Hawkes(decay="shared"), {"mu": [1.0, 0.5], "alpha": [[0.3, 0], [0.2, 0.1]]}
    truth |= {"gamma": 1.0}
    panel = hj.simulate(
        model, truth, window=(0, 80), resolution=0.25, key=jax.random.key(0), unit="day"
    )
    assert np.all(np.asarray(panel.times) * 4 % 1 == 0) and "known to 0.25 days" in repr(panel)
    check = hj.predictive_check(model, truth, panel, key=jax.random.key(1), draws=30)
    assert check.summary()["p"].dropna().between(0.02, 0.98).mean() > 0.7
    hj.forecast(model, truth, panel, horizon=5, key=jax.random.key(2), draws=10)
    hj.attribution(truth, panel, model=model)
    hj.effect_tests(truth, panel, model=model)
    hj.evaluate(model, truth, panel, cut=60, key=jax.random.key(3), draws=10)
    assert panel.between(20, 40).resolution == panel.select("0").resolution == 0.25


def test_names_of_units():
    table = pd.DataFrame({"t": ["2024-05-01", "2024-05-01", "2024-05-03"]})
    panel = hj.EventPanel.from_dataframe(
        table, time="t", unit="hour", window=("2024-05-01", "2024-05-05"), resolution="day"
    )
    assert panel.resolution == 24


BAD = {
    "a finer time": (0.5, "a time finer than the resolution in row 1"),
    "another name": ("fortnight", "it must be one of 'second'"),
    "a name without a unit": ("day", "if the times' unit is one of these too"),
    "zero": (0, "resolution is 0; it must be"),
    "infinite": (np.inf, "resolution is inf; it must be"),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_of_resolutions(case):
    step, said = BAD[case]
    with pytest.raises(ValueError, match=said):
        hj.EventPanel.from_arrays([0.0, 1.25, 2], [0, 0, 0], window=(0, 3), resolution=step)


def test_what_cannot_be_spread_is_refused():
    with pytest.raises(ValueError, match='form="pairs" needs exact times'):
        hj.Hawkes(form="pairs").prepare(rounded_panel())
