"""Maximum likelihood: it converges, says so, and its standard errors are the dense ones."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import biject_to

import hawkesjax as hj
from hawkesjax.core.information import Arrow
from hawkesjax.core.unconstrained import Unconstrained

WINDOW = (0.0, 120.0)
TRUTH = {
    "mu": np.array([[0.4, 0.2], [0.7, 0.3], [0.2, 0.5]]),
    "alpha": np.array([[0.5, 0.2], [0.1, 0.3]]),
    "gamma": np.array([[1.0, 2.0], [0.6, 3.0]]),
}


@pytest.fixture(scope="module")
def panel():
    return hj.simulate(hj.Hawkes(), TRUTH, window=WINDOW, key=jax.random.key(3))


MODELS = [
    hj.Hawkes(),
    hj.Hawkes(decay="source"),
    hj.Hawkes(decay="shared", baseline="shared"),
    pytest.param(hj.Hawkes(baseline="hierarchical"), marks=pytest.mark.slow),
    hj.Hawkes(gamma=1.0),
    hj.Hawkes(stationary=True),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.decay}-{m.baseline}-{m.gamma}")
def test_stops_where_the_gradient_vanishes(model, panel):
    found = hj.fit(model, panel)
    assert found.converged, found.message
    free = {name: found.params[name] for name in model.marginal().shapes(panel)}

    def objective(params):
        return model.marginal().log_likelihood(params, panel)

    gradient = jax.jit(jax.grad(objective))(jax.tree.map(jnp.asarray, free))
    scaled = {name: np.abs(gradient[name] * free[name]) for name in free}
    assert max(np.max(value) for value in scaled.values()) < 1e-6 * panel.num_events
    np.testing.assert_allclose(found.log_likelihood, objective(free), rtol=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        hj.Hawkes(),
        hj.Hawkes(decay="source"),
        hj.Hawkes(baseline="hierarchical"),
        hj.Hawkes(gamma=1.0),
    ],
    ids=lambda m: f"{m.decay}-{m.baseline}-{m.gamma}",
)
def test_standard_errors_equal_the_dense_information(model, panel):
    data, loss = model.prepare(panel), Unconstrained(model)
    params = {
        name: jnp.full(shape, 0.3) + 0.1 * jnp.arange(np.prod(shape, dtype=int)).reshape(shape)
        for name, shape in model.shapes(data).items()
    }
    fixed = {name: np.zeros(value.shape, bool) for name, value in params.items()}
    found = hj.fit(model, panel, errors=False)
    point = loss.free({name: jnp.asarray(found.params[name]) for name in params}, data)
    sparse = Arrow.at(model, loss, point, data).standard_errors(fixed)
    flat, unflatten = jax.flatten_util.ravel_pytree(point)
    dense = jax.jit(jax.hessian(lambda z: loss(unflatten(z), data)))(flat)
    expected = unflatten(jnp.sqrt(jnp.diag(jnp.linalg.inv(dense))))
    for name in point:
        np.testing.assert_allclose(sparse[name], expected[name], rtol=1e-6)


def test_intervals_stay_in_the_support_and_hold_the_estimate(panel):
    found = hj.fit(hj.Hawkes(), panel)
    table = found.summary()
    assert list(table.columns) == ["estimate", "se", "2.5%", "97.5%"]
    assert (table["2.5%"] > 0).all()
    assert ((table["2.5%"] < table["estimate"]) & (table["estimate"] < table["97.5%"])).all()
    assert found.aic == 2 * 14 - 2 * found.log_likelihood
    assert found.bic == 14 * np.log(panel.num_events) - 2 * found.log_likelihood


def test_a_missing_effect_is_named_as_on_the_boundary():
    params = TRUTH | {"alpha": np.array([[0.5, 0.0], [0.1, 0.3]])}
    # The events of this key are likeliest without the effect; half of all keys give such events.
    panel = hj.simulate(hj.Hawkes(), params, window=WINDOW, key=jax.random.key(0))
    found = hj.fit(hj.Hawkes(), panel)
    assert found.result is hj.Result.BOUNDARY
    assert "alpha[1 -> 0]" in found.message
    assert np.isnan(found.standard_errors["alpha"][0, 1])
    assert np.isfinite(found.standard_errors["alpha"][0, 0])


def test_starts_steps_and_bad_input(panel):
    model = hj.Hawkes()
    several = hj.fit(model, panel, starts=3, key=jax.random.key(0), errors=False)
    assert len(several.starts) == 3
    assert several.log_likelihood == pytest.approx(max(several.starts), abs=1e-6)
    short = hj.fit(model, panel, max_steps=2, errors=False)
    assert short.result is hj.Result.STEP_LIMIT and "max_steps" in short.message
    again = hj.fit(model, panel, init=several, errors=False)
    assert again.steps <= 2
    with pytest.raises(ValueError, match="key"):
        hj.fit(model, panel, starts=2)
    with pytest.raises(ValueError, match="alpha"):
        hj.fit(model, panel, init={"mu": 1.0, "gamma": 1.0})
    with pytest.raises(ValueError, match="support"):
        hj.fit(model, panel, init={"mu": 1.0, "gamma": 1.0, "alpha": -1.0})
    empty = hj.EventPanel.from_arrays([], [], window=(0, 1), mark_names=["a"])
    with pytest.raises(ValueError, match="no events"):
        hj.fit(model, empty)


def test_intervals_are_the_stated_transform(panel):
    model = hj.Hawkes()
    found = hj.fit(model, panel)
    support = model.sites(model.prepare(panel))["alpha"].support
    centre = biject_to(support).inv(found.params["alpha"])
    width = 1.959963984540054 * found.standard_errors["alpha"] / found.params["alpha"]
    np.testing.assert_allclose(found.upper["alpha"], np.exp(centre + width), rtol=1e-9)


def test_what_the_data_cannot_tell_is_said_and_stays_finite():
    """Uniform points have a trend at most: alpha and gamma of a slow decay are not determined."""
    seen = set()
    for seed in range(8):
        times = np.sort(np.random.default_rng(seed).uniform(0, 100, 100))
        panel = hj.EventPanel.from_arrays(times, np.zeros(100, int), window=(0, 100))
        found = hj.fit(hj.Hawkes(), panel)
        assert all(np.all(np.isfinite(value)) for value in found.params.values()), seed
        assert found.converged, (seed, found.message)
        wide = found.params["gamma"] * 100 < 0.01
        assert np.all(np.isnan(found.standard_errors["gamma"]) | ~wide)
        if np.any(wide):
            assert "gamma[0 -> 0] at" in found.message
        seen.add(bool(np.any(wide)))
    assert True in seen


def test_an_upper_end_of_a_prior_is_a_boundary():
    times = np.concatenate([np.arange(0, 2, 0.25) ** 0.5 + 10 * k for k in range(5)])
    times = np.sort(np.concatenate([times, times + 0.01, times + 0.02]))
    panel = hj.EventPanel.from_arrays(times, np.zeros(len(times), int), window=(0, 50))
    free = hj.fit(hj.Hawkes(), panel)
    held = hj.fit(hj.Hawkes(priors={"alpha": dist.Uniform(0.0, 0.3)}), panel)
    assert free.params["alpha"].item() > 0.35 and free.result is hj.Result.CONVERGED
    assert held.result is hj.Result.BOUNDARY, held.message
    assert "alpha[0 -> 0] at 0.3" in held.message


@pytest.mark.parametrize("verb", ["fit", "sample"])
def test_the_door_of_inference(verb):
    more = {"key": jax.random.key(0)} if verb == "sample" else {}
    run = getattr(hj, verb)
    lone = hj.EventPanel.from_arrays(
        [1.0, 2.0, 7.0], [0, 0, 0], sequence=[0, 0, 1], window="sequence"
    )
    with pytest.raises(ValueError, match=r"1 sequences have events in a window of no length \(1\)"):
        run(hj.Hawkes(), lone, **more)
    with pytest.raises(ValueError, match="must be an EventPanel, not PreparedPanel"):
        run(hj.Hawkes(), hj.Hawkes().prepare(lone), **more)


def test_values_follow_names_not_places(panel):
    found = hj.fit(hj.Hawkes(), panel)
    turned = panel.select([2, 0])
    told = hj.residuals(hj.Hawkes(), found, panel)
    again = hj.residuals(hj.Hawkes(), found, turned)
    for name in turned.sequence_names:
        mine, theirs = (part[part["sequence"] == name]["residual"] for part in (told, again))
        np.testing.assert_allclose(mine.to_numpy(), theirs.to_numpy(), rtol=1e-10)
    strange = hj.EventPanel.from_arrays([1.0], [1], window=(0, 2), sequence_names=["new"])
    with pytest.raises(ValueError, match=r"1 sequences that were not fitted \(new\)"):
        hj.forecast(hj.Hawkes(), found, strange, horizon=1, key=jax.random.key(0))


def test_a_fixed_gamma_is_not_contradicted(panel):
    model = hj.Hawkes(gamma=2.0)
    other = TRUTH | {"gamma": np.full((2, 2), 0.01)}
    for call in (
        lambda: model.log_likelihood(other, panel),
        lambda: hj.simulate(model, other, window=WINDOW, key=jax.random.key(0)),
        lambda: hj.forecast(model, other, panel, horizon=1, key=jax.random.key(0)),
    ):
        with pytest.raises(ValueError, match="fixed at 2"):
            call()
    same = TRUTH | {"gamma": np.full((2, 2), 2.0)}
    without = {name: TRUTH[name] for name in ("mu", "alpha")}
    assert model.log_likelihood(same, panel) == model.log_likelihood(without, panel)


def test_priors_built_from_others_are_told_apart():
    pairs = [
        [dist.Exponential(r).expand([2, 2]) for r in (1.0, 9.0)],
        [dist.Exponential(jnp.full((2, 2), r)).to_event(2) for r in (1.0, 9.0)],
        [dist.TruncatedNormal(m, 2.0, low=0.0) for m in (1.0, 5.0)],
        [dist.LogNormal(m, 1.0) for m in (0.0, 1.0)],
    ]
    for one, other in pairs:
        first, second = (hj.Hawkes(priors={"alpha": p}) for p in (one, other))
        assert first.config() != second.config()
        assert first.config() == hj.Hawkes(priors={"alpha": one}).config()


class Six(NamedTuple):
    """Prepared data: their number alone."""

    num_events: Any

    @property
    def dtype(self):
        return np.dtype(self.num_events.dtype)


# Log-likelihoods of a parameter that no search converges on: they end in a tip, or nowhere.
ENDLESS = {
    "a tip": lambda x: -1e3 * jnp.sqrt(jnp.abs(x - 1.3) + 1e-30),
    "a ridge": lambda x: -1e4 * jnp.abs(x - 1.3),
    "a ramp": lambda x: 1e6 * x,
    "a cliff": lambda x: jnp.exp(5 * x),
}


@dataclass(frozen=True)
class Halves(hj.Model[hj.EventPanel, hj.Estimate, hj.Posterior]):
    """A Poisson rate over 13 hours, and a parameter that does not interact with it."""

    other: str = "a tip"

    name = "halves"

    @property
    def parameters(self):
        flat = dist.Normal(0.0, 1.0)
        return hj.Parameter("log_rate", flat, start=0.0), hj.Parameter("other", flat, start=0.0)

    def prepare(self, data, *, dtype=None):
        return data if isinstance(data, Six) else Six(jnp.asarray(data.num_events, float))

    def log_likelihood(self, params, data):
        level, data = params["log_rate"], self.prepare(data)
        return data.num_events * level - 13 * jnp.exp(level) + ENDLESS[self.other](params["other"])

    def remarks(self, draws, data):
        return ["The other means nothing."]

    def blocks(self, data):
        return {"log_rate": np.array(0), "other": np.array(1)}


@pytest.mark.parametrize("other", ENDLESS)
def test_a_part_without_a_maximum_leaves_the_others_theirs(other):
    panel = hj.EventPanel.from_arrays(np.arange(6.0), np.zeros(6, int), window=(0, 13))
    found = hj.fit(Halves(other), panel)
    assert not found.converged and "whatever the others are: log_rate." in found.message
    assert found.message.endswith("The other means nothing.")
    close = 1e-7 if jax.config.jax_enable_x64 else 1e-4
    assert float(found.params["log_rate"]) == pytest.approx(np.log(6 / 13), abs=close)
    assert float(found.standard_errors["log_rate"]) == pytest.approx(6**-0.5, rel=close)
