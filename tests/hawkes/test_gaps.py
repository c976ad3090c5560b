"""Records with gaps: what is not seen is not expected, and what came before still excites."""

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.hawkes import reference

PIECES = [  # of four sequences, within (0, 10)
    [(0.0, 10.0)],
    [(0.0, 3.25), (6.5, 10.0)],
    [(0.5, 2.0), (2.75, 5.25), (8.0, 9.5)],
    [(1.0, 9.0)],
]
MODELS = {
    "by pair": hj.Hawkes(),
    "scan": hj.Hawkes(form="scan"),
    "pairs": hj.Hawkes(form="pairs"),
    "fixed": hj.Hawkes(gamma=((0.7, 1.3), (2.1, 0.4))),
    "sum of exponentials": hj.Hawkes(kernel=hj.SumOfExponentials(2, 5.0)),
    "rising": hj.Hawkes(kernel=hj.RisingExponential(3.0)),
}
SINGLE = jnp.zeros(()).dtype == np.float32
TOLERANCE = 2e-4 if SINGLE else 1e-10


def watched(times, sequence):
    return np.array(
        [any(a <= t <= b for a, b in PIECES[m]) for t, m in zip(times, sequence, strict=True)]
    )


def events():
    rng = np.random.default_rng(4)
    times, marks, sequence = reference.random_events(rng, 2, [25, 30, 40, 10])
    kept = watched(times, sequence)
    return times[kept], marks[kept], sequence[kept]


def panel_of(times, marks, sequence):
    return hj.EventPanel.from_arrays(
        times, marks, sequence=sequence, window=PIECES, mark_names=range(2)
    )


def values(model):
    """Parameters, and the terms (share, decays) of their kernel."""
    rng = np.random.default_rng(1)
    mu, alpha = rng.uniform(0.2, 1, (4, 2)), rng.uniform(0.1, 0.6, (2, 2))
    gamma = np.array([[0.7, 1.3], [2.1, 0.4]])
    params = {"mu": mu, "alpha": alpha, "gamma": gamma}
    if model.gamma is not None:
        del params["gamma"]
    if model.kernel == hj.Hawkes().kernel:
        return params, [(1.0, gamma)]
    if isinstance(model.kernel, hj.RisingExponential):
        return params, [(1.5, gamma), (-0.5, 3 * gamma)]
    return params | {"split": np.array([0.3])}, [(0.3, gamma), (0.7, gamma / 5)]


@pytest.mark.parametrize("name", MODELS)
def test_the_likelihood_leaves_gaps_out(name):
    model, (times, marks, sequence) = MODELS[name], events()
    params, terms = values(model)
    panel = panel_of(times, marks, sequence)
    assert panel.observed.tolist() == [10, 6.75, 5.5, 8]
    found = model.log_likelihood(params, panel)
    np.testing.assert_allclose(
        found,
        reference.log_likelihood_of_pieces(times, marks, sequence, params, terms, PIECES),
        TOLERANCE,
    )
    for by in ("event", "sequence"):
        np.testing.assert_allclose(np.sum(model.pointwise(params, panel, by)), found, TOLERANCE)


@pytest.mark.parametrize("name", ["by pair", "sum of exponentials"])
def test_increments_leave_gaps_out(name):
    model, (times, marks, sequence) = MODELS[name], events()
    params, terms = values(model)
    panel = panel_of(times, marks, sequence)
    inside, tails = model.compensator_increments(params, panel)
    order = np.lexsort((times, sequence))
    times, marks, sequence = times[order], marks[order], sequence[order]
    ends = [*times, *(pieces[-1][1] for pieces in PIECES)]
    owners = [*sequence, 0, 1, 2, 3]
    for n, (stop, m) in enumerate(zip(ends, owners, strict=True)):
        earlier = [t for k, t in enumerate(times) if sequence[k] == m and k < min(n, len(times))]
        begin = max(earlier, default=-np.inf)
        want = np.zeros(2)
        for low, high in PIECES[m]:
            low, high = max(low, begin), min(high, stop)
            if low < high:
                known = slice(0, n if n < len(times) else None)
                past = times[known], marks[known], sequence[known]
                want += reference.expected_within(*past, params, terms, low, high, m)
        got = inside[n] if n < len(times) else tails[m]
        np.testing.assert_allclose(got, want, rtol=1e-3 if SINGLE else 1e-9, atol=TOLERANCE)


