"""How loud a network will be from here on, with intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import sparse

from hawkesjax.core.kept import Kept
from hawkesjax.core.random import generator
from hawkesjax.core.record import recorded
from hawkesjax.core.tables import statistics
from hawkesjax.inputs.arguments import Count, Key, Whole, checked
from hawkesjax.katz.counts import factor_ahead, senders_of
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.law import KatzLaw
from hawkesjax.katz.remembered import Remembered
from hawkesjax.katz.simulate import MAX_POSTS, Chain
from hawkesjax.katz.users import draw_baselines, draws_of, one_of


@dataclass(frozen=True, eq=False, repr=False)
class SpikeForecast(Kept):
    """Simulated volumes of the bins after a cut, one continuation per draw.

    Args:
        volume: (draws, bins) active users of each bin; posts for the Poisson link.
        left: (draws, bins + 1) expected part of the activity that the last bin before the cut had
            and that it still keeps alive k bins on; 1 at k = 0.
        first: number of the first bin.
        record: of the run (`hawkesjax.core.record`).
    """

    volume: Int[np.ndarray, "draws bins"]
    left: Float[np.ndarray, "draws bins+1"]
    first: int
    record: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> pd.DataFrame:
        """Mean and quantiles of the volume, one row per bin."""
        return _table(self.volume, range(self.first, self.first + self.volume.shape[1]))

    def total(self) -> pd.DataFrame:
        """Mean and quantiles of the volume of all bins together."""
        return _table(self.volume.sum(axis=1, keepdims=True), ["all"])

    def decay(self) -> pd.DataFrame:
        """What is left of the cut's activity k bins on: mean and quantiles, one row per k."""
        return _table(self.left, range(self.left.shape[1])).rename_axis("bins after the cut")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"summary": self.summary(), "total": self.total(), "decay": self.decay()}

    def _shown(self) -> pd.DataFrame:
        return self.total()

    def __repr__(self) -> str:
        text = self.total().to_string(float_format=lambda x: f"{x:.4g}")
        return (
            f"SpikeForecast: {self.volume.shape[1]} bins from bin {self.first}, "
            f"{len(self.volume)} continuations\n{text}"
        )


def _table(draws: np.ndarray, rows: Any) -> pd.DataFrame:
    return pd.DataFrame(statistics(draws), index=pd.Index(rows, name="bin"))


@recorded
@checked
def forecast(
    model: KatzLaw,
    values: Any,
    data: Activity,
    *,
    horizon: Count,
    key: Key,
    cut: Whole | None = None,
    draws: Count = 200,
    common_factor: Any = None,
    max_posts: Count = MAX_POSTS,
) -> SpikeForecast:
    r"""Continue the activity from what was heard in the last bin before the cut.

    Each continuation takes one draw of alpha and of all baselines (those that were integrated out
    are drawn from their posterior on `data`'s bins of the fit; those weighted by recency go on from
    the cut), so its spread holds both what is not known and what is left to chance. Users whom the
    network does not know are not in it.

    `left` is the finite-time decay :math:`1^T (\alpha A)^k s_0 / 1^T s_0` (with the users' own
    rates before A in the multiplicative form): a network is far from normal, and its activity may
    rise before it falls at the rate of its half-life.

    Args:
        model: the model.
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters.
        data: the past.
        horizon: how many bins.
        key: PRNG key.
        cut: number of the first bin to forecast; by default the one after the fit.
        draws: draws of a posterior to use; also the number of continuations.
        common_factor: g_k of each forecast bin, 1 by default.
        max_posts: give up with an error beyond this many posts in a continuation.

    Raises:
        ValueError: for a horizon or cut that is no number of bins of the log, or more posts than
            `max_posts`.
    """
    if data.fit is None:
        raise ValueError("This network has no log of activity to continue.")
    first = data.fit[1] if cut is None else cut
    if not 1 <= first <= data.num_bins:
        raise ValueError(f"cut is {cut!r}; it must be a bin from 1 to {data.num_bins:,}.")
    factor = factor_ahead(common_factor, horizon)
    params = draws_of(values, limit=draws)
    count = draws if len(params["alpha"]) == 1 else len(params["alpha"])
    rng = generator(key)
    chain = Chain(sparse.csc_array(data.matrix), model)
    posts = model.link_rule.posts
    senders = senders_of(data, posts=posts, memory=model.memory)
    state = senders.at(np.arange(data.num_users), np.full(data.num_users, first - 1))
    heard = data.matrix @ state
    volume = np.empty((count, horizon), np.int64)
    left = np.empty((count, horizon + 1))
    for number in range(count):
        one = one_of(params, number)
        own = Remembered.at(one, model, data, first) if model.baseline == "recent" else None
        b = draw_baselines(model, one, data, rng) if own is None else own.rates
        law = float(one["alpha"]), b if own is None else own
        _, bins, sent = chain.run(*law, factor, heard, rng, max_posts=max_posts)
        volume[number] = np.bincount(bins, weights=sent, minlength=horizon)
        left[number] = _left(chain, model, float(one["alpha"]), b, state, horizon)
    return SpikeForecast(volume, left, first)


def _left(chain, model, alpha, b, state, horizon) -> np.ndarray:
    """What is left of the activity after 0 to `horizon` bins."""
    total = float(state.sum())
    out = np.zeros(horizon + 1)
    out[0] = 1.0 if total else np.nan
    if not total:
        return out
    matrix = sparse.csr_array(chain.senders)
    held = vector = state
    for k in range(1, horizon + 1):
        vector = model.form_rule.set_off(alpha, matrix @ held, b)
        held = model.memory * held + vector
        out[k] = vector.sum() / total
    return out
