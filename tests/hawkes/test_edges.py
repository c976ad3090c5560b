"""The likelihood at its edges, in every form, against double sums in extended precision."""

import jax
import numpy as np
import pytest

import hawkesjax as hj
from tests.hawkes import reference

DURATION, DRAWS = 10.0, 200
DTYPES = [np.float32] + [np.float64] * jax.config.jax_enable_x64


def panel_of():
    """The first sequence begins with an event of "a", the second with one of "b"."""
    rng = np.random.default_rng(0)
    times, marks, sequence = reference.random_events(rng, 2, [9, 4, 0, 1], DURATION)
    marks[0], marks[9], marks[13] = 0, 1, 0
    return hj.EventPanel.from_arrays(
        times,
        marks,
        sequence=sequence,
        window=(0, DURATION),
        mark_names=["a", "b"],
        sequence_names=["w", "x", "y", "z"],
    )


def draws():
    """Baselines of exactly 0, effects of exactly 0, decays so slow that gamma T is 1e-12."""
    rng = np.random.default_rng(1)
    there = rng.uniform(size=(DRAWS, 4, 2)) < rng.uniform(size=(DRAWS, 1, 1))
    return {
        "mu": np.where(there, rng.uniform(0.1, 1, there.shape), 0),
        "alpha": rng.uniform(0, 1, (DRAWS, 2, 2)) * (rng.uniform(size=(DRAWS, 2, 2)) < 0.8),
        "gamma": 10 ** rng.uniform(-13, 1.5, (DRAWS, 2, 2)),
    }


def expected_of(panel, mu, alpha, gamma):
    """The log-likelihood and its gradient in alpha, by double sums."""
    mu, alpha, gamma = (np.asarray(x, np.longdouble) for x in (mu, alpha, gamma))
    times, marks, owner = (np.asarray(x) for x in (panel.times, panel.marks, panel.sequence))
    total, slope = -DURATION * mu.sum(), np.zeros((2, 2), np.longdouble)
    for n, i in enumerate(marks):
        parts = np.zeros(2, np.longdouble)
        for k in np.flatnonzero((owner == owner[n]) & (times < times[n])):
            rate = gamma[i, marks[k]]
            parts[marks[k]] += rate * np.exp(-rate * (times[n] - times[k]))
        rate = mu[owner[n], i] + alpha[i] @ parts
        with np.errstate(divide="ignore", invalid="ignore"):
            total, slope[i] = total + np.log(rate), slope[i] + parts / rate
        children = -np.expm1(-gamma[:, i] * (DURATION - times[n]))
        total, slope[:, i] = total - alpha[:, i] @ children, slope[:, i] - children
    return float(total), slope.astype(float)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["scan", "lanes", "pairs"])
def test_the_value_and_its_slope_where_baselines_are_0_and_decays_slow(form, dtype):
    model, panel, params = hj.Hawkes(form=form), panel_of(), draws()
    params = {name: value.astype(dtype) for name, value in params.items()}
    prepared = model.prepare(panel, dtype=dtype)
    compute = jax.jit(jax.vmap(jax.value_and_grad(lambda p: model.log_likelihood(p, prepared))))
    value, slope = compute(params)
    known = [expected_of(panel, *draw) for draw in zip(*params.values(), strict=True)]
    expected, slopes = map(np.array, zip(*known, strict=True))
    single = dtype == np.float32
    np.testing.assert_allclose(value, expected, rtol=1e-5 if single else 1e-12)
    finite = np.isfinite(expected)
    silent = np.min(params["mu"], axis=(1, 2)) == 0
    assert np.sum(finite & silent) > 15 and np.sum(~finite) > 30
    if not single:  # slopes as small as gamma T, with all their digits
        assert np.sum(np.abs(slopes[finite]) < 1e-9) > 9
        np.testing.assert_allclose(slope["alpha"][finite], slopes[finite], rtol=1e-9)


FORMS = {
    "scan": {"form": "scan"},
    "lanes": {"form": "lanes"},
    "pairs": {"form": "pairs"},
    "known decays": {"gamma": [[2e3, 3e3], [4e3, 1e3]]},
    "a sum": {"kernel": hj.SumOfExponentials(2, ratio=4.0)},
}