def test_gradients_with_gaps():
    model, data = hj.Hawkes(), events()
    params, _ = values(model)
    prepared = model.prepare(panel_of(*data), dtype=np.float64)
    slope = jax.grad(lambda alpha: model.log_likelihood({**params, "alpha": alpha}, prepared))
    got = slope(jnp.asarray(params["alpha"]))
    for place in np.ndindex(2, 2):
        sides = []
        for h in (1e-4, -1e-4):
            alpha = params["alpha"].copy()
            alpha[place] += h
            moved = {**params, "alpha": alpha}
            sides.append(
                reference.log_likelihood_of_pieces(*data, moved, [(1.0, params["gamma"])], PIECES)
            )
        want = (sides[0] - sides[1]) / 2e-4
        np.testing.assert_allclose(got[place], want, rtol=1e-3 if SINGLE else 1e-5)


def test_covariates_with_gaps():
    """A feature that is on half of the time, known over the whole window."""
    edges = np.arange(0.0, 11)
    values = np.stack([np.ones(10), np.arange(10) % 2], axis=1)
    known = hj.Covariates(edges, values, ("intercept", "odd"))
    times, marks, sequence = events()
    panel = panel_of(times, marks, sequence)
    beta = np.array([[0.1, 0.4], [-0.3, 0.2]])
    params = {"beta": beta, "alpha": np.zeros((2, 2)), "gamma": np.ones((2, 2))}
    model = hj.Hawkes(baseline=known)
    level = lambda t, i: beta[i] @ (1.0, np.floor(t) % 2)  # noqa: E731
    total = sum(level(min(t, 9.999), i) for t, i in zip(times, marks, strict=True))
    for pieces in PIECES:
        for low, high in pieces:
            cuts = np.unique(np.concatenate([[low, high], edges[(edges > low) & (edges < high)]]))
            for a, b in itertools.pairwise(cuts):
                total -= sum(np.exp(level(a, i)) * (b - a) for i in range(2))
    np.testing.assert_allclose(model.log_likelihood(params, panel), total, TOLERANCE)
    parts = model.pointwise(params, panel, "event")
    np.testing.assert_allclose(np.sum(parts), total, TOLERANCE)


