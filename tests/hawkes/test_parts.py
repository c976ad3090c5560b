"""Part of a file: what no window sees is left out by name; held-out events beside baselines."""

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

import hawkesjax as hj
from tests.cli.driver import run_named

TIMES = [0.5, 1.0, 2.0, 3.0, 4.5, 7.0]
MARKS = ["a", "b", "a", "b", "a", "a"]
# The window, and which events it sees.
WINDOWS = {
    "one": ((1, 4), [1, 2, 3]),
    "pieces": ([(0, 1), (3, 5)], [0, 1, 3, 4]),
    "all": ((0, 7), range(6)),
}


@pytest.mark.parametrize("name", list(WINDOWS))
def test_events_that_no_window_sees_are_left_out_by_name(name):
    window, seen = WINDOWS[name]
    part = [[TIMES[n] for n in seen], [MARKS[n] for n in seen]]
    given = {"window": window, "mark_names": ["a", "b"], "unit": "day"}
    found = hj.EventPanel.from_arrays(TIMES, MARKS, outside="drop", **given)
    wanted = hj.EventPanel.from_arrays(*part, **given)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.left_out == 6 - len(seen)
    assert ("left out" in repr(found)) == (found.left_out > 0)


def test_without_the_name_they_are_refused_and_history_is_kept():
    given = {"window": (1, 4), "unit": "day"}
    with pytest.raises(ValueError, match=r"rows 0 \(0.5\), 4 \(4.5\), 5 .*outside='drop'"):
        hj.EventPanel.from_arrays(TIMES, MARKS, **given)
    kept = hj.EventPanel.from_arrays(TIMES, MARKS, keep_history=True, outside="drop", **given)
    assert (len(kept.history), kept.num_events, kept.left_out) == (1, 3, 2)


def test_baselines_of_an_evaluation_have_their_rates_integrated_out():
    """The predictive density of Poisson processes, by quadrature over a gamma posterior."""
    times = np.array([0.5, 1, 2, 3, 4.5, 7, 0.2, 6.0])
    panel = hj.EventPanel.from_arrays(times, list("abababaa"), sequence=list("xxxxxxyy"),
                                      window=(0, 8), unit="day")  # fmt: skip
    params = {"mu": np.full((2, 2), 0.3), "alpha": np.full((2, 2), 0.1), "gamma": np.ones((2, 2))}
    scored = hj.evaluate(hj.Hawkes(), params, panel, cut=4.0, key=jax.random.key(0), draws=20)
    before, after = panel.between(0, 4).counts, panel.between(4, 9).counts

    def density(n, m, known, further):
        gamma = special.gamma(n + 0.5)
        law = lambda r: r ** (n - 0.5) * np.exp(-known * r) * known ** (n + 0.5) / gamma  # noqa: E731
        value, _ = integrate.quad(lambda r: law(r) * r**m * np.exp(-further * r), 0, np.inf)
        return np.log(value)

    own = sum(density(n, m, 4, 4) for n, m in zip(before.ravel(), after.ravel(), strict=True))
    shared = sum(density(n, m, 8, 8) for n, m in zip(before.sum(0), after.sum(0), strict=True))
    table = scored.scores
    np.testing.assert_allclose(table["log_score"], [scored.log_score, own, shared], rtol=1e-8)
    np.testing.assert_allclose(table["per event"], table["log_score"] / after.sum())
    errors = np.abs((before + 0.5) / 4 * 4 - after).mean()
    np.testing.assert_allclose(table.loc["Poisson, by sequence", "mae"], errors)


COLUMNS = ["--time", "day", "--mark", "kind", "--unit", "day"]


def test_parts_of_a_file_at_the_command_line(tmp_path):
    rng = np.random.default_rng(0)
    days = np.sort(rng.uniform(0, 40, 60))
    frame = pd.DataFrame({"day": days, "kind": np.where(rng.random(60) < 0.5, "a", "b")})
    frame.to_csv(tmp_path / "e.csv", index=False)
    seen = int(((days >= 5) & (days <= 30)).sum())
    lines = {
        "refused": ["describe", "e.csv", *COLUMNS, "--window", "5", "30"],
        "dropped": ["describe", "e.csv", *COLUMNS, "--window", "5", "30", "--outside", "drop"],
        "until": ["describe", "e.csv", *COLUMNS, "--window", "0", "40", "--until", "30"],
        "evaluate": ["evaluate", "e.csv", *COLUMNS, "--window", "0", "40", "--cut", "30",
                     "--gamma", "1", "--baseline", "shared", "--draws", "50", "--out", "scored"],
        "no cut": ["evaluate", "e.csv", *COLUMNS, "--window", "0", "40"],
        "late": ["evaluate", "e.csv", *COLUMNS, "--window", "0", "40", "--cut", "50"],
    }  # fmt: skip
    said = {"refused": "pass --outside drop", "no cut": "--cut", "late": "cut"}
    results = run_named(lines, tmp_path)
    for name, (code, out, err) in results.items():
        assert code == (2 if name in said else 0), (name, out, err)
        assert said.get(name, "") in err, err
    assert f"{60 - seen} events that no window saw" in results["dropped"][1]
    assert f"{int((days >= 30).sum())} events that no window saw" in results["until"][1]
    scores = pd.read_csv(tmp_path / "scored" / "scores.csv", index_col=0)
    assert list(scores.index) == ["Hawkes", "Poisson, by sequence", "Poisson, shared"]
    counts = pd.read_csv(tmp_path / "scored" / "counts.csv")
    assert counts["observed"].sum() == 2 * int((days >= 30).sum())