def steep(model, size=30):
    """Baselines of exactly 0 but for each sequence's first event, decays of which many leave no
    number of the excitation."""
    rng = np.random.default_rng(2)
    mu = np.where(rng.uniform(size=(size, 4, 2)) < 0.5, 0, rng.uniform(0.1, 1, (size, 4, 2)))
    mu[:, [0, 1, 3], [0, 1, 0]] = 0.3
    found = {"mu": mu, "alpha": rng.uniform(0.05, 1, (size, 2, 2))}
    if model.gamma is None:
        found["gamma"] = 10 ** rng.uniform(-1, 3.2, (size, 2, 2))
    if model.kernel.parameters:
        found["split"] = rng.uniform(0.2, 0.8, (size, 1))
    return found


def through_logarithms(panel, model, params):
    """The log-likelihood and its slope in alpha, each event a sum of logarithms of its terms."""
    wide = np.longdouble
    mu, alpha = (np.asarray(params[name], wide) for name in ("mu", "alpha"))
    gamma = np.asarray(params.get("gamma", model.gamma), wide)
    share = np.asarray(params.get("split", [1.0]), wide)[0]
    terms = [(wide(r), w) for r, w in zip(model.kernel.ratios, (share, 1 - share), strict=False)]
    times, marks, owner = (np.asarray(x) for x in (panel.times, panel.marks, panel.sequence))
    total, slope = -DURATION * mu.sum(), np.zeros((2, 2), wide)
    for n, i in enumerate(marks):
        logs, sources = [], []
        for k in np.flatnonzero((owner == owner[n]) & (times < times[n])):
            for ratio, weight in terms:
                rate = gamma[i, marks[k]] * ratio
                lag = wide(times[n]) - wide(times[k])
                logs.append(np.log(alpha[i, marks[k]] * weight * rate) - rate * lag)
                sources.append(marks[k])
        with np.errstate(divide="ignore"):
            logs, sources = np.array([*logs, np.log(mu[owner[n], i])]), np.array([*sources, -1])
        top = logs.max()
        size = top + np.log(np.sum(np.exp(logs - top)))
        total += size
        for j in range(2):
            slope[i, j] += np.sum(np.exp(logs[sources == j] - size)) / alpha[i, j]
            left = sum(w * np.exp(-gamma[j, i] * r * (DURATION - times[n])) for r, w in terms)
            total, slope[j, i] = total - alpha[j, i] * (1 - left), slope[j, i] - (1 - left)
    return float(total), slope.astype(float)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FORMS)
def test_the_value_where_the_excitation_is_below_all_numbers(name, dtype):
    model, panel = hj.Hawkes(**FORMS[name]), panel_of()
    params = {name: value.astype(dtype) for name, value in steep(model).items()}
    prepared = model.prepare(panel, dtype=dtype)
    compute = jax.jit(jax.vmap(jax.value_and_grad(lambda p: model.log_likelihood(p, prepared))))
    value, slope = compute(params)
    draws = [dict(zip(params, draw, strict=True)) for draw in zip(*params.values(), strict=True)]
    expected, slopes = map(
        np.array, zip(*(through_logarithms(panel, model, draw) for draw in draws), strict=True)
    )
    inside = jax.vmap(lambda p: model.log_likelihood_inside(p, prepared))(params)
    assert np.sum(~np.isfinite(inside)) > 2 and np.all(np.isfinite(expected))
    rtol = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(value, expected, rtol=rtol)
    np.testing.assert_allclose(slope["alpha"], slopes, rtol=100 * rtol, atol=1000 * rtol)
    assert all(np.all(np.isfinite(part)) for part in slope.values())
    if dtype == np.result_type(float):
        terms = model.pointwise(draws[0], panel)
        np.testing.assert_allclose(np.sum(terms), expected[0], rtol=10 * rtol)


@pytest.mark.parametrize("name", FORMS)
def test_an_event_that_nothing_can_have_caused_has_no_likelihood(name):
    model, panel = hj.Hawkes(**FORMS[name]), panel_of()
    params = {name: value[0] for name, value in steep(model).items()}
    params["mu"] = np.zeros_like(params["mu"])
    compute = jax.jit(jax.value_and_grad(model.log_likelihood))
    value, slope = compute(params, model.prepare(panel))
    assert value == -np.inf
    assert not any(np.any(np.isnan(part)) for part in slope.values())
