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
