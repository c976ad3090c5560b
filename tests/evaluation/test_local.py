"""The local calendar against slow twins, and distributions of counts by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from hawkesjax.evaluation.calibration import held_shares
from hawkesjax.evaluation.counts import GRID, CountForecast, scores
from hawkesjax.evaluation.forecasters import HourOfWeek, LocalCalendar
from hawkesjax.evaluation.local import clipped, likely_size
from hawkesjax.evaluation.past import Past
from hawkesjax.evaluation.rolling import rolling


def made(days, seed=0, size=6.0, holiday=False):
    """Negative binomial counts with days, hours, and holidays on which half as much happens."""
    index = pd.date_range("2024-02-01", periods=24 * days, freq="h", tz="Europe/Madrid")
    mean = 12 + 7 * np.sin(2 * np.pi * (index.hour - 9) / 24) - 4 * (index.day_of_week >= 5)
    off = (np.asarray(index.day_of_year) % 11 == 3) & holiday
    mean = np.asarray(mean) * np.where(off, 0.5, 1.0)
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean * rng.gamma(size, 1 / size, len(mean)))
    return index, counts.astype(float), off.astype(float)[:, None], mean


def past_of(index, counts, features, cut, end):
    return Past(counts[:cut], index[:cut], index[cut:end], features[:cut], features[cut:end])


def slow_size(counts, means, weights):
    grid = np.exp(np.linspace(np.log(0.01), np.log(1e5), 801))
    loss = [-(weights @ stats.nbinom(s, s / (s + means)).logpmf(counts)) for s in grid]
    return grid[int(np.argmin(loss))]


def slow_map(design, counts, weights, exposure, sds):
    """The same maximum, of all bins one by one, by a general search."""

    def loss(b):
        eta = design @ b
        prior = np.where(np.isfinite(sds), (b / np.where(np.isfinite(sds), sds, 1)) ** 2, 0)
        rate = exposure * np.exp(eta)
        slope = design.T @ (weights * (counts - rate)) - np.where(np.isfinite(sds), b / sds**2, 0)
        return -(weights @ (counts * eta - rate)) + prior.sum() / 2, -slope

    start = np.zeros(design.shape[1])
    start[0] = np.log(max(weights @ counts, 1e-9) / (weights @ exposure))
    return optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-8},
    ).x  # fmt: skip


def slow_law(past, half_life=56.0, local=3.0, clip=2.0):
    """The forecast's mean and size from its docstring, a row for each bin."""
    y = past.counts
    ages = np.array([(past.ahead[0] - t).total_seconds() / 86400 for t in past.index])

    def design(index, features):
        rows = []
        for time, feature in zip(index, features, strict=True):
            day, hour, cell = np.zeros(7), np.zeros(24), np.zeros(168)
            day[time.day_of_week] = hour[time.hour] = cell[24 * time.day_of_week + time.hour] = 1
            rows.append(np.r_[1.0, day, hour, cell, feature])
        return np.array(rows)

    x, after = design(past.index, past.features), design(past.ahead, past.features_ahead)
    sds = np.r_[np.inf, np.ones(31), np.full(168, 0.1), np.full(past.features.shape[1], 0.5)]
    weights = 0.5 ** (ages / half_life)
    mean, size = np.full(len(y), np.average(y, weights=weights)), np.inf
    for turn in range(3):
        sd = np.sqrt(mean + mean**2 / size)
        shown = y if turn == 0 else np.clip(y, np.maximum(mean - clip * sd, 0), mean + clip * sd)
        b = slow_map(x, shown, weights / (1 + mean / size), np.ones(len(y)), sds)
        mean = np.exp(x @ b)
        size = slow_size(y, mean, weights)
    near = ages <= 8 * local
    hours = lambda index: np.c_[np.ones(len(index)), np.eye(24)[index.hour]]  # noqa: E731
    weights = 0.5 ** (ages[near] / local)
    m = mean[near]
    size = slow_size(y[near], m, weights)
    sd = np.sqrt(m + m**2 / size)
    shown = np.clip(y[near], np.maximum(m - clip * sd, 0), m + clip * sd)
    sds = np.r_[0.2, np.full(24, 0.05)]
    d = slow_map(hours(past.index[near]), shown, weights / (1 + m / size), m, sds)
    size = slow_size(y, mean * np.exp(hours(past.index) @ d), 0.5 ** (ages / local))
    return np.exp(after @ b + hours(past.ahead) @ d), size


