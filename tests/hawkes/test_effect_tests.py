"""No effect must look like no effect, and an effect like one."""

import jax
import numpy as np
import pytest

import hawkesjax as hj

NAN = np.nan
FAMILY = hj.Hawkes(decay="shared")


def without(seed, size=120, marks=2):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 60, size))
    return hj.EventPanel.from_arrays(
        times, rng.integers(0, marks, size), window=(0, 60), mark_names=range(marks)
    )


def values(panel, gamma=1.0):
    size = panel.num_marks
    return {
        "mu": panel.counts / 60,
        "alpha": np.full((size, size), 1e-6),
        "gamma": gamma,
    }


def test_p_values_without_effects_are_spread_out():
    """Twenty panels of chance: a test of size 0.05 calls six or more with probability 0.0003."""
    tables = [hj.effect_tests(values(p), p, model=FAMILY) for p in map(without, range(20))]
    p = np.array([table["p"].to_numpy() for table in tables])
    assert ((p < 0.05).sum(axis=0) < 6).all()
    assert ((p[:, 0] > 0.5).mean() < 0.8) and (p > 0).all()


def test_an_effect_is_found_and_its_absence_too():
    truth = {"mu": [1.0, 1.0], "alpha": [[0.4, 0.0], [0.3, 0.0]], "gamma": 2.0}
    panel = hj.simulate(
        FAMILY, truth, window=(0, 200), key=jax.random.key(0), mark_names=["a", "b"]
    )
    found = hj.fit(FAMILY, panel)
    table = hj.effect_tests(found, panel)
    assert table.loc[("any", "any"), "p"] < 1e-3
    said = table["in words"]
    assert said["a", "a"] == said["a", "b"] == "an effect"
    assert said["b", "a"] == said["b", "b"] == "no clear effect"
    # The gain is that of two fits with this decay.
    decay = float(found.params["gamma"])
    whole = hj.fit(hj.Hawkes(gamma=decay), panel).log_likelihood
    for (source, target), held in {
        ("a", "b"): [[NAN, NAN], [0, NAN]],
        ("b", "a"): [[NAN, 0], [NAN, NAN]],
    }.items():
        part = hj.fit(hj.Hawkes(gamma=decay, fixed={"alpha": held}), panel).log_likelihood
        np.testing.assert_allclose(table.loc[(source, target), "gain"], whole - part, atol=1e-3)
    for words, said in (("an effect", False), ("no clear effect", True)):
        figure = hj.plots.network(found, tests=table.assign(**{"in words": words}))
        assert ("no clear effect" in figure.get_supxlabel()) == said


def test_sizes_and_delays_that_do_nothing_change_nothing():
    panel = without(4)
    table = hj.effect_tests(values(panel), panel, model=FAMILY)
    sized = hj.EventPanel.from_arrays(
        panel.times,
        panel.marks,
        window=(0, 60),
        mark_names=range(2),
        magnitude=np.random.default_rng(0).lognormal(size=120),
    )
    model = hj.Hawkes(decay="shared", magnitude="exponential")
    by_size = hj.effect_tests(values(sized) | {"kappa": [0.0, 0.0]}, sized, model=model)
    delayed = hj.effect_tests(values(panel), panel, model=hj.Hawkes(decay="shared", lag=1e-7))
    for other in (by_size, delayed):
        np.testing.assert_allclose(other["p"], table["p"], atol=0.02)


def test_names_and_units_of_time_do_not_matter():
    panel = without(3)
    table = hj.effect_tests(values(panel), panel, model=FAMILY)
    swapped = hj.EventPanel.from_arrays(
        panel.times * 24, 1 - panel.marks, window=(0, 60 * 24), mark_names=["1", "0"]
    )
    rates = values(swapped, 1 / 24)
    again = hj.effect_tests(rates | {"mu": rates["mu"] / 24}, swapped, model=FAMILY)
    for source, target in table.index[1:]:
        for column in ("gain", "p"):
            np.testing.assert_allclose(
                table.loc[(source, target), column],
                again.loc[(source, target), column],
                atol=0.02 if column == "p" else 1e-3,
            )


def test_other_panels_can_be_tested():
    """Gaps, a history, covariates, several sequences and an empty mark."""
    rng = np.random.default_rng(1)
    times, marks = np.sort(rng.uniform(0, 60, 150)), rng.integers(0, 2, 150)
    times, marks = times[(times < 20) | (times > 30)], marks[(times < 20) | (times > 30)]
    panel = hj.EventPanel.from_arrays(
        times, marks, window=(5, 60), gaps=(20, 30), keep_history=True, mark_names=range(3)
    )
    table = hj.effect_tests(hj.fit(hj.Hawkes(baseline="shared"), panel), panel)
    assert table["p"].between(0, 1).all() and table.loc[("any", "any"), "p"] > 0.01
    assert (table.xs("2", level="target")["in words"] == "no clear effect").all()
    edges = np.arange(0, 61.0, 10)
    level = np.where(edges[:-1] < 30, 0.0, 2.0)  # a step that one level takes for an effect
    known = hj.Covariates(edges, np.stack([np.ones(6), level], axis=1), ("intercept", "late"))
    late = np.sort(np.concatenate([rng.uniform(0, 30, 20), rng.uniform(30, 60, 150)]))
    stepped = hj.EventPanel.from_arrays(late, np.zeros(170, int), window=(0, 60))
    blind = hj.effect_tests(hj.fit(FAMILY, stepped), stepped)
    aware = hj.fit(hj.Hawkes(decay="shared", baseline=known), stepped)
    assert blind.loc[("any", "any"), "p"] < 0.01 < hj.effect_tests(aware, stepped)["p"].min()


def test_a_fit_says_what_none_would_reach():
    panel = without(0, 100)
    found = hj.fit(FAMILY, panel)
    rates = panel.counts[0] / 60
    none = np.sum(panel.counts[0] * np.log(rates)) - 100
    gain = found.log_likelihood - none
    assert f"Effects gain {gain:.2f} nats over none, with 5 more parameters" in found.message
    assert "by AIC these data do not ask for them" in found.message


def test_refusals_of_effect_tests():
    panel = without(0, 40)
    model = hj.Hawkes(decay="shared", tied={"alpha": "all"})
    with pytest.raises(ValueError, match="fixed or tied entries"):
        hj.effect_tests(values(panel), panel, model=model)
    with pytest.raises(ValueError, match="must be an EventPanel"):
        hj.effect_tests(values(panel), 3, model=FAMILY)
