"""Bayes factors of effects, from draws whose density at 0 is known."""

from types import SimpleNamespace

import numpy as np
import numpyro.distributions as dist
import pytest
import xarray as xr

import hawkesjax as hj
from hawkesjax.hawkes.evidence import bayes_factors

DRAWS = 8000


def posterior_of(model, draws):
    """Two chains of draws of one effect."""
    values = np.reshape(draws, (2, -1, 1, 1))
    dims = ("chain", "draw", "target", "source")
    alpha = xr.DataArray(values, dims=dims, coords={"target": ["a"], "source": ["a"]})
    return SimpleNamespace(model=model, posterior=xr.Dataset({"alpha": alpha}))


RNG = np.random.default_rng(0)
PRIOR = hj.Hawkes()  # of one mark: exponential, density 1 at 0
CASES = {  # draws, and their density at 0
    "exponential": (RNG.exponential(0.1, DRAWS), 10.0),
    "half normal": (np.abs(RNG.normal(0, 0.2, DRAWS)), np.sqrt(2 / np.pi) / 0.2),
}


@pytest.mark.parametrize("name", CASES)
def test_factors_are_ratios_of_densities_at_0(name):
    draws, density = CASES[name]
    (row,) = bayes_factors(posterior_of(PRIOR, draws)).itertuples()
    assert row.factor == pytest.approx(1 / density, rel=0.1)
    assert row.probability == pytest.approx(row.factor / (1 + row.factor))
    assert not row.bound
    assert row.log == pytest.approx(np.log(row.factor))


def test_a_prior_of_ones_own_counts():
    """Twice the density at 0 under the prior: twice the factor; and effects of either sign."""
    draws = CASES["exponential"][0]
    wide = hj.Hawkes(priors={"alpha": dist.HalfNormal(4.0)})
    factor = bayes_factors(posterior_of(wide, draws))["factor"].item()
    assert factor == pytest.approx(np.sqrt(2 / np.pi) / 4 / 10, rel=0.1)
    signed = hj.Hawkes(link="rectified", priors={"alpha": dist.Normal(0.0, 1.0)})
    factor = bayes_factors(posterior_of(signed, RNG.normal(0.1, 0.2, DRAWS)))["factor"].item()
    right = (1 / np.sqrt(2 * np.pi)) / (np.exp(-(0.5**2) / 2) / np.sqrt(2 * np.pi) / 0.2)
    assert factor == pytest.approx(right, rel=0.1)


def test_few_draws_near_0_give_a_bound():
    table = bayes_factors(posterior_of(PRIOR, RNG.normal(0.5, 0.05, DRAWS)))
    assert table["bound"].item()
    assert table["factor"].item() > 20
    assert table["in words"].item() == "strong evidence of an effect"
    flat = bayes_factors(posterior_of(PRIOR, RNG.exponential(0.01, DRAWS)))
    assert flat["in words"].item() == "strong evidence of no effect"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (hj.Hawkes(stationary=True), "stationarity"),
        (hj.Hawkes(fixed={"alpha": 0.3}), "fixed"),
        (hj.Hawkes(priors={"alpha": dist.LogNormal(0.0, 1.0)}), "no positive density at 0"),
    ],
)
def test_bad_input(model, words):
    with pytest.raises(ValueError, match=words):
        bayes_factors(posterior_of(model, CASES["exponential"][0]))
