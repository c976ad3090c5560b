"""Drawing activity from the Katz spike model, bin by bin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from hawkesjax.core.draws import params_of
from hawkesjax.core.random import generator
from hawkesjax.inputs.arguments import Count, Key, checked
from hawkesjax.katz.counts import factor_ahead
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.heard import ranges
from hawkesjax.katz.law import KatzLaw
from hawkesjax.katz.remembered import OWN, Remembered
from hawkesjax.katz.rules import Settings

MAX_POSTS = 10_000_000  # 240 MB of users, bins and numbers


@dataclass(frozen=True, eq=False)
class Chain:
    """A discrete-time chain on a network.

    Args:
        senders: A by columns.
        settings: link, form and memory count.
    """

    senders: sparse.csc_array
    settings: Settings

    def audience(self, users: np.ndarray, sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A s for senders given as a list: who hears something, in order, and how much."""
        begin = self.senders.indptr[users].astype(np.int64)
        count = self.senders.indptr[users + 1].astype(np.int64) - begin
        owner, edge = ranges(begin, count)
        listeners, place = np.unique(self.senders.indices[edge], return_inverse=True)
        weights = self.senders.data[edge] * sent[owner]
        return listeners, np.bincount(place.ravel(), weights=weights, minlength=len(listeners))

    def run(
        self,
        alpha: float,
        b: Float[np.ndarray, " users"] | Remembered,
        factor: Float[np.ndarray, " bins"],
        heard: Float[np.ndarray, " users"],
        rng: np.random.Generator,
        *,
        max_posts: int = MAX_POSTS,
    ) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
        r"""Draw the bins, at least one, one after another.

        A user is active when a Poisson variable of mean eta is above 0, which is the sum of two:
        what its baseline sets off, drawn for all bins at once, and what the few messages heard set
        off. So a bin costs its messages and their audiences only, however many users there are.
        (With memory, what was heard is a vector of all users, and so are baselines that are
        weighted by recency, which move on here. The clipped link has no such sum: one uniform
        number per user and bin.)

        Args:
            alpha, b: of the model.
            factor: g_k of each bin.
            heard: r before the first bin.
            rng: random numbers.
            max_posts: give up with a ValueError beyond this many.

        Returns:
            User, bin and posts of the active pairs, sorted by bin, then user.
        """
        own = [] if isinstance(b, Remembered) else self._own(b, factor, rng, max_posts)
        link, form, memory = self.settings.link_rule, self.settings.form_rule, self.settings.memory
        lasting = memory or link.silence
        heard = np.asarray(heard, float).copy()
        listeners = np.flatnonzero(heard > 0)
        amount = heard[listeners]
        active, total = [], 0
        for k, g in enumerate(factor):
            now = b.rates if isinstance(b, Remembered) else b
            if link.silence:
                rate = form.rate(g * now, alpha, heard)
                users = np.flatnonzero(rng.random(len(now)) < rate)
                posts = np.ones(len(users), np.int64)
            else:
                expected = form.set_off(alpha, amount, g * now[listeners])
                begun = b.draw(g, rng, max_posts) if isinstance(b, Remembered) else own[k]
                if np.sum(expected) > max_posts or begun is None:
                    raise ValueError(_too_many(max_posts, k, len(factor)))
                users = np.concatenate([begun, np.repeat(listeners, rng.poisson(expected))])
                users, posts = np.unique(users, return_counts=True)
                if not link.posts:
                    posts = np.ones_like(posts)
            total += int(posts.sum())
            if total > max_posts:
                raise ValueError(_too_many(max_posts, k, len(factor)))
            active.append((users, np.full(len(users), k), posts))
            if isinstance(b, Remembered):
                b.advance(users, posts)
            listeners, amount = self.audience(users, posts.astype(float))
            if lasting:
                heard *= memory
                heard[listeners] += amount
                listeners = np.flatnonzero(heard > 0)
                amount = heard[listeners]
        users, bins, posts = (np.concatenate(part) for part in zip(*active, strict=True))
        return users, bins, posts

    def _own(self, b, factor, rng, max_posts) -> list[np.ndarray]:
        """What the baselines set off: a list of users for each bin."""
        if self.settings.link_rule.silence:
            return []
        expected = float(np.sum(b) * np.sum(factor))
        if expected > max_posts:
            raise ValueError(
                f"The baselines alone make {expected:.3g} posts over {len(factor):,} bins, more "
                f"than max_posts={max_posts:,}: take fewer bins, or raise it."
            )
        count = rng.poisson(expected)
        if count == 0:
            return [np.zeros(0, np.int64)] * len(factor)
        users = rng.choice(len(b), size=count, p=b / np.sum(b))
        bins = rng.choice(len(factor), size=count, p=factor / np.sum(factor))
        order = np.argsort(bins, kind="stable")
        return np.split(users[order], np.searchsorted(bins[order], np.arange(1, len(factor))))


