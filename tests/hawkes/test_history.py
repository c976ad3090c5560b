"""Events before the windows, which are known: they excite, and count nowhere else."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from tests.hawkes import reference

WINDOWS = [[(4.0, 10.0)], [(2.0, 5.0), (6.5, 10.0)], [(0.0, 10.0)], [(9.0, 10.0)]]
GAMMA = np.array([[0.7, 1.3], [2.1, 0.4]])
MODELS = {
    "by pair": hj.Hawkes(),
    "scan": hj.Hawkes(form="scan"),
    "pairs": hj.Hawkes(form="pairs"),
    "fixed": hj.Hawkes(gamma=tuple(map(tuple, GAMMA))),
    "sum of exponentials": hj.Hawkes(kernel=hj.SumOfExponentials(2, 5.0)),
    "rising": hj.Hawkes(kernel=hj.RisingExponential(3.0)),
}
SINGLE = jnp.zeros(()).dtype == np.float32
TOLERANCE = 2e-4 if SINGLE else 1e-10


def events():
    times, marks, sequence = reference.random_events(np.random.default_rng(5), 2, [25, 30, 9, 12])
    kept = ~((sequence == 1) & (times > 5) & (times < 6.5))
    return times[kept], marks[kept], sequence[kept]


def panel_of(times, marks, sequence):
    return hj.EventPanel.from_arrays(
        times, marks, sequence=sequence, window=WINDOWS, mark_names=range(2), keep_history=True
    )


def values(model):
    """Parameters, and the terms (share, decays) of their kernel."""
    rng = np.random.default_rng(1)
    mu, alpha = rng.uniform(0.2, 1, (4, 2)), rng.uniform(0.1, 0.6, (2, 2))
    params = {"mu": mu, "alpha": alpha} | ({} if model.gamma is not None else {"gamma": GAMMA})
    if model.kernel == hj.Hawkes().kernel:
        return params, [(1.0, GAMMA)]
    if isinstance(model.kernel, hj.RisingExponential):
        return params, [(1.5, GAMMA), (-0.5, 3 * GAMMA)]
    return params | {"split": np.array([0.3])}, [(0.3, GAMMA), (0.7, GAMMA / 5)]


@pytest.mark.parametrize("name", MODELS)
def test_a_history_excites_and_counts_nowhere_else(name):
    model, data = MODELS[name], events()
    params, terms = values(model)
    panel = panel_of(*data)
    before = [int(np.sum(data[0][data[2] == m] < WINDOWS[m][0][0])) for m in range(4)]
    assert np.bincount(panel.history.sequence, minlength=4).tolist() == before
    want = reference.log_likelihood_of_pieces(*data, params, terms, WINDOWS)
    found = model.log_likelihood(params, panel)
    np.testing.assert_allclose(found, want, TOLERANCE)
    for by in ("event", "sequence"):
        np.testing.assert_allclose(np.sum(model.pointwise(params, panel, by)), want, TOLERANCE)


def test_pieces_of_a_panel_with_their_history_are_the_whole():
    """The log-likelihood of a panel is that of its parts, each given what came before."""
    times, marks, sequence = events()
    whole = hj.EventPanel.from_arrays(
        times, marks, sequence=sequence, window=(0, 10), mark_names=range(2)
    )
    model = hj.Hawkes()
    params, _ = values(model)
    parts = [whole.between(*ends, keep_history=True) for ends in ((0, 3), (3, 7.5), (7.5, 10))]
    again = parts[2].between(8, 10, keep_history=True), parts[2].between(7.5, 8)
    assert len(again[0].history) + again[0].num_events == whole.num_events
    for cut in (parts, [*parts[:2], *again]):
        total = sum(float(model.log_likelihood(params, part)) for part in cut)
        np.testing.assert_allclose(total, model.log_likelihood(params, whole), TOLERANCE)
    assert len(whole.between(3, 7).history) == 0


def test_gradients_and_the_known_decays_search():
    data = events()
    model = MODELS["fixed"]
    found = hj.fit(model, panel_of(*data))
    best = reference.log_likelihood_of_pieces(*data, found.params, [(1.0, GAMMA)], WINDOWS)
    np.testing.assert_allclose(found.log_likelihood, best, TOLERANCE)
    for name in ("mu", "alpha"):
        for place in np.ndindex(np.shape(found.params[name])):
            for factor in (0.9, 1.1):
                moved = {key: np.array(value) for key, value in found.params.items()}
                moved[name][place] = moved[name][place] * factor + 1e-3
                lower = reference.log_likelihood_of_pieces(*data, moved, [(1.0, GAMMA)], WINDOWS)
                assert lower < best


def test_the_known_maximum(reference_results):
    case = json.loads(reference_results("cases/history.json").read_text())
    times = case["times"]
    panel = hj.EventPanel.from_arrays(
        times, [0] * len(times), window=case["window"], keep_history=True
    )
    found, want = hj.fit(hj.Hawkes(), panel), dict(case["right"])
    np.testing.assert_allclose(found.log_likelihood, want.pop("log_likelihood"), rtol=1e-7)
    for name, value in want.items():
        np.testing.assert_allclose(np.squeeze(found.params[name]), value, rtol=2e-3)
    whole = hj.EventPanel.from_arrays(times, [0] * len(times), window=(0, case["window"][1]))
    cut = whole.between(*case["window"], keep_history=True)
    same = hj.Hawkes().log_likelihood(found.params, cut)
    np.testing.assert_allclose(same, found.log_likelihood, 1e-5 if SINGLE else 1e-9)
    with pytest.raises(ValueError, match="outside the window"):
        hj.EventPanel.from_arrays(times, [0] * len(times), window=case["window"])


def test_every_verb_takes_a_history():
    """A long memory: what comes first is mostly the past's."""
    model, truth = hj.Hawkes(decay="shared"), {"mu": [1.0], "alpha": [[0.6]], "gamma": 0.2}
    whole = hj.simulate(model, truth, window=(0, 300), key=jax.random.key(0))
    panel = whole.between(150, 300, keep_history=True)
    assert f"history {len(panel.history)} events before" in repr(panel)
    drawn = [
        hj.predictive_check(model, truth, one, key=jax.random.key(1), draws=200).replicated[:, 0]
        for one in (panel, whole.between(150, 300))
    ]
    born = 0.6 * np.exp(-0.2 * panel.history.age).sum() / (1 - 0.6)  # with their descendants
    np.testing.assert_allclose(np.mean(drawn[0]) - np.mean(drawn[1]), born, atol=15)
    table = hj.residuals(model, truth, panel)
    assert len(table) == panel.num_events
    whole_table = hj.residuals(model, truth, whole)
    np.testing.assert_allclose(
        table["residual"][1:], whole_table["residual"].iloc[-len(table) + 1 :]
    )
    shares = hj.attribution(truth, panel, model=model)
    of_whole = hj.attribution(truth, whole, model=model)
    np.testing.assert_allclose(shares.values[0, :, 0], of_whole.values[0, -len(table) :, 0])
    ahead = [
        hj.forecast(model, truth, one, horizon=20, key=jax.random.key(2)).counts
        for one in (panel, whole)
    ]
    np.testing.assert_array_equal(*ahead)
    hj.plots.intensity(truth, panel, model=model)
