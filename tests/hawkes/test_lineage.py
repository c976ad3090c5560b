"""The causes of events against the double sum, ties and several sequences included."""

import jax
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.lineage import lineage
from hawkesjax.hawkes.prepared import stream_of
from tests.hawkes import reference

MU = np.array([[0.4, 0.2], [0.7, 0.3], [0.1, 0.1]])
ALPHA = np.array([[0.5, 0.2], [0.1, 0.3]])
GAMMA = np.array([[1.0, 2.0], [0.6, 3.0]])
CUT = np.array([[[0, 1], [0, 0]], [[0, 0], [1, 0]], [[1, 1], [1, 1]], [[0, 0], [0, 0]]], bool)


def by_double_sum(times, marks, sequence):
    """Direct causes, and the lost by solving q = (P . C) 1 + (P . (1 - C)) q."""
    count = len(times)
    parents = np.zeros((count, count))
    rates = reference.intensities(times, marks, sequence, MU, ALPHA, GAMMA)
    for n in range(count):
        for k in range(count):
            if sequence[k] == sequence[n] and times[k] < times[n]:
                i, j = marks[n], marks[k]
                lag = times[n] - times[k]
                parents[n, k] = ALPHA[i, j] * GAMMA[i, j] * np.exp(-GAMMA[i, j] * lag) / rates[n]
    direct = np.stack([MU[sequence, marks] / rates, parents[:, marks == 0].sum(1),
                       parents[:, marks == 1].sum(1)], axis=1)  # fmt: skip
    lost = []
    for cut in CUT:
        gone = cut[marks[:, None], marks[None, :]]
        lost.append(np.linalg.solve(np.eye(count) - parents * ~gone, (parents * gone).sum(1)))
    return direct, np.stack(lost, axis=1)


@pytest.mark.parametrize("counts", [(30, 1, 40), (0, 25, 25), (1, 0, 0)])
def test_lineage_is_the_double_sum(counts):
    times, marks, sequence = reference.random_events(np.random.default_rng(5), 2, counts)
    panel = hj.EventPanel.from_arrays(
        times, marks, sequence=sequence, window=(0, 10), sequence_names=["a", "b", "c"],
        mark_names=["online", "offline"],
    )  # fmt: skip
    stream = stream_of(panel)
    direct, lost = lineage(stream, MU[sequence, marks], ALPHA, GAMMA, CUT)
    expected, gone = by_double_sum(times, marks, sequence)
    np.testing.assert_allclose(direct, expected, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(lost, gone, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(np.sum(direct, axis=1), 1, rtol=1e-12)

    found = hj.attribution({"mu": MU, "alpha": ALPHA, "gamma": GAMMA}, panel, model=hj.Hawkes())
    table = found.events()
    assert list(table["event", "mark"]) == [panel.mark_names[m] for m in marks]
    np.testing.assert_allclose(table["background", "mean"], expected[:, 0], rtol=1e-11)
    shares = found.shares()
    for target, name in enumerate(panel.mark_names):
        mine = expected[marks == target]
        cell = shares.loc[("all", name, "direct from online")]
        value = mine[:, 1].mean() if len(mine) else np.nan
        np.testing.assert_allclose(cell, [value] * 3, rtol=1e-11)
    assert np.isnan(shares.loc[("b", "offline", "background"), "mean"]) == (
        not np.any((sequence == 1) & (marks == 1))
    )


def test_the_lost_are_the_long_run_share_over_a_long_window():
    panel = hj.simulate(
        hj.Hawkes(), {"mu": MU[:1], "alpha": ALPHA, "gamma": GAMMA}, window=(0, 40_000),
        key=jax.random.key(0), mark_names=["online", "offline"],
    )  # fmt: skip
    found = hj.attribution(
        {"mu": MU[:1], "alpha": ALPHA, "gamma": GAMMA}, panel, model=hj.Hawkes()
    ).shares()
    without = ALPHA.copy()
    without[1, 0] = 0
    whole, cut = (np.linalg.solve(np.eye(2) - a, MU[0]) for a in (ALPHA, without))
    share = found.loc[("all", "offline", "lost without online -> offline"), "mean"]
    np.testing.assert_allclose(share, 1 - cut[1] / whole[1], rtol=0.05)


def test_what_cannot_be_asked_is_refused():
    panel = hj.EventPanel.from_arrays([1.0, 2.0], [0, 1], window=(0, 3), mark_names=["a", "b"])
    params = {"mu": MU[:1], "alpha": ALPHA, "gamma": GAMMA}
    with pytest.raises(ValueError, match=r"links name 'c'; the panel's marks are a, b"):
        hj.attribution(params, panel, model=hj.Hawkes(), links=[("c", "a")])
    with pytest.raises(ValueError, match="fewer draws or links"):
        hj.attribution(params, panel, model=hj.Hawkes(), max_bytes=10)
