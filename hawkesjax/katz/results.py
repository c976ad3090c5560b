"""The tables of a Katz spike posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array

from hawkesjax.core.posterior import Posterior
from hawkesjax.core.random import generator
from hawkesjax.core.tables import statistics
from hawkesjax.inputs.arguments import prng_key
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.rules import Settings
from hawkesjax.katz.steady.blockwise import checked_sweep
from hawkesjax.katz.steady.decay import half_life
from hawkesjax.katz.steady.krylov import Effort
from hawkesjax.katz.steady.radius import radius_bounds
from hawkesjax.katz.steady.solve import matrix_of, warn_left
from hawkesjax.katz.users import draw_baselines, draws_of, one_of, user_baselines

RESIDUAL = 1e-8


class KatzPosterior(Posterior):
    """A `Posterior` with the network's own tables."""

    def influence(self) -> pd.DataFrame:
        r"""What hearing a message does, with 95 % intervals.

        Additive: `alpha` per bin and message; `alpha_star`; the half-life in bins,
        :math:`\log 2 / |\log \alpha^*|`, infinite from alpha* = 1 on; and `share`, the part of the
        fitted events that messages of the bin before set off, `alpha D / n`. Multiplicative: the
        factor `1 + alpha` by which one message heard raises a user's rate.
        """
        draws, constant = self.draws(), self.constant_data
        rows = {"alpha": draws["alpha"]}
        if self.settings.form_rule.multiplies:
            rows["factor of one message"] = 1 + draws["alpha"]
        else:
            rows["share"] = draws["alpha"] * float(constant["heard"] / constant["events"])
        if "alpha_star" in draws:
            rows["alpha_star"] = star = draws["alpha_star"]
            rows["half-life"] = np.where(star < 1, half_life(np.where(star < 1, star, 0)), np.inf)
        table = {name: statistics(row, method="inverted_cdf") for name, row in rows.items()}
        return pd.DataFrame(table).T.rename_axis("quantity")

    def baseline(self, data: Activity | None = None, *, draws: int = 100) -> pd.DataFrame:
        """Every user's baseline per bin: posterior mean and 95 % interval. Those weighted by
        recency are as of the end of the fit.

        Args:
            data: what was sampled; after `load` it must be given.
            draws: draws to use, evenly spaced over all chains.
        """
        activity: Activity = self.sampled(data)
        params = draws_of(self, draws)
        index = pd.Index(list(activity.user_names), name="user")
        values = user_baselines(self.settings, params, activity)
        return pd.DataFrame(values, index=index, columns=["mean", "2.5%", "97.5%"])

    def ranking(
        self, data: Activity | None = None, *, key: Array | int, top: int = 100, draws: int = 100
    ) -> pd.DataFrame:
        r"""How sure the ranking is: probability of each user to be among the `top` in the steady
        state, over draws of alpha and of all baselines.

        Each draw solves :math:`(I - \alpha A) s = b`, with diag(b) A in the place of A in the
        multiplicative form. Baselines weighted by recency are as of the end of the fit.

        Args:
            data: what was sampled; after `load` it must be given.
            key: PRNG key of the baselines' draws.
            top: how many users.
            draws: posterior draws to use.

        Returns:
            One row per user that was ever among them, most probable first: `probability`, mean and
            95 % interval of the score (posts per bin in the steady state).

        Raises:
            ValueError: for a `top` that is no number of users, or draws without a steady state.
        """
        activity: Activity = self.sampled(data)
        if isinstance(top, bool) or int(top) != top or not 1 <= top <= activity.num_users:
            raise ValueError(f"top is {top!r}; it must be from 1 to {activity.num_users:,} users.")
        scores = steady_states(self.settings, draws_of(self, draws), activity, key)
        cut = np.argpartition(-scores, top - 1, axis=1)[:, :top]
        hits = np.bincount(cut.ravel(), minlength=activity.num_users) / len(scores)
        users = np.flatnonzero(hits > 0)
        users = users[np.lexsort((-scores[:, users].mean(axis=0), -hits[users]))]
        return pd.DataFrame(
            {"probability": hits[users], **statistics(scores[:, users], median=False)},
            index=pd.Index([activity.user_names[int(i)] for i in users], name="user"),
        )

    @property
    def settings(self) -> Settings:
        """The model's settings."""
        assert isinstance(self.model, Settings)
        return self.model

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that needs no more than the draws, by name."""
        return {"summary": self.summary(), "influence": self.influence()}


def steady_states(
    settings: Settings, draws: Mapping[str, np.ndarray], data: Activity, key: Array | int
) -> np.ndarray:
    """Scores of all users, one row per draw.

    Raises:
        ValueError: when draws have no steady state; it says how many.
    """
    rng = generator(jax.random.fold_in(prng_key(key, "key"), 0))
    multiplies = settings.form_rule.multiplies
    matrix = data.matrix
    limit = 0.0 if multiplies else radius_bounds(matrix).lower
    rows, beyond = [], 0
    for number in range(len(draws["alpha"])):
        one = one_of(draws, number)
        b = draw_baselines(settings, one, data, rng)
        alpha = float(one["alpha"])
        if multiplies:
            matrix = matrix_of(replace(data, baseline=b), settings.form)
            limit = radius_bounds(matrix, 1e-3).lower
        if alpha * limit >= 1:
            beyond += 1
            continue
        sweep = checked_sweep(matrix, b, np.array([alpha]), Effort(RESIDUAL))
        warn_left(sweep.residuals, RESIDUAL)
        rows.append(sweep.scores.reshape(-1))
    if beyond:
        raise ValueError(
            f"{beyond} of {len(draws['alpha'])} draws have no steady state (alpha times the "
            f"spectral radius is 1 or more): activity would grow without end, and no ranking is "
            f"its limit."
        )
    return np.stack(rows)
