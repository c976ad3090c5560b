"""Calibration over 200 simulated panels: do 95 % intervals hold the truth 95 % of the time?"""

import jax
import numpy as np
import pytest
from scipy.stats import binom

import hawkesjax as hj

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

REPLICATES, SEQUENCES, EVENTS = 200, 4, 400
TRUTH = {
    "mu": np.array([0.4, 0.3]),
    "alpha": np.array([[0.4, 0.25], [0.2, 0.35]]),
    "gamma": np.array([[1.0, 3.0], [0.5, 2.0]]),
}
# One event a step: panels of as many events then share one compilation.
MODEL = hj.Hawkes(baseline="shared", form="scan")


def panel_of(seed):
    """Each sequence is watched until its 400th event: a stopping time, so the likelihood holds."""
    whole = hj.simulate(
        MODEL, TRUTH, window=(0, 1500), num_sequences=SEQUENCES, key=jax.random.key(seed)
    )
    kept = [np.flatnonzero(whole.sequence == m)[:EVENTS] for m in range(SEQUENCES)]
    assert all(len(rows) == EVENTS for rows in kept)
    rows = np.concatenate(kept)
    return hj.EventPanel.from_arrays(
        whole.times[rows],
        whole.marks[rows],
        sequence=whole.sequence[rows],
        window=[(0, whole.times[rows[-1]]) for rows in kept],
        mark_names=["a", "b"],
    )


def within_bounds(held, name):
    """Every coverage within the 99.9 % bounds of a binomial with 0.95, each parameter apart."""
    low, high = binom.ppf([0.0005, 0.9995], REPLICATES, 0.95) / REPLICATES
    print(f"{name}: {np.round(held, 3).tolist()} within [{low:.3f}, {high:.3f}]")
    assert np.all((held >= low) & (held <= high)), (name, held)


def test_intervals_of_fit():
    held = {name: np.zeros(np.shape(value)) for name, value in TRUTH.items()}
    scores = {name: np.zeros(np.shape(value)) for name, value in TRUTH.items()}
    for seed in range(REPLICATES):
        found = hj.fit(MODEL, panel_of(seed))
        assert found.converged, found.message
        for name, truth in TRUTH.items():
            low, high = found.lower[name], found.upper[name]
            assert np.all(np.isfinite(low)), found.message
            held[name] += (low <= truth) & (truth <= high)
            scores[name] += np.log(found.params[name] / truth)
    for name in TRUTH:
        print(f"{name}: mean error of the log {np.round(scores[name] / REPLICATES, 4).tolist()}")
        within_bounds(held[name] / REPLICATES, name)


def test_intervals_of_sample():
    """Posteriors under a flat enough prior, from one chain of 300 draws a panel."""
    names = ("mu", "alpha", "gamma")
    held = {name: np.zeros(np.shape(TRUTH[name])) for name in names}
    for seed in range(REPLICATES):
        post = hj.sample(
            MODEL,
            panel_of(seed),
            key=jax.random.key(10_000 + seed),
            num_warmup=200,
            num_samples=300,
            num_chains=1,
            progress=False,
            pointwise=None,
        )
        for name in names:
            low, high = np.quantile(post[name].values, [0.025, 0.975], axis=(0, 1))
            held[name] += (low <= TRUTH[name]) & (TRUTH[name] <= high)
    for name in names:
        within_bounds(held[name] / REPLICATES, name)
