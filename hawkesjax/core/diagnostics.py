"""A sampler's diagnostics, in plain words."""

from __future__ import annotations

import os
import tempfile
import warnings
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

RHAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
BFMI_LIMIT = 0.3


class SamplingWarning(UserWarning):
    """Draws that need a closer look before they are used."""


def arviz() -> Any:
    """ArviZ, imported when it is first needed.

    Some releases write into the user's cache folder when they are imported; where that is
    impossible they get a temporary one. Their daily announcement of the next release is silenced:
    it has nothing to do with the analysis.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
            try:
                import arviz
            except OSError:
                os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="arviz-")
                import arviz
    except ImportError as error:
        raise ImportError("This needs ArviZ: pip install arviz.") from error
    return arviz


def convergence(posterior: xr.Dataset) -> xr.Dataset:
    """Effective sample sizes and R-hat of every parameter, along a new axis `statistic`.

    Rank-normalised split R-hat, bulk and tail ESS: Vehtari, Gelman, Simpson, Carpenter and
    Buerkner (2021), Bayesian Analysis 16, 667-718. NaN for a parameter that never moved. The
    R-hat of a single chain compares its parts, as if its halves were two chains.
    """
    az = arviz()
    halved = posterior.sizes["chain"] == 1 and posterior.sizes["draw"] >= 8
    compared = _halves(posterior) if halved else posterior
    parts = []
    with np.errstate(all="ignore"):
        for compute in (
            lambda: az.ess(posterior, method="bulk"),
            lambda: az.ess(posterior, method="tail"),
            lambda: az.rhat(compared),
        ):
            found = compute()
            parts.append(found.to_dataset() if isinstance(found, xr.DataTree) else found)
    names = pd.Index(["ess_bulk", "ess_tail", "r_hat"], name="statistic")
    combined: Any = xr.concat(parts, dim=names)
    return combined


def _halves(posterior: xr.Dataset) -> xr.Dataset:
    """One chain split into two, without its first draw if their number is odd."""
    half = posterior.sizes["draw"] // 2
    parts = [posterior.isel(draw=slice(-2 * half, -half)), posterior.isel(draw=slice(-half, None))]
    parts = [part.assign_coords(draw=np.arange(half)) for part in parts]
    halves: Any = xr.concat(parts, dim="chain")
    return halves.assign_coords(chain=[0, 1])


def energy_fraction(energy: np.ndarray) -> np.ndarray:
    """E-BFMI of each chain (Betancourt 2016, arXiv 1604.00695)."""
    spread = np.var(energy, axis=1)
    moved = np.mean(np.diff(energy, axis=1) ** 2, axis=1)
    return np.where(spread > 0, moved / np.where(spread > 0, spread, 1), np.nan)


def problems(table: pd.DataFrame, sample_stats: xr.Dataset, max_tree_depth: int) -> list[str]:
    """Sentences about what is wrong; empty when nothing is.

    Args:
        table: one row per parameter with `ess_bulk`, `ess_tail`, `r_hat`.
        sample_stats: the sampler's statistics (chain, draw).
        max_tree_depth: the sampler's limit.
    """
    sentences = []
    chains, draws = sample_stats.sizes["chain"], sample_stats.sizes["draw"]
    total = chains * draws
    bad = int(sample_stats["non_finite"].sum())
    if bad:
        sentences.append(f"{bad} of {total} draws have a density that is not finite: use float64.")
    diverging = int(sample_stats["diverging"].sum()) - bad
    if diverging > 0:
        sentences.append(
            f"{diverging} of {total} draws diverged: the sampler missed a part of the posterior. "
            f"Raise target_accept (0.95), or give a tighter prior."
        )
    deep = int((sample_stats["tree_depth"] >= max_tree_depth).sum())
    if deep:
        sentences.append(
            f"{deep} of {total} draws reached the tree depth of {max_tree_depth}: sampling is "
            f"slow, not wrong. Raise max_tree_depth, or reparametrise."
        )
    worst = float(table["r_hat"].max())
    if worst > RHAT_LIMIT:
        over = int((table["r_hat"] > RHAT_LIMIT).sum())
        whom = "the chains" if chains > 1 else "parts of the chain"
        sentences.append(
            f"R-hat is up to {worst:.3f} ({table['r_hat'].idxmax()}; {over} of {len(table)} "
            f"parameters above {RHAT_LIMIT}): {whom} do not agree. Run longer."
        )
    for column, word in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        least = float(table[column].min())
        if least < ESS_PER_CHAIN * chains:
            sentences.append(
                f"The {word} effective sample size is down to {least:.0f} "
                f"({table[column].idxmin()}), below {ESS_PER_CHAIN} per chain: "
                f"{'means' if word == 'bulk' else 'intervals'} are rough. Run longer."
            )
    stuck = [label for label, value in table["r_hat"].items() if np.isnan(value)]
    if len(stuck) and draws > 3:
        sentences.append(f"{len(stuck)} parameters never moved or are not finite ({stuck[0]}).")
    fraction = np.nanmin(energy_fraction(sample_stats["energy"].values), initial=np.inf)
    if fraction < BFMI_LIMIT:
        sentences.append(
            f"E-BFMI is {fraction:.2f}, below {BFMI_LIMIT}: the tails are explored slowly. Run "
            f"longer, or reparametrise."
        )
    return sentences
