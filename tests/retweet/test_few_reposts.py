"""Posts with few reposts or none: what they tell is told, and nothing more."""

import jax
import numpy as np
import pytest
from scipy.stats import chi2

import hawkesjax as hj
from hawkesjax.retweet.swing import intervals

SIZE, LENGTH = 300, 200.0  # posts, hours


def posts_with(reposts):
    """Posts at random times of hours, half days a feature; some of them reposted after an hour."""
    times = np.sort(np.random.default_rng(0).uniform(0, LENGTH, SIZE))
    edges = np.append(np.arange(0, LENGTH, 12), LENGTH)
    cells = np.arange(len(edges) - 1)
    values = np.stack([np.ones(len(cells)), cells % 2 == 0], axis=1).astype(float)
    covariates = hj.Covariates(edges, values, ("intercept", "x"), "hour")
    return hj.Cascades.from_arrays(
        times, np.full(SIZE, 50), times[reposts] + 1, np.full(len(reposts), 5), reposts,
        window=(0, LENGTH), unit="hour", covariates=covariates,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[[], [20]], ids=["no repost", "one repost"])
def fitted(request):
    return hj.fit(hj.RetweetHawkes(), posts_with(request.param))


def test_the_rate_of_posts_is_that_of_a_poisson_regression(fitted):
    """Log rates of two kinds of cells, and what 174 and 126 posts tell of them."""
    assert fitted.converged, fitted.message
    close = 1e-6 if jax.config.jax_enable_x64 else 1e-3
    np.testing.assert_allclose(fitted.params["beta"], [0.43286408, -0.05337446], atol=close)
    errors = fitted.standard_errors["beta"]
    np.testing.assert_allclose(errors, [0.08219949, 0.11548032], rtol=close)
    assert "determine beta" not in fitted.message


def test_a_swing_that_is_not_told_may_be_anywhere(fitted):
    table = fitted.rhythm()
    assert set(table.loc["reposts peak at"]) == {"any time of day"}
    assert table.loc["r0", "2.5%"] == 0 and 0.9 < table.loc["r0", "97.5%"] <= 1
    assert table.loc["phi0", "97.5%"] - table.loc["phi0", "2.5%"] == pytest.approx(24)
    rows = fitted.summary().loc[["swing[cos]", "swing[sin]", "r0", "phi0"]]
    assert np.all(np.isfinite(rows)) and np.all(rows["se"] > 0.05)
    assert np.all((rows["2.5%"] <= rows["estimate"]) & (rows["estimate"] <= rows["97.5%"]))


def test_ends_that_are_not_known_are_no_time_of_day():
    data = posts_with([20])
    table = hj.fit(hj.RetweetHawkes(), data, errors=False).rhythm()
    assert table.loc["phi0, time of day", "97.5%"] == "unknown"


CASES = {
    "well known": ([0.3, 0.2], [0, 0], [[900.0, 200.0], [200.0, 400.0]], 1.0),
    "across midnight": ([-0.5, 0.01], [0, 0], [[300.0, 0.0], [0.0, 60.0]], 1.0),
    "towards the rim": ([0.6, 0.3], [0, 0], [[9.0, 2.0], [2.0, 40.0]], 0.8),
    "on the rim": ([0.0, -0.4], [1.0, -9.0], [[30.0, 0.0], [0.0, 5.0]], 0.4),
    "no swing": ([0.02, 0.01], [0, 0], [[20.0, 1.0], [1.0, 30.0]], 1.0),
    "one direction": ([0.3, -0.3], [0, 0], [[200.0, 200.0], [200.0, 200.0]], 1.0),
    "nothing": ([0.3, -0.3], [0, 0], [[0.0, 0.0], [0.0, 0.0]], 1.0),
    "a saddle": ([0.3, -0.3], [0, 0], [[-3.0, 0.0], [0.0, 50.0]], 1.0),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_intervals_of_the_swing_are_what_the_disc_holds(case):
    """Against every point of a fine grid, by the log-likelihood itself."""
    pair, slope, curvature, radius = (np.asarray(part, float) for part in case)
    found = intervals(pair, 5.0, slope, curvature, float(radius), 24.0)
    values, vectors = np.linalg.eigh(curvature)
    flat = vectors @ np.diag(np.maximum(values, 0)) @ vectors.T
    x, y = np.meshgrid(*[np.linspace(-radius, radius, 1201)] * 2)
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    move = grid - pair
    level = move @ slope - np.einsum("ka,ab,kb->k", move, flat, move) / 2
    kept = grid[(level >= -chi2.ppf(0.95, 1) / 2) & (np.hypot(*grid.T) <= radius)]
    size = np.hypot(*kept.T)
    near = 0.005 * radius
    for name, ends in (("swing", kept), ("r0", size)):
        _, low, high = found[name]
        np.testing.assert_allclose(low, ends.min(axis=0), atol=near)
        np.testing.assert_allclose(high, ends.max(axis=0), atol=near)
    error, low, high = found["phi0"]
    assert error == pytest.approx((high - low) / 3.92, rel=1e-3) and low <= 5 <= high
    if size.min() < near:
        assert (low, high) == (-7, 17)
    else:
        turns = np.angle((kept @ [1, 1j]) / (pair @ [1, 1j])) * 24 / (2 * np.pi)
        close = near / size.min() * 24 / (2 * np.pi)
        np.testing.assert_allclose([low - 5, high - 5], [turns.min(), turns.max()], atol=close)