FORMS = {
    "windows by name": {"window": dict(zip("0123", PIECES, strict=True))},
    "windows in a table": {
        "window": pd.DataFrame(
            [(a, b) for pieces in PIECES for a, b in pieces],
            columns=["start", "end"],
            index=list("0112223"),
        )
    },
    "gaps by name": {
        "window": [(0, 10), (0, 10), (0.5, 9.5), (1, 9)],
        "gaps": {"1": (3.25, 6.5), "2": [(2, 2.75), (5.25, 8)]},
    },
    "gaps in a table": {
        "window": [(0, 10), (0, 10), (0, 9.5), (1, 9)],
        "gaps": pd.DataFrame(
            [("1", 3.25, 6.5), ("2", 2, 2.75), ("2", 5.25, 7), ("2", 6, 8), ("2", 0, 0.5)],
            columns=["sequence", "start", "end"],
        ),
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_gaps_can_be_said_in_several_ways(form):
    times, marks, sequence = events()
    given = {"sequence": sequence, "mark_names": range(2)}
    panel = hj.EventPanel.from_arrays(times, marks, **given, **FORMS[form])
    same = panel_of(times, marks, sequence)
    for got, want in zip(jax.tree.leaves(panel), jax.tree.leaves(same), strict=True):
        np.testing.assert_array_equal(got, want)
    again = hj.EventPanel.from_dataframe(
        panel.to_dataframe(), time="time", mark="mark", sequence="sequence",
        window=panel.windows(), mark_names=range(2),
    )  # fmt: skip
    for got, want in zip(jax.tree.leaves(again), jax.tree.leaves(same), strict=True):
        np.testing.assert_array_equal(got, want)


def test_gaps_of_all_sequences_and_of_dates():
    table = pd.DataFrame({"t": ["2024-03-01T10:00Z", "2024-03-09T12:00Z"], "who": ["a", "b"]})
    panel = hj.EventPanel.from_dataframe(
        table, time="t", sequence="who", unit="day", window=("2024-03-01", "2024-03-11"),
        gaps=("2024-03-03", "2024-03-05T12:00"), timezone="UTC",
    )  # fmt: skip
    assert panel.observed.tolist() == [7.5, 7.5] and panel.gaps.start.tolist() == [2, 2]
    pieces = panel.windows()["a"]
    assert [str(bound.date()) for pair in pieces for bound in pair] == [
        "2024-03-01", "2024-03-03", "2024-03-05", "2024-03-11",
    ]  # fmt: skip
    assert "2 gaps of the record, 5 days in all (25.0% of the windows)" in repr(panel)


BAD = {
    "overlap": ({"window": [(0, 5), (4, 10)]}, "window 1 of sequence '0' .*may not overlap"),
    "no length": ({"window": [(0, 5), (6, 6)]}, "no length among several in window 1 of"),
    "backwards": ({"window": [(0, 5), (9, 6)]}, "ends before it begins in window 1 of"),
    "event in a gap": ({"gaps": (1, 4)}, "an event inside a gap .*row 2.*gap there is 1 to 4"),
    "gap backwards": ({"gaps": [(5, 4)]}, "ends before it begins.*gap 0"),
    "gap outside": ({"gaps": [(5, 6), (12, 13)]}, "outside all windows.*gap 1"),
    "no pair": ({"gaps": [(5, 6, 7)]}, "3 bounds in place 0"),
    "no pairs": ({"gaps": 5}, "gaps is 5. Give a pair"),
    "unknown": ({"gaps": {"x": (5, 6)}}, "unknown sequences 'x'"),
    "text": ({"gaps": ("a", "b")}, "not a number"),
    "no column": ({"gaps": pd.DataFrame({"start": [1]})}, "without the column 'end'"),
    "no name": (
        {"gaps": pd.DataFrame({"start": [5], "end": [6], "sequence": [None]})},
        "no sequence in row 0",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_of_gaps(case):
    given, said = BAD[case]
    with pytest.raises(ValueError, match=said):
        hj.EventPanel.from_arrays([0.5, 1.0, 3.0], [0, 0, 0], **({"window": (0, 10)} | given))


def test_what_needs_no_gaps_says_so():
    data = panel_of(*events())
    with pytest.raises(ValueError, match="exact compensator"):
        hj.fit(hj.Hawkes(compensator="schoenberg"), data)
    params, _ = values(hj.Hawkes())
    with pytest.raises(ValueError, match=r"model\.prepare"):
        jax.jit(lambda panel: hj.Hawkes().log_likelihood(params, panel))(data)


def test_cut_and_chosen_panels_keep_their_gaps():
    times, marks, sequence = events()
    panel = panel_of(times, marks, sequence)
    assert panel.select(["2", "0"]).observed.tolist() == [5.5, 10]
    parts = panel.between(0, 4.5), panel.between(4.5, 10)
    assert sum(part.num_events for part in parts) == panel.num_events
    np.testing.assert_allclose(sum(part.observed for part in parts), panel.observed)
    assert parts[0].observed.tolist() == [4.5, 3.25, 1.5 + 1.75, 3.5]


def test_known_maxima(reference_results):
    case = json.loads(reference_results("cases/gap_one_user.json").read_text())
    times = case["times"]
    panel = hj.EventPanel.from_arrays(times, [0] * len(times), window=case["watched"])
    found = hj.fit(hj.Hawkes(), panel)
    for name, value in case["right"].items():
        np.testing.assert_allclose(np.squeeze(found.params[name]), value, rtol=2e-4)

    case = json.loads(reference_results("cases/gaps_users.json").read_text())
    windows = {}
    for piece in case["pieces"]:
        windows.setdefault(str(piece["user"]), []).append(piece["window"])
    times = [time for piece in case["pieces"] for time in piece["times"]]
    users = [str(piece["user"]) for piece in case["pieces"] for _ in piece["times"]]
    panel = hj.EventPanel.from_arrays(times, [0] * len(times), sequence=users, window=windows)
    found, want = hj.fit(hj.Hawkes(), panel), case["right"]
    np.testing.assert_allclose(found.params["mu"][:, 0], want["mu_by_user"], rtol=2e-4)
    np.testing.assert_allclose(found.log_likelihood, want["log_likelihood"], rtol=1e-8)
    for name in ("alpha", "gamma"):
        np.testing.assert_allclose(np.squeeze(found.params[name]), want[name], rtol=2e-4)


def test_an_undeclared_gap_is_suspected_and_a_declared_one_is_not(reference_results):
    case = json.loads(reference_results("cases/gap_one_user.json").read_text())
    times = case["times"]
    marks = [0] * len(times)
    whole = hj.EventPanel.from_arrays(times, marks, window=case["window"])
    (said,) = whole.remarks()
    assert "without an event in the middle" in said and "Gaps of the record" in said
    assert said in repr(whole)
    declared = hj.EventPanel.from_arrays(times, marks, window=case["watched"])
    assert declared.remarks() == []
    table = declared.describe("sequence")
    assert table["gaps"].tolist() == [3] and table["duration"].tolist() == [1200]
    assert 0.5 < table["longest"][0] / table["usual"][0] < 3
    steady = np.random.default_rng(0).uniform(0, 100, 300)
    assert hj.EventPanel.from_arrays(steady, [0] * 300, window=(0, 100)).remarks() == []


def test_every_verb_takes_gaps():
    model, truth = hj.Hawkes(decay="shared"), {"mu": [2.0], "alpha": [[0.5]], "gamma": 1.0}
    gaps = [(20, 35), (60, 61)]
    seen = {"window": (0, 100), "num_sequences": 5, "gaps": gaps}
    panel = hj.simulate(model, truth, **seen, key=jax.random.key(0))
    assert not panel.gaps.holds(panel.times, panel.sequence).any()
    np.testing.assert_allclose(panel.num_events, 5 * 84 * 4, rtol=0.15)
    found = hj.fit(model, panel)
    table = hj.residuals(model, found, panel)
    assert table["residual"].min() > 0
    np.testing.assert_allclose(table["residual"].mean(), 1, atol=0.05)
    assert hj.residual_tests(table)["ad p"].min() > 0.001
    scored = hj.evaluate(model, found, panel, cut=50, key=jax.random.key(1), draws=50)
    whole = hj.EventPanel.from_arrays(
        panel.times, panel.marks, sequence=panel.sequence, window=(0, 100)
    )
    alike = hj.evaluate(model, found, whole, cut=50, key=jax.random.key(1), draws=50)
    assert scored.counts["mean"].sum() < alike.counts["mean"].sum()  # nothing is seen in a gap
    check = hj.predictive_check(model, found, panel, key=jax.random.key(2), draws=20)
    assert check.summary()["p"].dropna().between(0, 1).all()
    hj.attribution(found, panel)
    hj.plots.intensity(found, panel)
