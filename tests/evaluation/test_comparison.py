"""Comparison by leave-one-out and evaluation on a held-out stretch."""

import jax
import numpy as np
import pytest
import xarray as xr

import hawkesjax as hj
from tests.hawkes import reference

TRUTH = {
    "mu": np.full((12, 2), 0.4),
    "alpha": np.array([[0.5, 0.2], [0.1, 0.3]]),
    "gamma": np.array([[1.0, 2.0], [0.6, 3.0]]),
}
NAMES = ["online", "offline"]
PANEL = hj.simulate(hj.Hawkes(), TRUTH, window=(5, 65), key=jax.random.key(8), mark_names=NAMES)


def drawn(model, centre, panel=PANEL, by="event"):
    """A posterior whose draws lie narrowly around given values."""
    rng = np.random.default_rng(1)
    coords = model.coords(panel) | {"chain": np.arange(2), "draw": np.arange(100)}
    variables = {}
    for name, value in centre.items():
        dims = ("chain", "draw", *model.dims[name])
        noise = np.exp(0.02 * rng.normal(size=(2, 100, *np.shape(value))))
        variables[name] = (dims, value * noise)
    used = {dim for dims, _ in variables.values() for dim in dims}
    draws = xr.Dataset(variables, coords={dim: coords[dim] for dim in used})
    stats = xr.Dataset({"lp": (("chain", "draw"), np.zeros((2, 100)))})
    post = hj.Posterior.from_parts(model, panel, draws, stats, {"max_tree_depth": 10})
    return post if by is None else post.with_log_likelihood(panel, by=by)


@pytest.fixture(scope="module")
def coupled():
    return drawn(hj.Hawkes(), TRUTH)


@pytest.mark.filterwarnings("ignore")
def test_the_model_that_made_the_data_wins_in_words(coupled):
    apart = TRUTH | {"alpha": np.array([[0.6, 0.001], [0.001, 0.4]])}
    table = hj.compare({"apart": drawn(hj.Hawkes(), apart), "coupled": coupled})
    assert list(table.index) == ["coupled", "apart"]
    assert table.loc["coupled", "in words"].startswith("best")
    assert "behind coupled" in table.loc["apart", "in words"]
    assert table.loc["apart", "difference"] < -2 * table.loc["apart", "se of difference"]
    # Narrow draws: leave-one-out is the pointwise log-likelihood at the centre, nearly.
    centre = float(hj.Hawkes().log_likelihood(TRUTH, PANEL))
    np.testing.assert_allclose(table.loc["coupled", "elpd"], centre, atol=0.02 * abs(centre))
    same = hj.compare({"one": coupled, "two": coupled})
    assert same.loc["two", "difference"] == 0 and "as good as one" in same.loc["two", "in words"]


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_compared_is_refused(coupled):
    other = PANEL.select(list(PANEL.sequence_names[:5]))
    fewer = drawn(hj.Hawkes(), TRUTH | {"mu": TRUTH["mu"][:5]}, other)
    for given, words in (
        ({"one": coupled}, "at least two"),
        ({"one": coupled, "two": drawn(hj.Hawkes(), TRUTH, by=None)}, "'two' has no pointwise"),
        ({"one": coupled, "two": fewer}, "different events"),
        ({"one": coupled, "two": drawn(hj.Hawkes(), TRUTH, by="sequence")}, "terms .* differ"),
    ):
        with pytest.raises(ValueError, match=words):
            hj.compare(given)


def test_log_score_is_the_difference_of_log_likelihoods():
    cut, horizon = 50.0, 15.0
    found = hj.evaluate(hj.Hawkes(), TRUTH, PANEL, cut=cut, key=jax.random.key(1))
    args = (TRUTH["mu"], TRUTH["alpha"], TRUTH["gamma"])

    def exact(end):
        kept = np.asarray(PANEL.times) < end - 5
        events = (PANEL.times[kept], PANEL.marks[kept], PANEL.sequence[kept])
        return reference.log_likelihood(*map(np.asarray, events), *args, np.full(12, end - 5))

    np.testing.assert_allclose(found.log_score, exact(cut + horizon) - exact(cut), rtol=1e-9)
    later = np.asarray(PANEL.times) >= cut - 5
    assert found.events == later.sum() == found.counts.loc["all", "observed"].sum()
    cells = np.asarray(PANEL.sequence)[later] * 2 + np.asarray(PANEL.marks)[later]
    observed = np.bincount(cells, minlength=24)
    np.testing.assert_array_equal(found.cells["observed"], observed)
    assert found.coverage >= 0.8 and "log score" in repr(found)


