"""Recency-weighted baselines bin by bin, on the host: for simulation, forecasts and residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.katz.counts import senders_of
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.recency import watched_before
from hawkesjax.katz.rules import Settings

OWN = ("floor", "weight", "half_life")


@dataclass(eq=False)
class Remembered:
    r"""The baselines of one bin, which move on with each bin's activity.

    Args:
        floor, weight, half_life: of the model.
        sums: (N,) posts of each user, weighted by age.
        past: watched bins before the bin.
    """

    floor: float
    weight: float
    half_life: float
    sums: Float[np.ndarray, " users"]
    past: float

    @classmethod
    def at(cls, params: Mapping[str, Any], settings: Settings, data: Activity, bin: int):
        """As they are in a bin of the log."""
        missing = [name for name in OWN if name not in params]
        if missing:
            raise ValueError(f"Parameters are missing: {', '.join(missing)}.")
        floor, weight, half_life = (float(params[name]) for name in OWN)
        own = senders_of(data, posts=settings.link_rule.posts, memory=0.0)
        before = watched_before(data, bin)
        inside = own.bin < bin
        age = before[bin] - before[own.bin[inside] + 1]
        weights = own.sent[inside] * np.exp2(-age / half_life)
        sums = np.bincount(own.user[inside], weights=weights, minlength=data.num_users)
        return cls(floor, weight, half_life, sums, float(before[bin]))

    @property
    def slope(self) -> float:
        """What a weighted post adds."""
        if self.past == 0:
            return 0.0
        decay = -np.log(2) / self.half_life
        return float(self.weight * np.expm1(decay) / np.expm1(decay * self.past))

    @property
    def rates(self) -> Float[np.ndarray, " users"]:
        """b of every user in this bin."""
        return self.floor + self.slope * self.sums

    def draw(
        self, factor: float, rng: np.random.Generator, most: int
    ) -> Int[np.ndarray, " posts"] | None:
        """Users whom their baselines set off, with repeats; None for more than `most`."""
        even = self.floor * len(self.sums) * factor
        total = float(self.sums.sum())
        again = self.slope * total * factor
        if even + again > most:
            return None
        anyone = rng.integers(0, len(self.sums), rng.poisson(even))
        count = rng.poisson(again)
        if not count:
            return anyone
        return np.concatenate([anyone, rng.choice(len(self.sums), count, p=self.sums / total)])

    def advance(self, users: Any, sent: Any, watched: float = 1.0) -> None:
        """Move on by a bin in which these users were active."""
        self.sums *= np.exp2(-watched / self.half_life)
        self.sums[users] += sent
        self.past += watched


def own_rates(
    model: Settings, params: Mapping[str, Any], data: Activity, first: int, last: int
) -> Any:
    """The baselines of each of some bins, one bin after another."""
    now = Remembered.at(params, model, data, first)
    before = watched_before(data, last)
    posts = model.link_rule.posts
    for bin in range(first, last):
        yield now.rates
        low, high = np.searchsorted(data.active_bin, (bin, bin + 1))
        sent = data.active_posts[low:high] if posts else 1.0
        now.advance(data.active_user[low:high], sent, float(before[bin + 1] - before[bin]))
