"""Penalised effects: conditions of a maximum, folds that add up, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.folds import Folds

MARKS = 6


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(0)
    alpha = np.where(rng.random((MARKS, MARKS)) < 0.2, 0.4, 0.0)
    truth = {"mu": np.full(MARKS, 0.2), "alpha": alpha, "gamma": 1.0}
    model = hj.Hawkes(decay="shared", baseline="shared")
    return hj.simulate(model, truth, window=(0, 150), num_sequences=2, key=jax.random.key(0))


MODELS = {
    "shared": hj.Hawkes(gamma=1.0, baseline="shared"),
    "by sequence": hj.Hawkes(gamma=np.full(MARKS, 1.5)),
    "blocks": hj.Hawkes(gamma=1.0, baseline="shared", form="blocks"),
}
GROUPS = np.arange(MARKS) // 3


@pytest.mark.parametrize("penalty", ["lasso", "group"])
@pytest.mark.parametrize("name", MODELS)
def test_slopes_at_the_maximum_balance_the_penalty(name, penalty, panel):
    """The gradient of the likelihood itself, by JAX, at the values found."""
    model, kappa = MODELS[name], 8.0
    groups = {"groups": GROUPS} if penalty == "group" else {}
    found = hj.shrink(model, panel, penalty=penalty, **groups, penalties=[kappa], folds=1)
    params = {n: jnp.asarray(found.estimate.params[n]) for n in ("mu", "alpha")}
    slope = jax.grad(lambda p: model.log_likelihood(p, model.prepare(panel)))(params)
    alpha, gain = np.asarray(params["alpha"]), np.asarray(slope["alpha"])
    close = 1e-3 if jax.config.jax_enable_x64 else 0.2
    assert np.max(np.abs(params["mu"] * slope["mu"])) < close
    for i in range(MARKS):
        for g in range(2):
            own = g == GROUPS
            if penalty == "lasso":
                cost, open_ = np.full(3, kappa), alpha[i, own] > 0
            else:
                norm = np.linalg.norm(alpha[i, own])
                if norm == 0:
                    most = np.linalg.norm(np.maximum(gain[i, own], 0))
                    assert most <= kappa * np.sqrt(3) + close
                    continue
                cost, open_ = kappa * np.sqrt(3) * alpha[i, own] / norm, alpha[i, own] > 0
            np.testing.assert_allclose(gain[i, own][open_], cost[open_], atol=10 * close)
            assert np.all(gain[i, own][~open_] <= cost[~open_] + close)
    assert found.estimate.num_parameters <= np.sum(alpha > 0) + params["mu"].size
    assert "standard errors" in found.estimate.message


@pytest.mark.parametrize("name", ["shared", "by sequence"])
def test_slopes_at_the_maximum_are_a_subgradient_of_the_nuclear_norm(name, panel):
    """X with slopes where effects are above 0, at least as large elsewhere, of spectral norm kappa
    at most, and <X, alpha> = kappa |alpha|_*: together sufficient, since the problem is convex."""
    model, kappa = MODELS[name], 30.0
    found = hj.shrink(model, panel, penalty="nuclear", penalties=[kappa], folds=1)
    params = {n: jnp.asarray(found.estimate.params[n]) for n in ("mu", "alpha")}
    slope = jax.grad(lambda p: model.log_likelihood(p, model.prepare(panel)))(params)
    alpha, gain = np.asarray(params["alpha"], float), np.asarray(slope["alpha"], float)
    close = 1e-3 if jax.config.jax_enable_x64 else 0.2
    assert np.max(np.abs(params["mu"] * slope["mu"])) < close
    norm = np.linalg.svd(alpha, compute_uv=False).sum()
    assert norm > 0 and np.any(alpha == 0)
    np.testing.assert_allclose(np.sum(gain * alpha), kappa * norm, atol=10 * close)
    x = gain
    for _ in range(5000):
        left, size, right = np.linalg.svd(x)
        x = (left * np.minimum(size, kappa)) @ right
        x = np.where(alpha > 0, gain, np.maximum(x, gain))
    assert np.linalg.norm(x, 2) <= kappa * (1 + 10 * close)
    rank = int(found.path["rank"].iloc[0])
    assert 0 < rank < MARKS
    sizes = np.linalg.svd(alpha, compute_uv=False)
    assert np.all(sizes[rank:] < 1e-3 * sizes[0])
    assert f"rank {rank}" in found.estimate.message


@pytest.mark.parametrize("penalty", ["lasso", "nuclear"])
def test_a_path_begins_without_effects_and_its_choice_is_scored_on_held_out_time(penalty, panel):
    found = hj.shrink(MODELS["shared"], panel, penalty=penalty, steps=8, folds=3)
    path = found.path
    assert path["effects"].iloc[0] == 0 < path["effects"].iloc[-1]
    assert path["log_likelihood"].is_monotonic_increasing
    assert path["chosen"].sum() == 1
    assert path["score"].idxmax() == path.index[path["chosen"]][0]
    careful = hj.shrink(
        MODELS["shared"], panel, penalty=penalty, steps=8, folds=3, rule="one-se"
    ).path
    assert careful.index[careful["chosen"]][0] <= path.index[path["chosen"]][0]
    value = MODELS["shared"].log_likelihood(
        {n: found.estimate.params[n] for n in ("mu", "alpha")}, panel
    )
    np.testing.assert_allclose(value, found.estimate.log_likelihood, rtol=1e-5)


@pytest.mark.parametrize("penalty", ["lasso", "nuclear"])
def test_a_weak_penalty_gives_the_maximum_of_fit(penalty, panel):
    model = MODELS["shared"]
    weak = hj.shrink(model, panel, penalty=penalty, penalties=[1e-6], folds=1).estimate
    plain = hj.fit(model, panel, errors=False)
    np.testing.assert_allclose(weak.params["alpha"], plain.params["alpha"], atol=1e-3)


@pytest.mark.parametrize("gamma", [1.0, np.full((MARKS, MARKS), 2.0)])
def test_children_of_all_folds_are_those_of_the_window(gamma, panel):
    model = hj.Hawkes(gamma=gamma, baseline="shared")
    folds = Folds.of(model, panel, 4)
    left = np.asarray(panel.duration)[panel.sequence] - np.asarray(panel.times)
    inside = 1 - np.exp(-np.max(gamma) * left)
    expected = np.bincount(panel.marks, weights=inside, minlength=MARKS)
    np.testing.assert_allclose(
        folds.children.sum(axis=1), expected[None] + 0 * folds.children[:, 0]
    )


@pytest.mark.parametrize(
    "settings, options, said",
    [
        ({"decay": "shared"}, {}, "known decays"),
        ({"gamma": 1.0}, {"penalty": "group"}, "groups="),
        ({"gamma": 1.0}, {"penalty": "group", "groups": [1, 2]}, "6 marks"),
        ({"gamma": 1.0}, {"penalties": [0.0]}, "above 0"),
        ({"gamma": 1.0, "baseline": "hierarchical"}, {}, "baseline"),
    ],
)
def test_what_is_refused(settings, options, said, panel):
    with pytest.raises(ValueError, match=said):
        hj.shrink(hj.Hawkes(**settings), panel, **options)


def test_the_nuclear_norm_says_how_many_marks_it_can_take():
    names = [f"m{i}" for i in range(401)]
    panel = hj.EventPanel.from_arrays([1.0, 2.0], [0, 1], window=(0, 3), mark_names=names)
    with pytest.raises(ValueError, match="up to 400 marks; the data have 401"):
        hj.shrink(hj.Hawkes(gamma=1.0), panel, penalty="nuclear")
