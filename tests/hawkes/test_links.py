"""Rates with a link, by which effects may inhibit: against double sums, quadrature and laws."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jax
import numpy as np
import pytest

import hawkesjax as hj
from tests.derivatives import check_derivatives

KEY = jax.random.key(0)
CLOSE = 1e-9 if jax.config.jax_enable_x64 else 2e-4
LINKS = ("rectified", "softplus")
ALPHA = np.array([[0.4, -0.9], [-0.5, 0.3]])
MU = np.array([[0.8, 0.5], [0.6, 0.9]])
GAMMAS: dict[str, Any] = {
    "shared": 1.3,
    "source": np.array([0.7, 2.0]),
    "pair": np.array([[0.5, 2.0], [1.5, 0.8]]),
}


def events_of(**options: Any) -> hj.EventPanel:
    """Two sequences of two marks, with ties."""
    rng = np.random.default_rng(4)
    times = np.round(rng.uniform(0, 12, 30), 1)
    window = options.pop("window", (0, 13.0))
    return hj.EventPanel.from_arrays(
        times,
        rng.integers(0, 2, 30),
        sequence=rng.integers(0, 2, 30),
        window=window,
        mark_names=range(2),
        sequence_names=range(2),
        **options,
    )


def g(link: str, x: Any, mu: Any) -> Any:
    if link == "rectified":
        return np.maximum(x, 0)
    return 0.2 * mu * np.logaddexp(0, x / (0.2 * mu))


class Slow:
    """Rates and integrals by double sums and a fine midpoint rule."""

    def __init__(self, link: str, params: Any, panel: hj.EventPanel, terms: Any = ((1.0, 1.0),)):
        self.link, self.terms, self.alpha = link, terms, np.asarray(params["alpha"])
        self.gamma = np.broadcast_to(params["gamma"], (2, 2))
        past = panel.history
        self.times = np.concatenate([-past.age, panel.times])
        self.marks = np.concatenate([past.marks, panel.marks])
        self.owner = np.concatenate([past.sequence, panel.sequence])
        self.mu = np.asarray(params["mu"])
        self.beta = params.get("beta")

    def rate(self, m: int, t: Any) -> Any:
        """(times, marks), given what came strictly before each."""
        t = np.atleast_1d(t)
        mu = np.broadcast_to(self.mu[m], (len(t), 2))
        if self.beta is not None:  # a feature of 0, 1, 2, 0, ... by unit of time
            mu = mu * np.exp((np.floor(t) % 3)[:, None] * self.beta[:, 0])
        x = mu.copy()
        for s, j in zip(self.times[self.owner == m], self.marks[self.owner == m], strict=True):
            late = (t > s)[:, None]
            for share, ratio in self.terms:
                rates = self.gamma[:, j] * ratio
                size = share * self.alpha[:, j] * rates
                x += late * size * np.exp(-rates * np.where(late, t[:, None] - s, 0))
        return g(self.link, x, mu)

    def integral(self, m: int, low: float, high: float, cells: int = 2000) -> Any:
        cuts = self.times[(self.owner == m) & (self.times > low) & (self.times < high)]
        total, cuts = np.zeros(2), np.unique([low, *cuts, *np.arange(np.ceil(low), high), high])
        for a, b in itertools.pairwise(cuts):
            at = a + (b - a) * (np.arange(cells) + 0.5) / cells
            total += self.rate(m, at).mean(axis=0) * (b - a)
        return total

    def log_likelihood(self, panel: hj.EventPanel, pieces: Any = None) -> float:
        total = 0.0
        for t, i, m in zip(panel.times, panel.marks, panel.sequence, strict=True):
            total += np.log(self.rate(m, t)[0, i])
        for m in range(2):
            for low, high in (pieces or {}).get(m, [(0.0, float(panel.duration[m]))]):
                total -= self.integral(m, low, high).sum()
        return total


def mild(decay: str, link: str) -> dict[str, Any]:
    """Parameters; of the rectified link such that no event comes at a rate of 0."""
    return {"mu": MU, "alpha": ALPHA * (0.3 if link == "rectified" else 1), "gamma": GAMMAS[decay]}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("decay", GAMMAS)
def test_log_likelihood_is_that_of_double_sums_and_quadrature(decay: Any, link: Any) -> None:
    panel, params = events_of(), mild(decay, link)
    model = hj.Hawkes(decay=decay, link=link)
    slow = Slow(link, params, panel).log_likelihood(panel)
    found = float(model.log_likelihood(params, panel))
    assert np.isfinite(found)
    np.testing.assert_allclose(found, slow, rtol=max(CLOSE, 1e-6))
    by_event = np.asarray(model.pointwise(params, panel))
    by_sequence = np.asarray(model.pointwise(params, panel, by="sequence"))
    np.testing.assert_allclose(by_event.sum(), found, rtol=CLOSE)
    np.testing.assert_allclose(by_sequence.sum(), found, rtol=CLOSE)


@pytest.mark.parametrize("decay", GAMMAS)
def test_integrals_of_strong_inhibition_are_those_of_quadrature(decay: Any) -> None:
    """Where the rate is cut at 0 after many events; increments by event and after the last."""
    panel, params = events_of(), mild(decay, "") | {"alpha": 2 * ALPHA}
    inside, tails = hj.Hawkes(decay=decay, link="rectified").compensator_increments(params, panel)
    slow = Slow("rectified", params, panel)
    for m in range(2):
        own = np.flatnonzero(panel.sequence == m)
        ends = np.r_[0.0, panel.times[own]]
        steps = [slow.integral(m, a, b) for a, b in itertools.pairwise(ends.tolist()) if b > a]
        moved = np.diff(ends) > 0
        np.testing.assert_allclose(np.asarray(inside)[own][moved], steps, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(np.asarray(inside)[own][~moved], 0)
        np.testing.assert_allclose(tails[m], slow.integral(m, ends[-1], 13.0), rtol=1e-4)
    table = hj.residuals(hj.Hawkes(decay=decay, link="rectified"), params, panel, join=True)
    assert float(table["residual"].sum()) <= float(np.sum(inside) + np.sum(tails)) * (1 + 1e-6)


@pytest.mark.parametrize("decay", GAMMAS)
def test_effects_of_0_or_more_need_no_link(decay: Any) -> None:
    panel, params = events_of(), mild(decay, "") | {"alpha": np.abs(ALPHA)}
    plain, cut = hj.Hawkes(decay=decay), hj.Hawkes(decay=decay, link="rectified")
    np.testing.assert_allclose(
        cut.log_likelihood(params, panel), plain.log_likelihood(params, panel), rtol=CLOSE / 10
    )
    for ours, theirs in zip(
        cut.compensator_increments(params, panel),
        plain.compensator_increments(params, panel),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("link", "decay"), [("rectified", "shared"), ("softplus", "pair")])
def test_derivatives(link: Any, decay: Any) -> None:
    panel = events_of()
    model = hj.Hawkes(decay=decay, link=link)
    data = model.prepare(panel)
    params = {name: np.asarray(value) for name, value in mild(decay, link).items()}
    check_derivatives(lambda params: model.log_likelihood(params, data), (params,))


@pytest.mark.parametrize("link", LINKS)
def test_gaps_history_kernels_and_covariates(link: Any) -> None:
    kernel = hj.SumOfExponentials()
    model = hj.Hawkes(link=link, decay="shared", kernel=kernel)
    whole = events_of(window=(-3.0, 13.0))
    late = whole.between(0.0, 20.0, keep_history=True)
    params = mild("shared", link) | {"split": [0.7]}
    terms = ((0.7, 1.0), (0.3, 0.1))
    slow = Slow(link, params, late, terms).log_likelihood(late)
    np.testing.assert_allclose(model.log_likelihood(params, late), slow, rtol=1e-5)
    times = np.array([1.0, 2.5, 4.5, 5.0, 7.0, 10.0, 11.0])
    options = {"mark_names": range(2), "sequence_names": range(2), "sequence": [0] * 7}
    gapped = hj.EventPanel.from_arrays(
        times,
        [0, 1, 0, 1, 1, 0, 1],
        window=(0, 13.0),
        gaps={"0": [(3.0, 4.0), (8.0, 9.5)]},
        **options,
    )
    pieces = {0: [(0.0, 3.0), (4.0, 8.0), (9.5, 13.0)]}
    slow = Slow(link, params, gapped, terms).log_likelihood(gapped, pieces)
    np.testing.assert_allclose(model.log_likelihood(params, gapped), slow, rtol=1e-5)

    known = hj.Covariates(np.arange(14.0), np.arange(13.0)[:, None] % 3, ("x",))
    rhythm = hj.Hawkes(link=link, decay="shared", covariates=known)
    params = mild("shared", link) | {"beta": np.array([[0.2], [-0.1]])}
    panel = events_of()
    slow = Slow(link, params, panel).log_likelihood(panel)
    np.testing.assert_allclose(rhythm.log_likelihood(params, panel), slow, rtol=1e-5)


@pytest.mark.parametrize("link", LINKS)
def test_simulated_counts_are_what_the_compensator_expects(link: Any) -> None:
    """N - Lambda of each mark is a martingale: over sequences its mean is 0."""
    params = {"mu": MU[0], "alpha": ALPHA, "gamma": GAMMAS["source"]}
    model = hj.Hawkes(decay="source", link=link, baseline="shared")
    panel = hj.simulate(model, params, window=(0, 15), num_sequences=300, key=KEY)
    inside, tails = model.compensator_increments(params, panel)
    expected = np.asarray(tails, float).copy()
    np.add.at(expected, panel.sequence, np.asarray(inside))
    left = panel.counts - expected
    errors = left.std(axis=0) / np.sqrt(len(left))
    assert np.all(np.abs(left.mean(axis=0)) < 4 * errors)
    # An inhibited process has fewer events than one without effects, or with excitation alone.
    more = hj.simulate(
        model,
        params | {"alpha": np.maximum(ALPHA, 0)},
        window=(0, 15),
        num_sequences=300,
        key=KEY,
    )
    assert panel.num_events < more.num_events


def test_the_fit_of_a_rate_that_is_cut_at_0(reference_results: Any) -> None:
    case = json.loads(reference_results("cases/inhibition.json").read_text())
    right = case["right_rate_cut_at_0"]
    panel = hj.EventPanel.from_arrays(case["times"], case["marks"], window=case["window"])
    found = hj.fit(hj.Hawkes(decay="shared", link="rectified"), panel)
    assert found.converged and "inhibition: 1 -> 0" in found.message
    assert abs(found.log_likelihood - right["log_likelihood"]) < 0.3
    for name in ("mu", "alpha", "gamma"):
        value = np.squeeze(found.params[name])
        np.testing.assert_allclose(value, right[name], rtol=0, atol=0.01)
    for draw in (hj.predictive_check, hj.forecast):
        options = {"horizon": 5.0} if draw is hj.forecast else {}
        assert draw(found.model, found, panel, key=KEY, draws=4, **options) is not None
    figures = found.figures()
    assert set(figures) >= {"network", "kernels", "intensity"}


@pytest.mark.parametrize("link", ["rectified", pytest.param("softplus", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")
def test_chains_start_where_no_rate_is_0(link: Any) -> None:
    panel, model = events_of(), hj.Hawkes(link=link, decay="shared", baseline="shared")
    init = {"mu": MU[0], "alpha": 0.3 * ALPHA, "gamma": 1.3}
    options = {"num_warmup": 60, "num_samples": 60, "num_chains": 2, "progress": False}
    found = hj.sample(model, panel, key=KEY, init=init, **options)
    draws = found.posterior["alpha"].values
    assert np.all(np.isfinite(found.sample_stats["lp"])) and draws.std() > 0.05
    assert (draws < 0).any() and np.isnan(found.shares()["mean"]).all()


REFUSED = {
    "stationary": {"stationary": True},
    "compensator": {"compensator": "schoenberg"},
    "form": {"form": "scan"},
    "priors": {"priors": "o2o"},
    "magnitude": {"magnitude": "power"},
    "lag": {"lag": 0.5},
    "link": {"link": "log"},
}


@pytest.mark.parametrize("setting", REFUSED)
def test_settings_of_the_identity_are_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        hj.Hawkes(**({"link": "softplus"} | REFUSED[setting]))


def test_what_needs_parents_is_refused() -> None:
    panel, params = events_of(), mild("shared", "rectified")
    model = hj.Hawkes(decay="shared", link="rectified")
    with pytest.raises(ValueError, match="events have no parents"):
        hj.attribution(params, panel, model=model)
    with pytest.raises(ValueError, match="may inhibit"):
        hj.effect_tests(params, panel, model=model)
    with pytest.raises(ValueError, match="use sample"):
        hj.fit(hj.Hawkes(baseline="hierarchical", link="rectified"), panel)
    with pytest.raises(ValueError, match=r"alpha\[0, 1\] is -0.27; it must be"):
        hj.residuals(hj.Hawkes(decay="shared"), params, panel)
    with pytest.raises(ValueError, match="alpha"):
        hj.simulate(hj.Hawkes(decay="shared"), params, window=(0, 3), key=KEY)
    with pytest.raises(ValueError, match="max_events = 5"):
        hj.simulate(model, params, window=(0, 50), key=KEY, max_events=5)