@pytest.mark.slow
def test_intervals_of_counts_cover():
    inside = []
    for seed in range(10):
        panel = hj.simulate(hj.Hawkes(), TRUTH, window=(0, 40), key=jax.random.key(seed))
        past, later = panel.between(0, 30), panel.between(30, np.nextafter(40, 41))
        key = jax.random.key(100 + seed)
        told = hj.forecast(hj.Hawkes(), TRUTH, past, horizon=10.0, key=key)
        low, high = np.quantile(told.counts, (0.025, 0.975), axis=0, method="inverted_cdf")
        inside.append((low <= later.counts) & (later.counts <= high))
        if seed == 0:  # what evaluate says of the same continuations
            found = hj.evaluate(hj.Hawkes(), TRUTH, panel, cut=30.0, key=key)
            np.testing.assert_array_equal(found.cells["inside"], inside[0].ravel())
    assert 0.92 <= np.mean(inside) <= 1.0  # 240 counts, whole numbers: at least the nominal 95 %


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_power_law_is_sampled_and_told_from_one_exponential():
    """Events of a memory without a scale: its own kernel holds the truth and predicts better."""
    kernel = hj.PowerLaw(span=3e3, error=0.1)  # 100 days are 3,000 times c
    law = hj.Hawkes(decay="shared", baseline="shared", kernel=kernel)
    truth = {"mu": [0.2], "alpha": [[0.7]], "gamma": 30.0, "theta": 0.35}
    panel = hj.simulate(law, truth, window=(0, 100), key=jax.random.key(0), num_sequences=8)
    one = hj.Hawkes(decay="shared", baseline="shared")
    start = {"mu": [0.2], "alpha": [[0.6]], "gamma": 5.0}
    sizes = {"num_warmup": 100, "num_samples": 100, "num_chains": 2, "progress": False}
    posts = {
        name: hj.sample(model, panel, key=jax.random.key(1), init=init, **sizes)
        for name, model, init in (
            ("power law", law, start | {"theta": 0.5}),
            ("exponential", one, start),
        )
    }
    table = posts["power law"].summary()
    assert table["r_hat"].max() < 1.15 and posts["power law"]["theta"].dims == ("chain", "draw")
    for name, true in truth.items():
        rows = table.loc[[row for row in table.index if row.split("[")[0] == name]]
        assert np.all(rows["2.5%"] <= np.ravel(true)) and np.all(rows["97.5%"] >= np.ravel(true))
    gamma, theta = (posts["power law"][name].values for name in ("gamma", "theta"))
    found = posts["power law"].spillover()["half-life"].iloc[0]
    np.testing.assert_allclose(found["50%"], np.median((2 ** (1 / theta) - 1) / gamma), rtol=1e-6)
    compared = hj.compare(posts)
    assert list(compared.index) == ["power law", "exponential"]
    assert compared.loc["exponential", "difference"] < -10
    assert "behind power law" in compared.loc["exponential", "in words"]


def test_the_held_out_stretch_ends_with_the_first_window_that_ends_after_the_cut():
    names = [f"s{m}" for m in range(4)]
    ends = [(5.0, 30.0), (5.0, 60.0), (20.0, 65.0), (5.0, 65.0)]
    times, rows = np.array([29.0, 55.0, 58.0, 62.0]), np.arange(4)
    panel = hj.EventPanel.from_arrays(
        times, 0 * rows, sequence=rows, window=ends, sequence_names=names
    )
    params = {"mu": np.full((4, 1), 0.1), "alpha": [[0.5]], "gamma": [[1.0]]}
    key = jax.random.key(2)
    with pytest.raises(ValueError, match=r"1 sequences \(s0\) do not reach"):
        hj.evaluate(hj.Hawkes(), params, panel, cut=50.0, key=key)
    some = panel.select(names[1:])
    kept = params | {"mu": params["mu"][1:]}
    found = hj.evaluate(hj.Hawkes(), kept, some, cut=50.0, key=key)
    assert found.events == 2 and found.cells["observed"].tolist() == [1, 1, 0]  # up to 60


@pytest.mark.parametrize(
    "given, words",
    [
        ({"cut": 4.0}, "do not reach"),
        ({"cut": 70.0}, "12 sequences .* do not reach"),
        ({"cut": 50.0, "horizon": 20.0}, "do not reach"),
        ({"cut": 50.0, "level": 95}, "above 0 and below 1"),
        ({"cut": "yesterday"}, "cut"),
    ],
)
def test_bad_calls_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        hj.evaluate(hj.Hawkes(), TRUTH, PANEL, key=jax.random.key(0), **given)
