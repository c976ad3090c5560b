"""Simulation by clusters: moments, delays, refusals, keys."""

import jax
import numpy as np
import pytest
from scipy import stats

import hawkesjax as hj
from hawkesjax.hawkes.simulate import generator, simulate_clusters

ONE = {"mu": [0.5], "alpha": [[0.5]], "gamma": 2.0}
TWO = {
    "mu": [0.3, 0.1],
    "alpha": [[0.5, 0.2], [0.1, 0.4]],
    "gamma": [[2.0, 3.0], [1.0, 5.0]],
}
# A triangle: mark 0 causes 1, 1 causes 2, nothing comes back; mark 3 never happens.
FOUR = {
    "mu": [0.5, 0.0, 0.05, 0.0],
    "alpha": [[0.0, 0, 0, 0.5], [0.9, 0.2, 0, 0], [0, 0.7, 0, 0], [0, 0, 0, 0]],
    "gamma": [3.0, 1.0, 0.5, 2.0],
}
MODELS = {(): "shared", (4,): "source", (2, 2): "pair"}


def model_of(params):
    return hj.Hawkes(decay=MODELS[np.shape(params["gamma"])])


def draw(params, window, seed=0, **options):
    return hj.simulate(model_of(params), params, window=window, key=jax.random.key(seed), **options)


@pytest.mark.parametrize("params", [ONE, TWO, FOUR], ids=["one", "two", "four"])
def test_mean_counts_are_those_of_the_branching_process(params):
    """n = (I - alpha)^-1 mu per unit of time; the start from an empty past is negligible here."""
    duration, repeats = 4000.0, 12
    panel = draw(params, (0, duration), num_sequences=repeats)
    alpha, mu = np.array(params["alpha"]), np.array(params["mu"])
    inverse = np.linalg.inv(np.eye(len(mu)) - alpha)
    rates = inverse @ mu
    # Asymptotic variance of counts: inverse diag(rates) inverse^T T.
    spread = np.sqrt(np.diag(inverse @ np.diag(rates) @ inverse.T) * duration * repeats)
    counts = np.asarray(panel.counts).sum(axis=0)
    assert np.all(np.abs(counts - rates * duration * repeats) <= 4 * spread + 1)
    assert counts[rates == 0].sum() == 0


def test_counts_near_the_start_follow_the_renewal_equation():
    """With one decay, E N(T) = mu (T + a (T - (1 - exp(-k T)) / k) / (1 - a)), k = g (1 - a)."""
    mu, a, g, duration = 0.5, 0.5, 2.0, 1.5
    panel = draw(ONE, (0, duration), num_sequences=20_000)
    k = g * (1 - a)
    expected = mu * (duration + a / (1 - a) * (duration - (1 - np.exp(-k * duration)) / k))
    counts = np.asarray(panel.counts)[:, 0]
    assert abs(counts.mean() - expected) < 4 * counts.std() / np.sqrt(len(counts))


def test_children_come_at_exponential_delays():
    """Mark 0 only immigrates and has at most one child or so: pair each child with its parent."""
    params = {"mu": [0.001, 0.0], "alpha": [[0, 0], [0.2, 0]], "gamma": [[1, 1], [0.5, 1]]}
    panel = draw(params, (0, 1e6), seed=3)
    kinds, gaps = np.asarray(panel.marks), np.asarray(panel.waits)
    alone = np.flatnonzero((kinds[1:] == 1) & (kinds[:-1] == 0)) + 1
    delays = gaps[alone]
    # Gaps to the first child: the minimum of a Poisson number of delays; keep only children.
    single = np.append(kinds, 0)[alone + 1] == 0
    assert len(delays) > 100
    assert stats.kstest(delays[single] * 0.5, "expon").pvalue > 1e-3


def test_time_rescaling_under_the_truth():
    panel = draw(TWO, (0, 150), num_sequences=20, seed=5)
    table = hj.residuals(model_of(TWO), _arrays(TWO), panel, join=True)
    assert len(table) == panel.num_events
    for _, group in table.groupby("mark", observed=True):
        assert stats.kstest(group["residual"], "expon").pvalue > 1e-3


def test_every_sequence_has_offspring():
    params = {"mu": np.full((30, 1), 0.5), "alpha": [[0.8]], "gamma": 5.0}
    panel = draw(params, (0, 200))
    counts = np.asarray(panel.counts)[:, 0]
    assert counts.min() > 1.8 * 0.5 * 200


def test_equal_keys_give_equal_panels_and_others_do_not():
    first, again, other = (draw(TWO, (0, 50), seed=s, num_sequences=3) for s in (1, 1, 2))
    for leaf, same in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(leaf, same)
    assert first.num_events != other.num_events or not np.array_equal(first.times, other.times)
    legacy = np.array([0, 1], np.uint32)
    assert generator(legacy).random() == generator(jax.random.key(1)).random()


def test_the_panel_is_what_its_constructor_would_make():
    windows = np.array([[-5.0, 45.0], [100.0, 100.0], [0.0, 80.0]])
    panel = draw(TWO, windows, sequence_names=["a", "b", "c"], mark_names=["x", "y"], unit="day")
    made = hj.EventPanel.from_arrays(
        panel.times + panel.start[panel.sequence],
        panel.marks,
        sequence=panel.sequence,
        window=windows,
        mark_names=["x", "y"],
        sequence_names=["a", "b", "c"],
    )
    for name in ("times", "waits", "remaining", "start", "duration"):
        np.testing.assert_allclose(getattr(panel, name), getattr(made, name), atol=1e-12)
    for name in ("marks", "sequence"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(made, name))
        assert getattr(panel, name).dtype == getattr(made, name).dtype
    assert (panel.mark_names, panel.sequence_names, panel.unit) == (
        ("x", "y"),
        ("a", "b", "c"),
        "day",
    )
    assert np.asarray(panel.counts)[1].sum() == 0