@pytest.mark.parametrize("holiday", [False, True])
def test_the_law_is_that_of_its_slow_twin(holiday):
    index, counts, off, _ = made(40, holiday=holiday)
    counts[700:704] = 300.0  # a burst, to be clipped
    past = past_of(index, counts, off if holiday else off[:, :0], 38 * 24, 40 * 24)
    told = LocalCalendar().law(past)
    mean, size = slow_law(past)
    np.testing.assert_allclose(told.mean, mean, rtol=2e-3)
    np.testing.assert_allclose(told.size, size, rtol=3e-2)


def test_the_size_is_at_the_maximum_and_clipping_is_by_hand():
    rng = np.random.default_rng(4)
    code = rng.integers(0, 5, 400)
    means = np.array([0.5, 2.0, 8.0, 30.0, 100.0])
    counts = rng.poisson(means[code] * rng.gamma(3.0, 1 / 3, 400)).astype(float)
    weights = rng.uniform(0.1, 1, 400)
    found = likely_size(counts, code, means, weights)
    assert found == pytest.approx(slow_size(counts, means[code], weights), rel=0.02)
    np.testing.assert_allclose(
        clipped(np.array([0.0, 5.0, 99.0]), np.full(3, 4.0), np.inf, 2.0), [0, 5, 8]
    )
    np.testing.assert_allclose(
        clipped(np.array([99.0]), np.array([4.0]), 4.0, 1.5), 4 + 1.5 * 8**0.5
    )


def test_shares_held_are_the_mean_of_both_sides_of_the_histogram():
    rng = np.random.default_rng(5)
    told, seen = CountForecast(np.array([0.7, 4.0, 20.0]), 3.0), np.array([0.0, 9.0, 12.0])
    found = held_shares([told, told], [seen, seen + 1], 10.0)
    law = stats.nbinom(3, 3 / (3 + told.mean))
    for k in rng.integers(1, 100, 20):
        total = 10.0 * GRID[k]
        for counts in (seen, seen + 1):
            for low, high in zip(law.cdf(counts - 1), law.cdf(counts), strict=True):
                side = np.clip((np.array([GRID[k], 1 - GRID[k]]) - low) / (high - low), 0, 1)
                total += (side[0] + 1 - side[1]) / 2
        assert found[k] == pytest.approx(total / 16, abs=1e-12)
    np.testing.assert_allclose(found + found[::-1], 1)


HELD = np.clip(0.5 + 1.4 * (GRID - 0.5), 0.2 * GRID, 1 - 0.2 * (1 - GRID))
FORMS = {
    "negative binomial": {"size": 2.5},
    "Poisson": {},
    "calibrated": {"size": 2.5, "held": np.where(GRID == 1, 1.0, HELD)},
}


