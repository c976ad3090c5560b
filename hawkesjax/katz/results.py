"""The tables of a Katz spike posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array
from scipy import sparse

from hawkesjax.core.posterior import Posterior
from hawkesjax.core.random import generator
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.model import KatzSpike
from hawkesjax.katz.steady.krylov import krylov_sweep
from hawkesjax.katz.steady.radius import radius_bounds
from hawkesjax.katz.users import draw_baselines, user_baselines

QUANTILES = (0.025, 0.5, 0.975)
RESIDUAL = 1e-8


class KatzPosterior(Posterior, model="katz"):
    """A `Posterior` with the network's own tables."""

    def influence(self) -> pd.DataFrame:
        r"""What hearing a message does, with 95 % intervals.

        Additive: `alpha` per bin and message; `alpha_star`; the half-life in bins,
        :math:`\log 2 / |\log \alpha^*|`, infinite from alpha* = 1 on; and `share`, the part of the
        fitted events that messages of the bin before set off, `alpha D / n`. Multiplicative: the
        factor `1 + alpha` by which one message heard raises a user's rate.
        """
        draws = _stacked(self)
        rows = {"alpha": draws["alpha"]}
        if self.config["form"] == "multiplicative":
            rows["factor of one message"] = 1 + draws["alpha"]
        else:
            constant = self.constant_data
            rows["share"] = draws["alpha"] * float(constant["heard"] / constant["events"])
        if "alpha_star" in self.posterior:
            star = np.asarray(self.posterior["alpha_star"]).ravel()
            rows["alpha_star"] = star
            with np.errstate(divide="ignore"):
                rows["half-life"] = np.where(
                    star < 1, np.log(2) / np.abs(np.log(np.minimum(star, 1))), np.inf
                )
        table = {}
        for name, values in rows.items():
            low, middle, high = np.quantile(values, QUANTILES, method="inverted_cdf")
            mean = np.mean(values)
            table[name] = {"mean": mean, "2.5%": low, "50%": middle, "97.5%": high}
        return pd.DataFrame(table).T.rename_axis("quantity")

    def baseline(self, data: Activity, *, draws: int = 100) -> pd.DataFrame:
        """Every user's baseline per bin: posterior mean and 95 % interval.

        Args:
            data: what was sampled.
            draws: draws to use, evenly spaced over all chains.
        """
        model, found = model_of(self), draws_of_katz(self, limit=draws)
        index = pd.Index(list(data.user_names), name="user")
        if "b" in found:
            low, high = np.quantile(found["b"], (QUANTILES[0], QUANTILES[2]), axis=0)
            values = np.column_stack([found["b"].mean(axis=0), low, high])
        else:
            values = user_baselines(model, found, data)
        return pd.DataFrame(values, index=index, columns=["mean", "2.5%", "97.5%"])

    def ranking(
        self, data: Activity, *, key: Array, top: int = 100, draws: int = 100
    ) -> pd.DataFrame:
        r"""How sure the ranking is: probability of each user to be among the `top` in the steady
        state, over draws of alpha and of all baselines.

        Each draw solves :math:`(I - \alpha A) s = b`, with diag(b) A in the place of A in the
        multiplicative form.

        Args:
            data: what was sampled.
            key: PRNG key of the baselines' draws.
            top: how many users.
            draws: posterior draws to use.

        Returns:
            A row a user that was ever among them, most probable first: `probability`, mean and 95 %
            interval of the score (posts a bin in the steady state).

        Raises:
            ValueError: for a `top` that is no number of users, or draws without a steady state.
        """
        if isinstance(top, bool) or int(top) != top or not 1 <= top <= data.num_users:
            raise ValueError(f"top is {top!r}; it must be from 1 to {data.num_users:,} users.")
        scores = steady_states(model_of(self), draws_of_katz(self, limit=draws), data, key)
        cut = np.argpartition(-scores, top - 1, axis=1)[:, :top]
        hits = np.bincount(cut.ravel(), minlength=data.num_users) / len(scores)
        users = np.flatnonzero(hits > 0)
        users = users[np.lexsort((-scores[:, users].mean(axis=0), -hits[users]))]
        low, high = np.quantile(scores[:, users], (QUANTILES[0], QUANTILES[2]), axis=0)
        return pd.DataFrame(
            {
                "probability": hits[users],
                "mean": scores[:, users].mean(axis=0),
                "2.5%": low,
                "97.5%": high,
            },
            index=pd.Index([data.user_names[int(i)] for i in users], name="user"),
        )


def model_of(values: Any) -> KatzSpike:
    """The model of a posterior or an estimate, with default priors."""
    config = values.config
    names = ("link", "form", "baseline", "memory", "common_factor")
    return KatzSpike(**{name: config[name] for name in names})


def draws_of_katz(values: Any, limit: int | None = None) -> dict[str, np.ndarray]:
    """The parameters with a leading axis of draws (one for a dict or an estimate).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        limit: keep at most this many draws, evenly spaced over all chains.
    """
    known = getattr(values, "params", values)
    if isinstance(known, Mapping):
        missing = [name for name in ("alpha",) if name not in known]
        if missing or not ("b" in known or {"shape", "mean"} <= set(known)):
            raise ValueError("Parameters are missing: alpha, and b or shape and mean, are needed.")
        found = {name: np.asarray(v, np.float64)[None] for name, v in known.items()}
    else:
        found = _stacked(values)
    found.pop("alpha_star", None)
    total = len(found["alpha"])
    if limit is not None and total > limit:
        chosen = np.linspace(0, total - 1, limit).round().astype(int)
        found = {name: value[chosen] for name, value in found.items()}
    return found


def steady_states(
    model: KatzSpike, draws: Mapping[str, np.ndarray], data: Activity, key: Array
) -> np.ndarray:
    """Scores of all users, a row a draw.

    Raises:
        ValueError: when draws have no steady state; it says how many.
    """
    matrix, rng = data.matrix, generator(jax.random.fold_in(key, 0))
    limit = radius_bounds(matrix).lower if model.form == "additive" else None
    rows, beyond = [], 0
    for number in range(len(draws["alpha"])):
        one = {name: value[number] for name, value in draws.items()}
        b = one["b"] if "b" in one else draw_baselines(model, one, data, rng)
        alpha, own = float(one["alpha"]), matrix
        if model.form == "multiplicative":
            weights = matrix.data * b[np.asarray(data.listener)]
            own = sparse.csr_array((weights, matrix.indices, matrix.indptr), shape=matrix.shape)
        lower = radius_bounds(own, 1e-3).lower if limit is None else limit
        if alpha * lower >= 1:
            beyond += 1
            continue
        found = krylov_sweep(own, b, np.array([alpha]), tolerance=RESIDUAL)
        rows.append(found.scores.reshape(-1))
    if beyond:
        raise ValueError(
            f"{beyond} of {len(draws['alpha'])} draws have no steady state (alpha times the "
            f"spectral radius is 1 or more): activity would grow without end, and no ranking is "
            f"its limit."
        )
    return np.stack(rows)


def _stacked(posterior: Posterior) -> dict[str, np.ndarray]:
    found = {}
    for name in posterior.posterior:
        values = np.asarray(posterior.posterior[name], np.float64)
        found[str(name)] = values.reshape(-1, *values.shape[2:])
    return found
