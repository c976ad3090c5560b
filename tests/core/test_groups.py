"""ArviZ's groups beside the posterior: the prior, its density, and replicates of the data."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import hawkesjax as hj
from hawkesjax.core.diagnostics import arviz
from tests.cases import CASES, activity_at
from tests.retweet.reference import psi

az = arviz()  # as the package imports it: two processes may race for its stamp of the day
DRAWS = 12
ONES = [next(c for c in CASES if c.name == name) for name in ("hawkes", "retweet", "katz")]
REPLICATED = {"hawkes": {"counts"}, "retweet": {"reposts", "num_posts"},
              "katz": {"events_of_user", "events_in_bin"}}  # fmt: skip


def posterior_of(case: Any) -> hj.Posterior:
    """Draws around the case's parameters, as if they had been sampled."""
    rng = np.random.default_rng(0)
    lead = (2, DRAWS)
    coords = case.model.coords(case.data)
    draws = {}
    for name, value in case.params.items():
        value = np.asarray(value, float)
        spread = value * np.exp(0.1 * rng.standard_normal((*lead, *value.shape)))
        draws[name] = (("chain", "draw", *case.model.dims[name]), spread)
    dims = {dim for one, _ in draws.values() for dim in one[2:]}
    known = {dim: coords[dim] for dim in dims} | {"chain": range(2), "draw": range(DRAWS)}
    names = ("lp", "energy", "diverging", "num_steps", "tree_depth", "non_finite")
    statistics = {name: (("chain", "draw"), np.zeros(lead)) for name in names}
    info = {"num_warmup": 0, "num_samples": DRAWS, "max_tree_depth": 10}
    return case.model.posterior_type.from_parts(
        case.model, case.data, xr.Dataset(draws, coords=known), xr.Dataset(statistics), info
    )


@pytest.fixture(scope="module", params=ONES, ids=str)
def container(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    case = request.param
    return case, posterior_of(case).to_arviz(predictive=DRAWS, key=0)


def test_groups_have_the_names_and_shapes_of_the_data(container: tuple[Any, Any]) -> None:
    case, found = container
    names = REPLICATED[case.name]
    for group in ("prior_predictive", "posterior_predictive"):
        part = getattr(found, group)
        assert set(part.data_vars) == names
        for name in names:
            seen = found.observed_data[name]
            assert part[name].shape == (1, DRAWS, *seen.shape)
    for name in case.params:
        assert found.prior[name].shape == (1, DRAWS, *np.shape(case.params[name]))
    assert set(found.log_prior.data_vars) == set(case.params)
    assert np.isfinite(found.posterior_predictive.to_array("all")).all()


def test_arviz_draws_them_and_measures_sensitivity(container: tuple[Any, Any]) -> None:
    case, found = container
    name = sorted(REPLICATED[case.name])[0]
    az.plot_ppc(found, var_names=[name], num_pp_samples=5)
    plt.close("all")
    found.add_groups(log_likelihood={"all": np.zeros((2, DRAWS, 1))})
    assert np.isfinite(az.psens(found, component="prior").to_array()).all()


def test_a_key_is_needed(container: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match="give key=0"):
        posterior_of(container[0]).to_arviz(predictive=3)


def test_replicates_of_reposts_have_their_expected_number() -> None:
    """Of reposters without followers: those whom the posts themselves have reached. The first post
    lies before the window, and what it set off before counts for nothing."""
    data = hj.Cascades.from_arrays(
        [0.0, 1.5], [4000.0, 9000.0], [0.5, 2.0], [0.0, 0.0], [0, 1], window=(1, 5), unit="day",
    )  # fmt: skip
    model, p0, tau = hj.RetweetHawkes(), 5e-3, 1.2
    params = {"beta": np.array([0.3]), "tau": tau, "swing": np.zeros(2), "p0": p0}
    drawn = [model.replicated(data, params, number, 10**6) for number in range(200)]
    s0 = 300 / 86400
    for post, (low, high, followers) in enumerate([(1.0, 5.0, 4000.0), (1e-9, 3.5, 9000.0)]):
        ages = np.r_[np.linspace(low, min(low + s0, high), 200), np.geomspace(low + s0, high, 9000)]
        rates = psi(ages, 0.242, s0) * np.exp(-ages / tau)
        wanted = p0 * followers * np.trapezoid(rates, ages)
        counts = np.array([one["reposts"][1][post] for one in drawn])
        assert abs(counts.mean() - wanted) < 4 * np.sqrt(wanted / 200)
    posts = np.array([one["num_posts"][1] for one in drawn])
    assert abs(posts.mean() - 4 * np.exp(0.3)) < 4 * np.sqrt(4 * np.exp(0.3) / 200)


def test_replicates_of_activity_begin_with_what_was_heard() -> None:
    data, model = activity_at(), hj.KatzSpike(baseline="free")
    first, last = data.fit
    b, alpha = np.linspace(0.05, 0.3, 12), 0.4
    drawn = [
        model.replicated(data, {"alpha": alpha, "b": b}, number, 10**6) for number in range(200)
    ]
    before = np.asarray(data.active_bin) == first - 1
    active = np.zeros(12)
    active[np.asarray(data.active_user)[before]] = 1
    wanted = 1 - np.exp(-(b + alpha * (data.matrix @ active)))
    began = np.array([one["events_in_bin"][1][0] for one in drawn])
    variance = np.sum(wanted * (1 - wanted))
    assert abs(began.mean() - wanted.sum()) < 4 * np.sqrt(variance / 200)
    for one in drawn[:3]:
        assert len(one["events_in_bin"][1]) == last - first
        assert one["events_in_bin"][1].sum() == one["events_of_user"][1].sum()