@pytest.mark.parametrize("form", FORMS)
def test_probabilities_sum_to_one_and_crps_is_the_integral(form):
    told = CountForecast(np.array([0.3, 4.0, 25.0]), **FORMS[form])
    counts = np.arange(400.0)
    density = np.array([told.log_density(np.full(3, k)) for k in counts])
    through = np.array([told.cdf(np.full(3, k)) for k in counts])
    np.testing.assert_allclose(np.exp(density).sum(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(np.exp(density).cumsum(axis=0), through, atol=1e-5)
    seen = np.array([1.0, 7.0, 12.0])
    exact = ((through - (counts[:, None] >= seen)) ** 2).sum(axis=0)
    np.testing.assert_allclose(told.crps(seen), exact, rtol=0.02, atol=0.01)
    for p in (0.03, 0.5, 0.97):
        least = (through >= p - 1e-12).argmax(axis=0)
        np.testing.assert_array_equal(told.quantile(p), least)


def test_crps_of_draws_and_of_certainty():
    draws = np.random.default_rng(6).poisson(9, (4000, 1))
    told = CountForecast(np.array([9.0]), draws=draws)
    pair = np.abs(draws[:2000, 0] - draws[2000:, 0]).mean()
    assert told.crps(np.array([5.0]))[0] == pytest.approx(
        np.abs(draws - 5).mean() - pair / 2, rel=0.03
    )
    sure = CountForecast(np.array([3.0]), draws=np.full((9, 1), 3))
    assert sure.crps(np.array([8.0]))[0] == pytest.approx(5.0)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_an_interval_holds_what_is_nearest(level):
    told = CountForecast(np.geomspace(0.05, 60, 200), 4.0)
    low, high = told.interval(level)
    held = told.cdf(high) - told.cdf(low - 1)
    for end in (high - 1, high + 1):
        other = told.cdf(end) - told.cdf(low - 1)
        assert np.all((np.abs(held - level) <= np.abs(other - level) + 1e-9) | (end < low))
    assert abs(np.mean(held[told.mean > 3]) - level) < 0.01


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_hold_what_they_say_on_simulated_counts(seed):
    index, counts, _, _ = made(140, seed=seed, size=3.0)
    rng = np.random.default_rng(seed)
    for start in rng.integers(0, len(counts), 12):  # bursts, which inflate a variance
        counts[start : start + 3] *= 8
    series = pd.Series(counts, index=index)
    found = rolling(
        series, {"local": LocalCalendar(), "hours": HourOfWeek()}, first="40D", step="12D"
    ).summary()
    assert 0.77 <= found.loc["local", ("coverage", "mean")] <= 0.83
    assert found.loc["hours", ("coverage", "mean")] > found.loc["local", ("coverage", "mean")]
    assert found.loc["local", ("crps", "mean")] < found.loc["hours", ("crps", "mean")]


def test_the_last_stretch_of_the_training_part_calibrates():
    index, counts, off, _ = made(45)
    past = past_of(index, counts, off[:, :0], 40 * 24, 45 * 24)
    told, calendar = LocalCalendar()(past), LocalCalendar()
    before = calendar.law(past_of(index, counts, off[:, :0], 35 * 24, 40 * 24))
    held = held_shares([before], [counts[35 * 24 : 40 * 24]], 96.0)
    np.testing.assert_allclose(told.held, held)
    np.testing.assert_array_equal(told.point, told.quantile(0.5))
    short = past_of(index, counts, off[:, :0], 28 * 24, 32 * 24)
    assert calendar(short).held is None


def test_a_night_of_bursts_moves_it_little_and_a_new_level_much():
    index, counts, off, mean = made(70, size=20.0)
    cut = 60 * 24
    plain = LocalCalendar()(past_of(index, counts, off[:, :0], cut, cut + 192))
    burst = counts.copy()
    burst[cut - 30 : cut - 24] *= 40
    moved = LocalCalendar()(past_of(index, burst, off[:, :0], cut, cut + 192))
    assert np.abs(moved.mean / plain.mean - 1).mean() < 0.12
    raised = counts.copy()
    raised[cut - 7 * 24 :] = np.rint(1.6 * raised[cut - 7 * 24 :])
    higher = LocalCalendar()(past_of(index, raised, off[:, :0], cut, cut + 192))
    assert 1.35 < (higher.mean / mean[cut : cut + 192]).mean() < 1.65


def test_quiet_days_and_what_is_refused():
    index, counts, off, _ = made(45)
    quiet = counts.copy()
    quiet[30 * 24 : 40 * 24] = 0
    told = LocalCalendar()(past_of(index, quiet, off[:, :0], 40 * 24, 45 * 24))
    assert np.all(np.isfinite(told.mean) & (told.mean > 0))
    assert np.isfinite(scores(counts[40 * 24 :], told)["log_score"])
    with pytest.raises(ValueError, match="All training counts are 0"):
        LocalCalendar()(past_of(index, 0 * counts, off[:, :0], 40 * 24, 45 * 24))
    for wrong in ({"half_life": 0.0}, {"local_half_life": -1}, {"clip": 0.5}, {"cell_sd": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LocalCalendar(**wrong)
