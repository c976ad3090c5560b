"""Predictive checks: statistics against plain loops; calm under the truth, loud elsewhere."""

import itertools

import jax
import numpy as np
import pytest
from scipy import stats

import hawkesjax as hj

TRUTH = {
    "mu": np.array([[0.5, 0.2], [1.0, 0.1], [0.2, 0.4]]),
    "alpha": np.array([[0.5, 0.2], [0.1, 0.4]]),
    "gamma": np.array([[2.0, 3.0], [1.0, 5.0]]),
}
MODEL = hj.Hawkes()


def draw(params=TRUTH, end=80.0, key=0):
    return hj.simulate(
        MODEL, params, window=[(5, end), (0, end), (0, end / 2)], key=jax.random.key(key),
        mark_names=["on", "off"], sequence_names=["ann", "bob", "cid"], unit="day",
    )  # fmt: skip


def plain(panel, mark, width):
    """The statistics of one mark, one event after the other."""
    gaps, pairs, bins = [], [], {}
    for m in range(panel.num_sequences):
        own = [t for t, s, k in zip(panel.times, panel.sequence, panel.marks, strict=True)
               if s == m and k == mark]  # fmt: skip
        mine = [later - before for before, later in itertools.pairwise(own)]
        gaps += mine
        pairs += list(itertools.pairwise(mine))
        for t in own:
            bins[m, int(t / width)] = bins.get((m, int(t / width)), 0) + 1
    first, second = np.array(pairs).T
    ranks = np.corrcoef(stats.rankdata(first), stats.rankdata(second))[0, 1]
    mean = sum(gaps) / len(gaps)
    varied = (sum((g - mean) ** 2 for g in gaps) / len(gaps)) ** 0.5 / mean
    count = sum(1 for k in panel.marks if k == mark)
    return [count, mean, varied, *np.percentile(gaps, [10, 50, 90]), max(bins.values()), ranks]


def test_the_statistics_equal_plain_loops():
    panel = draw()
    check = hj.predictive_check(MODEL, TRUTH, panel, key=jax.random.key(1), draws=2, width=4.0)
    table = check.summary()
    for number, mark in enumerate(panel.mark_names):
        found = table.loc[("all", mark), "observed"]
        np.testing.assert_allclose(found, plain(panel, number, 4.0), rtol=1e-9)
        assert "most events in 4 days" in found.index
        each = [table.loc[(name, mark, "events"), "observed"] for name in panel.sequence_names]
        assert each == panel.counts[:, number].tolist()


def test_true_parameters_are_at_peace_and_wrong_ones_are_not():
    panel, key = draw(end=300.0), jax.random.key(2)
    mine = {"odd": lambda panel: float(np.mean(np.asarray(panel.times) % 2 < 1))}
    calm = hj.predictive_check(MODEL, TRUTH, panel, key=key, draws=100, statistics=mine)
    table = calm.summary()
    assert np.mean((table["p"] > 0.02) & (table["p"] < 0.98)) > 0.85
    assert ("all", "all", "odd") in table.index
    poisson = TRUTH | {"mu": panel.counts / panel.duration[:, None], "alpha": np.zeros((2, 2))}
    loud = hj.predictive_check(MODEL, poisson, panel, key=key, draws=100).summary().loc["all"]
    assert np.all(loud.xs("CV of gaps", level="statistic")["p"] < 0.02)
    assert np.all(
        loud.xs("CV of gaps", level="statistic")["in words"] == "higher than the model expects"
    )
    assert np.all(loud.xs("events", level="statistic")["in words"] == "as the model expects")
    assert "replicates" in repr(calm)


def test_what_is_not_defined_is_said():
    empty = hj.EventPanel.from_arrays(
        [1.0], [0], sequence=[0], window=(0, 4), mark_names=["on", "off"], sequence_names=["ann"]
    )
    params = TRUTH | {"mu": np.full((1, 2), 0.3)}
    table = hj.predictive_check(MODEL, params, empty, key=jax.random.key(0), draws=20).summary()
    row = table.loc[("all", "off", "mean gap")]
    assert np.isnan(row["observed"]) and np.isnan(row["p"]) and row["in words"] == "not defined"
    assert 0 < row["undefined"] < 1
    assert table.loc[("all", "off", "events"), "observed"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [({"draws": 0}, "draws"), ({"width": 0.0}, "width"), ({"max_events": 3}, "max_events")],
)
def test_refusals(options, words):
    with pytest.raises(ValueError, match=words):
        hj.predictive_check(MODEL, TRUTH, draw(), key=jax.random.key(0), **options)
