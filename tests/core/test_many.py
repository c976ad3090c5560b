"""Many fits at once are the fits one by one; known parameters are recovered."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from tests.cases import CASES, Case

DOUBLE = jnp.zeros(()).dtype == np.float64
KEYS = jax.random.split(jax.random.key(7), 3)
PLAIN = [case for case in CASES if case.name in ("hawkes", "retweet", "katz")]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case.name == "retweet" else ())
        for case in PLAIN
    ],
    ids=str,
)
def test_fits_of_many_are_the_fits_of_each(case: Case):
    data = [case.draw(key) for key in KEYS[:2]]
    many = hj.fit_many(case.model, data)
    for one, found in zip(data, many, strict=True):
        alone = hj.fit(case.model, one)
        close = 1e-9 if DOUBLE else 1e-4
        assert found.log_likelihood == pytest.approx(alone.log_likelihood, rel=close)
        assert found.num_events == alone.num_events and found.data is one
        for name, value in alone.params.items():
            np.testing.assert_allclose(
                found.params[name], value, rtol=1e-4 if DOUBLE else 0.1, atol=1e-3
            )


MODEL = hj.Hawkes(decay="shared")
TRUTH = {"mu": [0.5, 0.4], "alpha": [[0.3, 0.2], [0.0, 0.4]], "gamma": 2.0}


def test_panels_share_one_compilation():
    """All panels are laid out in one size; others of another shape each in their own."""
    panels = [hj.simulate(MODEL, TRUTH, window=(0, 100), key=key) for key in KEYS]
    assert len({one.num_events for one in panels}) > 1
    shapes = {str([np.shape(leaf) for leaf in jax.tree.leaves(one)]) for one in MODEL.alike(panels)}
    assert len(shapes) == 1
    more = hj.simulate(MODEL, TRUTH, window=(0, 100), num_sequences=2, key=KEYS[0])
    assert len(hj.fit_many(MODEL, [panels[0], more], errors=False)) == 2


def test_draws_of_many_are_those_of_sample():
    panels = [hj.simulate(MODEL, TRUTH, window=(0, 60), key=key) for key in KEYS[:2]]
    lengths = {"num_warmup": 20, "num_samples": 10, "num_chains": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hj.SamplingWarning)  # so few draws
        found = hj.sample_many(MODEL, panels, key=KEYS[0], **lengths)
    assert [post.posterior.sizes["draw"] for post in found] == [10, 10]
    assert not np.allclose(found[0].posterior["alpha"], found[1].posterior["alpha"])


def test_recovery_is_bias_spread_coverage_and_power():
    """The table by hand, from the fits of the same data."""
    design = {"window": (0, 120), "mark_names": ["a", "b"]}
    key = jax.random.key(3)
    found = hj.recover(MODEL, TRUTH, design, key=key, replicates=4)
    data = [hj.simulate(MODEL, TRUTH, key=one, **design) for one in jax.random.split(key, 4)]
    fits = hj.fit_many(MODEL, data)
    table = found.summary()
    alpha = np.array([one.params["alpha"][0, 1] for one in fits])
    low = np.array([one.lower["alpha"][0, 1] for one in fits])
    high = np.array([one.upper["alpha"][0, 1] for one in fits])
    row = table.loc["alpha[b -> a]"]
    assert row["truth"] == 0.2
    assert row["bias"] == pytest.approx(alpha.mean() - 0.2, abs=1e-6)
    assert row["sd"] == pytest.approx(alpha.std(ddof=1), rel=1e-5)
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean((alpha - 0.2) ** 2)), rel=1e-5)
    known = np.isfinite(low)
    assert row["intervals"] == known.sum()
    held = (low <= 0.2) & (high >= 0.2)
    assert row["coverage"] == pytest.approx(held[known].mean())
    called = [hj.effect_tests(one, panel).loc[("b", "a"), "p"] < 0.05
              for one, panel in zip(fits, data, strict=True)]  # fmt: skip
    assert row["power"] == pytest.approx(np.mean(called))
    assert np.isnan(table.loc["gamma", "power"])
    assert "4 replicates" in repr(found) and "recovery" in found.tables()


def test_a_design_may_be_a_function():
    """Of another process, too; power is that of intervals without 0."""
    edges = np.arange(0.0, 41)
    late = hj.Covariates(edges, (edges[:-1, None] >= 20).astype(float), ("late",))
    model = hj.Hawkes(covariates=late, gamma=1.0)

    def twice_as_many(key):
        times = np.sort(
            np.random.default_rng(np.asarray(jax.random.key_data(key))).uniform(0, 40, 60)
        )
        times = np.concatenate([times, np.linspace(20.1, 39.9, 60)])
        return hj.EventPanel.from_arrays(times, np.zeros(120, int), window=(0, 40))

    truth = {"beta": [[np.log(3.0)]]}
    found = hj.recover(model, truth, twice_as_many, key=KEYS[0], replicates=3)
    assert found.summary().index.tolist() == ["beta[0, late]"]
    assert found.summary()["power"].item() == 1.0


REFUSED = {
    "no list": (lambda: hj.fit_many(MODEL, 3), "a list of data sets"),
    "an empty list": (lambda: hj.fit_many(MODEL, []), "a list of data sets"),
    "another kind of data": (lambda: hj.fit_many(MODEL, [3]), "Data set 0: The data must be"),
    "no design": (lambda: hj.recover(MODEL, TRUTH, 3, key=KEYS[0]), "a dict of the options"),
    "another truth": (
        lambda: hj.recover(
            hj.Hawkes(),
            {"nu": 1.0},
            lambda key: hj.simulate(MODEL, TRUTH, window=(0, 60), key=key),
            key=KEYS[0],
            replicates=1,
        ),
        "truth names nu",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_of_many(name):
    call, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        call()
