"""A baseline that changes: the trend as a feature, the test for it, and the choice of a course."""

import jax
import numpy as np
import pytest

import hawkesjax as hj

MODEL = hj.Hawkes()


def dying(seed, size, fall, end=100.0, alpha=0.5):
    """Immigrants whose rate falls by exp(-fall) over the window, and their descendants."""
    rng = np.random.default_rng(seed)
    share = rng.random(rng.poisson(size * (1 - alpha)))
    times = share * end if fall == 0 else -np.log1p(-share * -np.expm1(-fall)) / fall * end
    found, parents = [times], times
    while len(parents):
        count = rng.poisson(alpha, len(parents))
        parents = np.repeat(parents, count) + rng.exponential(1.0, count.sum())
        found.append(parents)
    times = np.sort(np.concatenate(found))
    return hj.EventPanel.from_lists([(times[times < end],)], window=(0, end), mark_names=["post"])


@pytest.mark.parametrize("shape", ["exponential", "power"])
@pytest.mark.parametrize("beta", [-3.0, 0.5])
def test_the_trend_integrates_to_its_closed_form(shape, beta):
    panel = dying(0, 50, 0.0)
    trend = hj.Covariates.trend(panel, shape=shape, ahead=40.0)
    assert trend.window == (0.0, 140.0)
    steps = np.diff(trend.edges) * np.exp(beta * trend.values[:, 0])
    for low, high in ((0.0, 100.0), (100.0, 140.0)):
        inside = (trend.edges[:-1] >= low - 1e-9) & (trend.edges[1:] <= high + 1e-9)
        x = np.linspace(low, high, 200_001) / 100
        rate = np.exp(beta * x) if shape == "exponential" else (1 + x / 0.01) ** beta
        assert np.isclose(np.sum(steps[inside]), np.trapezoid(rate, 100 * x), rtol=1e-3)


def test_without_a_slope_it_is_the_model_without_a_trend():
    panel = dying(1, 60, 1.0)
    params = {"mu": [[0.4]], "alpha": [[0.3]], "gamma": [[1.2]]}
    trended = hj.with_trend(MODEL, panel, "power", ahead=10.0)
    found = trended.log_likelihood(params | {"beta": [[0.0]]}, panel)
    np.testing.assert_allclose(found, MODEL.log_likelihood(params, panel), rtol=1e-12)
    with pytest.raises(ValueError, match="has a trend"):
        hj.with_trend(trended, panel)
    steps = hj.Covariates(np.array([0.0, 50.0, 120.0]), np.array([[0.0], [1.0]]), ("late",))
    both = hj.with_trend(hj.Hawkes(covariates=steps), panel, ahead=10.0)
    assert both.covariates.feature_names == ("late", "trend")
    assert both.covariates.window == (0.0, 120.0)


def test_a_dying_panel_is_named_before_it_is_forecast():
    """Two fits: effects take up most of the fall, so that counts alone do not tell."""
    panel = dying(3, 400, 3.0).between(0, 60.0)
    estimate = hj.fit(MODEL, panel, errors=False)
    with pytest.warns(hj.DriftWarning, match="fall off before the forecast") as said:
        hj.forecast(MODEL, estimate, panel, horizon=5.0, key=jax.random.key(0), draws=5)
    assert said[0].filename == __file__
    # Parameters that were given are not in doubt.
    hj.forecast(MODEL, estimate.params, panel, horizon=5.0, key=jax.random.key(0), draws=5)


def waning(seed, size=300, end=100.0):
    """Immigrants at an even rate, whose effects fall from 0.9 to 0.1 descendants each."""
    rng = np.random.default_rng(seed)
    found, parents = [], rng.uniform(0, end, rng.poisson(size))
    while len(parents):
        found.append(parents)
        count = rng.poisson(0.9 * 9.0 ** (-parents / end))
        parents = np.repeat(parents, count) + rng.exponential(1.0, count.sum())
        parents = parents[parents < end]
    return hj.EventPanel.from_lists(
        [(np.sort(np.concatenate(found)),)], window=(0, end), mark_names=["post"]
    )


@pytest.mark.slow
def test_effects_that_wane_are_told():
    panel = waning(0, 1200)
    found = hj.drift(MODEL, hj.fit(MODEL, panel, errors=False), panel, of="effects")
    assert found.p < 0.003 and found.ratio[0] < 0.5
    assert "the effects change" in str(found)
    assert "effects" in hj.choose_trend(MODEL, panel, horizon=10.0, folds=1).table.index


def test_a_shared_level_may_change_too():
    panel = dying(1, 60, 1.0)
    params = {"mu": [[0.4]], "alpha": [[0.3]], "gamma": [[1.2]]}
    shared = hj.with_trend(hj.Hawkes(baseline="shared"), panel)
    told = {name: params[name] for name in ("alpha", "gamma")}
    found = shared.log_likelihood(told | {"beta": [[np.log(0.4), -0.7]]}, panel)
    slow = hj.with_trend(MODEL, panel).log_likelihood(params | {"beta": [[-0.7]]}, panel)
    np.testing.assert_allclose(found, slow, rtol=1e-12)
    for lost in (hj.Hawkes(lag=0.1), hj.Hawkes(link="rectified")):
        with pytest.raises(ValueError, match="cannot get a trend"):
            hj.drift(lost, params, panel, of="effects")


@pytest.mark.slow
def test_the_test_keeps_its_size_and_the_choice_its_aim():
    p = []
    for seed in range(60):
        panel = dying(seed, 300, 0.0)
        p.append(hj.drift(MODEL, hj.fit(MODEL, panel, errors=False), panel).p)
    assert np.mean(np.array(p) < 0.05) < 0.15
    right = [
        hj.choose_trend(MODEL, dying(s, 600, 3.0).between(0, 50.0), horizon=20.0).best != "none"
        for s in range(8)
    ]
    assert np.mean(right) > 0.7


def test_what_cannot_be_chosen_is_refused():
    two = hj.EventPanel.from_lists(
        [([1.0, 2.0],), ([3.0],)], window=[(0, 10), (2, 10)], mark_names=["post"]
    )
    with pytest.raises(ValueError, match="windows of their own"):
        hj.choose_trend(MODEL, two, horizon=1.0)
    late = hj.EventPanel.from_lists([([9.0],)], window=(0, 10), mark_names=["post"])
    with pytest.raises(ValueError, match="nothing can be learned there"):
        hj.choose_trend(MODEL, late, horizon=2.0)