def test_nothing_happens_without_immigrants():
    params = {"mu": np.zeros((2, 2)), "alpha": TWO["alpha"], "gamma": TWO["gamma"]}
    assert draw(params, (0, 100)).num_events == 0
    assert draw(TWO, (3, 3)).num_events == 0


def test_a_cap_admits_what_stays_below_it():
    explosive = {"mu": [1.0], "alpha": [[1.5]], "gamma": 1.0}
    assert draw(explosive, (0, 2)).num_events > 0
    assert draw(explosive, (0, 8), max_events=10**6).num_events <= 10**6
    exact = draw(ONE, (0, 100), seed=4)
    assert draw(ONE, (0, 100), seed=4, max_events=exact.num_events).num_events == exact.num_events


def arguments(**changes):
    return {"params": TWO | changes.pop("params", {}), "window": (0, 100)} | changes


BAD = {
    "supercritical": (arguments(params={"alpha": [[1.2, 0], [0, 0.1]]}), "spectral radius 1.2"),
    "critical": (arguments(params={"alpha": [[1.0, 0], [0, 0]]}, window=(0, 1e4)), "max_events"),
    "cap": (arguments(window=(0, 1e5), max_events=1000), "More than max_events = 1000 events"),
    "cap far off": (arguments(window=(0, 1e15), max_events=10), "immigrants alone"),
    "endless": (arguments(window=(0, 1e12)), "events are expected"),
    "negative mu": (arguments(params={"mu": [0.1, -0.2]}), r"mu\[1\] is -0.2"),
    "negative alpha": (arguments(params={"alpha": [[0.1, 0], [-1, 0]]}), r"alpha\[1, 0\] is -1"),
    "zero gamma": (arguments(params={"gamma": [1.0, 0.0]}), r"gamma\[1\] is 0; it must be above"),
    "nan": (arguments(params={"alpha": [[np.nan, 0], [0, 0]]}), "alpha is not finite"),
    "text": (arguments(params={"mu": "fast"}), "mu is 'fast'; it must hold numbers"),
    "alpha shape": (arguments(params={"alpha": [0.1, 0.2]}), r"alpha has shape \(2,\)"),
    "mu shape": (arguments(params={"mu": [0.1, 0.2, 0.3]}), r"mu has shape \(3,\)"),
    "gamma shape": (arguments(params={"gamma": [1.0, 1, 1]}), r"gamma has shape \(3,\)"),
    "window": (arguments(window=(5, 3)), "ends before it begins"),
    "infinite window": (arguments(window=(0, np.inf)), "finite"),
    "window shape": (arguments(window=(0, 1, 2)), "window has 3 values"),
    "names": (arguments(mark_names=["a"]), "1 mark names for 2 marks"),
    "repeated names": (arguments(mark_names=["a", "a"]), "repeat"),
    "a total": (arguments(mark_names=["all", "a"]), "named .all., the name of totals"),
    "sizes": (
        arguments(window=[(0, 1), (0, 2)], num_sequences=3),
        "window gives 2, num_sequences gives 3",
    ),
    "negative cap": (arguments(max_events=-1), "at least 1"),
    "key": (arguments(key=None), "PRNG key"),
    "keys": (arguments(key=jax.random.split(jax.random.key(0), 3)), "one PRNG key"),
    "not params": (arguments() | {"params": 3}, "must be a dict"),
    "lacking": (arguments() | {"params": {"mu": [1.0]}}, "have no alpha, gamma"),
}


@pytest.mark.parametrize(("given", "words"), BAD.values(), ids=list(BAD))
def test_refusals_say_what_and_why(given, words):
    given = {"key": jax.random.key(0)} | given
    with pytest.raises(ValueError, match=words):
        hj.simulate(hj.Hawkes(), given.pop("params"), **given)


def test_a_million_events_in_one_go():
    alpha = np.array([[0.8, 0.2], [0.1, 0.6]])
    times, marks, sequence, _ = simulate_clusters(
        np.tile([0.3, 0.1], (50, 1)),
        alpha,
        np.array(2.0),
        np.full(50, 6400.0),
        np.random.default_rng(0),
    )
    assert 800_000 < len(times) < 1_250_000
    assert np.all(np.diff(sequence) >= 0)
    assert np.all(np.diff(times)[np.diff(sequence) == 0] >= 0)
    assert set(np.unique(marks)) == {0, 1}


def test_the_spillover_panel_carries_its_truth():
    panel, truth = hj.datasets.spillover(key=jax.random.key(0), users=12, days=30)
    assert panel.mark_names == ("online", "offline")
    assert panel.sequence_names[:2] == ("user 01", "user 02")
    assert panel.unit == "day"
    assert np.shape(truth["mu"]) == (12, 2)
    assert max(abs(np.linalg.eigvals(truth["alpha"]))) < 1


def _arrays(params):
    return {name: np.asarray(value, float) for name, value in params.items()}
