"""Convergence figures on made draws: sound ones pass, drifting ones do not, one chain or many."""

import numpy as np
import pytest
import xarray as xr

from hawkesjax.core.diagnostics import convergence


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("shape", [(1, 300), (1, 301), (2, 300), (4, 1000)])
def test_a_drift_is_seen_with_one_chain_too(shape, capfd):
    rng = np.random.default_rng(0)
    sound = rng.normal(size=shape)
    drifting = sound + (np.arange(shape[1]) > shape[1] / 2)
    coords = {"chain": np.arange(shape[0]), "draw": np.arange(shape[1])}
    variables = {"sound": (("chain", "draw"), sound), "drifting": (("chain", "draw"), drifting)}
    found = convergence(xr.Dataset(variables, coords=coords))
    figures = {name: found[name].sel(statistic="r_hat").item() for name in variables}
    assert figures["sound"] < 1.01 < 1.05 < figures["drifting"]
    size = {name: found[name].sel(statistic="ess_bulk").item() for name in variables}
    assert size["drifting"] < 0.1 * sound.size < 0.5 * sound.size < size["sound"]
    assert capfd.readouterr().out == capfd.readouterr().err == ""