def _too_many(limit: int, k: int, bins: int) -> str:
    return (
        f"More than max_posts={limit:,} posts by bin {k} of {bins}: activity grows without end "
        f"(is alpha times the spectral radius above 1?). Take fewer bins, or raise max_posts."
    )


@checked
def simulate(
    model: KatzLaw,
    params: Any,
    network: Any,
    *,
    bins: Count,
    key: Key,
    common_factor: Any = None,
    max_posts: Count = MAX_POSTS,
) -> Activity:
    r"""Draw activity from a Katz spike model on a network; nothing was heard before bin 0.

    Args:
        model: a `KatzSpike`.
        params: `alpha`, and `b` (N,) or `shape` and `mean`, from which baselines are drawn, or
            `floor`, `weight` and `half_life`; or an `Estimate` of such.
        network: an `Activity`, whose network is used, or a pair (A, b) of a sparse matrix and
            baselines per bin.
        bins: how many.
        key: PRNG key; the same key gives the same activity.
        common_factor: g_k of each simulated bin; by default the model's own where it has numbers,
            else 1.
        max_posts: give up with an error beyond this many.

    Returns:
        An `Activity` with the same network; its fit is on all simulated bins. `heard` counts what
        the authors heard from the bin before.

    Raises:
        ValueError: for parameters that are missing, negative or of the wrong shape; for a factor
            of the wrong length; for more posts than `max_posts`.
    """
    values = params_of(params)
    data = Activity.from_matrix(*network) if isinstance(network, tuple) else network
    given = {"b", "shape", "weight"} & set(values)
    if isinstance(network, tuple) and not given and model.baseline != "recent":
        values["b"] = np.asarray(data.baseline)
    if not isinstance(data, Activity):
        raise ValueError(
            f"The network must be an Activity or a pair (A, b), not {type(data).__name__}."
        )
    rng = generator(key)
    alpha, b = _checked(model, values, data.num_users, rng)
    chosen = model.common_factor if common_factor is None else common_factor
    if isinstance(chosen, str):
        raise ValueError(
            "A common factor by volume is what happened, not a law of what will: give "
            "common_factor= with one number per bin."
        )
    factor = factor_ahead(chosen, bins)
    chain = Chain(sparse.csc_array(data.matrix), model)
    nothing = np.zeros(data.num_users)
    user, bin, posts = chain.run(alpha, b, factor, nothing, rng, max_posts=max_posts)
    return replace(
        data,
        active_user=user.astype(np.int32),
        active_bin=bin.astype(np.int32),
        active_posts=posts,
        volume=np.bincount(bin, weights=posts, minlength=bins).astype(np.int64),
        unseen=np.zeros(bins, np.int64),
        heard=_heard(data, user, bin, posts, bins),
        network=None,
        spike=None,
        fit=(0, bins),
        log=None,
    )


def _heard(data, user, bin, posts, bins) -> np.ndarray:
    """What the authors of each bin's posts heard from the bin before, summed over posts."""
    shape = (data.num_users, bins)
    sent = sparse.csr_array((posts.astype(float), (user, bin)), shape=shape)
    before = sparse.csr_array((posts.astype(float), (user, bin + 1)), shape=(shape[0], bins + 1))
    return np.asarray((sent * (data.matrix @ before)[:, :bins]).sum(axis=0)).ravel()


def _checked(model, values, size: int, rng) -> tuple[float, Any]:
    recent = model.baseline == "recent"
    known = OWN if recent else ("shape", "mean")
    known = ("b",) if "b" in values and not recent else known
    missing = [name for name in ("alpha", *known) if name not in values]
    if missing:
        needed = "floor, weight and half_life" if recent else "b or shape and mean"
        raise ValueError(f"params do not have {', '.join(missing)}; they need alpha, and {needed}.")
    for name in ("alpha", *known):
        value = values[name]
        wanted = (size,) if name == "b" else ()
        if value.shape != wanted:
            raise ValueError(f"{name} has shape {value.shape}; it must be {wanted}.")
        low = value <= 0 if name in ("shape", "mean", "half_life") else value < 0
        if np.any(low | ~np.isfinite(value)):
            raise ValueError(f"{name} must be finite and not negative; got {np.min(value)}.")
    if recent:
        floor, weight, half_life = (float(values[name]) for name in known)
        return float(values["alpha"]), Remembered(floor, weight, half_life, np.zeros(size), 0.0)
    if "b" in values:
        return float(values["alpha"]), values["b"]
    shape, mean = float(values["shape"]), float(values["mean"])
    return float(values["alpha"]), rng.gamma(shape, mean / shape, size)
