"""Shares at and beyond criticality, and users without events."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
import xarray as xr

import hawkesjax as hj
from hawkesjax.hawkes import tables


def posterior(beyond, draws=200, users=("ann", "bob")):
    """Draws of which `beyond` have a spectral radius above one."""
    rng = np.random.default_rng(0)
    alpha = rng.uniform(0.1, 0.4, (1, draws, 2, 2))
    alpha[0, :beyond] += 0.7
    coords = {"sequence": list(users), "mark": ["on", "off"], "target": ["on", "off"],
              "source": ["on", "off"]}  # fmt: skip
    return xr.Dataset(
        {
            "alpha": (("chain", "draw", "target", "source"), alpha),
            "mu": (("chain", "draw", "sequence", "mark"), rng.uniform(1, 2, (1, draws, 2, 2))),
        },
        coords,
    )


def by_hand(post, i, j, rows):
    """Over both users, from the series 1 + alpha + alpha^2 + ... of every draw."""
    out = []
    for alpha, mu in zip(post["alpha"].values[0][rows], post["mu"].values[0][rows], strict=True):
        rates = []
        for matrix in (alpha, np.where(np.arange(4).reshape(2, 2) == 2 * i + j, 0, alpha)):
            generation, total = mu.sum(axis=0), np.zeros(2)
            for _ in range(250):  # radius below 0.8
                total, generation = total + generation, matrix @ generation
            rates.append(total[i])
        out.append(1 - rates[1] / rates[0])
    return np.mean(out)


@pytest.mark.parametrize("beyond", [0, 5, 6, 199, 200])
def test_shares_beyond_criticality_are_never_numbers(beyond):
    post = posterior(beyond)
    table = tables.shares(SimpleNamespace(posterior=post, model=hj.Hawkes()))
    assert np.all(table["beyond"] == beyond / 200)
    numbers = table[["mean", "2.5%", "50%", "97.5%"]]
    if beyond > 5:  # more than a tail of the interval
        assert numbers.isna().all(axis=None)
        assert table["why"].str.contains("at or above criticality").all()
        return
    assert np.all(numbers > 0) and np.all(numbers < 1)
    assert set(table["why"]) == (
        {"given stationarity: 5 of 200 draws are beyond it"} if beyond else {""}
    )
    for i, target, j, source in ((1, "off", 0, "on"), (0, "on", 0, "on")):
        found = table.loc[("all", target, source), "mean"]
        assert found == pytest.approx(by_hand(post, i, j, slice(beyond, None)), rel=1e-9)


def test_a_user_without_events_counts_its_time_and_shrinks_to_the_group():
    """Its time pulls the group's rate down; its own rate lies below the others', above 0."""
    rng = np.random.default_rng(3)
    counts = [40, 12, 25, 18, 0]  # more apart than one rate tells, so the group has a spread
    times = np.concatenate([np.sort(rng.uniform(0, 10, n)) for n in counts])
    owner = np.repeat(np.arange(5), counts)
    model = hj.Hawkes(decay="shared", baseline="hierarchical")

    def fitted(idle):
        ends = [(0.0, 10.0)] * 4 + [(0.0, idle)]
        panel = hj.EventPanel.from_arrays(times, 0 * owner, sequence=owner, window=ends)
        return panel, hj.fit(model, panel, errors=False)

    (short, brief), (long, lasting) = fitted(0.5), fitted(10.0)
    for panel, found in ((short, brief), (long, lasting)):
        assert found.converged, found.message
        params = {name: found.params[name] for name in ("mu", "alpha", "gamma")}
        without = panel.select(panel.sequence_names[:4])
        own = params["mu"][4, 0] * float(panel.duration[4])
        kept = params | {"mu": params["mu"][:4]}
        rtol = 1e-9 if jax.config.jax_enable_x64 else 1e-4
        assert float(model.log_likelihood(params, panel)) == pytest.approx(
            float(model.log_likelihood(kept, without)) - own, rel=rtol
        )
    mu, shrunk = brief.params["mu"][:, 0], lasting.params["mu"][:, 0]
    assert 0.5 * mu[:4].mean() < mu[4] < mu[:4].mean()  # half a day says little
    assert 0.01 < shrunk[4] < 0.5 * mu[4]  # ten days say more, and it is not 0
    assert lasting.params["mu_spread"][0] > brief.params["mu_spread"][0]
