"""What the likelihood of the Katz spike model needs of a log: counts by user and messages heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real
from scipy.special import gammaln

from hawkesjax.core.cache import kept
from hawkesjax.inputs.arguments import numbers
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.windows import refuse_gap
from hawkesjax.katz.heard import Senders, heard_at, heard_everywhere, heard_in_all
from hawkesjax.katz.rules import FORMS, LINKS, Form, Settings

FACTOR_STEP = 0.1  # of the logarithm of the volume: few different factors, so few distinct rows
MOST = 20_000_000  # counts of silent bins held at once: 160 MB


class Rows(NamedTuple):
    """One row per distinct (user, messages heard, factor).

    Args:
        user, heard, factor: of each row: i, r_i[k], g_k.
        count: active bins (or posts) of the row.
        silent: rows of silent bins instead; only the clipped link has some.
    """

    user: Int[Any, " rows"]
    heard: Float[Any, " rows"]
    factor: Float[Any, " rows"]
    count: Float[Any, " rows"]
    silent: Any

    def take(self, part: Any) -> Rows:
        """Some of the rows, or all in another order."""
        return Rows(*(column[part] for column in self))


@dataclass(frozen=True, eq=False)
class SpikeCounts:
    r"""Sufficient statistics.

    Args:
        rows: the active bins, by user, and the silent ones.
        heard_in_all: by user, the sum over all bins of r_i[k] (of g_k r_i[k] when it multiplies
            the baseline).
        exposure: `G = sum_k g_k`; K without a factor.
        num_bins: K.
        constant_by_user: minus the sum of log y! over each user's counts; 0 for active bins.
    """

    rows: Rows
    heard_in_all: Float[np.ndarray, " users"]
    exposure: float
    num_bins: int
    constant_by_user: Float[np.ndarray, " users"]

    @property
    def num_users(self) -> int:
        """N."""
        return len(self.heard_in_all)

    @property
    def constant(self) -> float:
        """The sum of `constant_by_user`."""
        return float(np.sum(self.constant_by_user))

    @property
    def events_by_user(self) -> Float[np.ndarray, " users"]:
        """n_i, active bins or posts of each user."""
        rows = self.rows.take(~self.rows.silent)
        return np.bincount(rows.user, weights=rows.count, minlength=self.num_users)


def target_bins(data: Activity) -> tuple[int, int]:
    """The bins of the fit, as a range; the first bin of a log has no bin before it and is left."""
    assert data.fit is not None
    first, last = data.fit
    return max(first, 1), last


def check_activity(data: Activity) -> None:
    """Refuse an activity without a log, or without a bin after another."""
    if data.fit is None:
        raise ValueError(
            "This network has no log of activity: build it with from_messages, whose fit= names "
            "the bins to fit on."
        )
    first, last = target_bins(data)
    if last <= first:
        raise ValueError(
            f"The fit's bins {data.fit} hold no bin that has another before it: widen fit=."
        )
    refuse_gap(data.gaps, data.fit, "fit's window", "Name one that was watched throughout, fit=.")


def volume_of(data: Activity, *, posts: bool) -> Real[np.ndarray, " bins"]:
    """Active users, or posts, of each of the fit's bins."""
    first, last = target_bins(data)
    part = slice(*np.searchsorted(data.active_bin, (first, last)))
    weights = np.asarray(data.active_posts, np.float64)[part] if posts else None
    return np.bincount(np.asarray(data.active_bin)[part] - first, weights, last - first)


def factor_of(data: Activity, common_factor: Any, *, posts: bool) -> Float[np.ndarray, " bins"]:
    """g_k of the fit's bins, scaled to mean 1: of None, `"volume"` (active users, or posts, of the
    bin itself, rounded to steps of 10 % so that few factors remain), or one number per bin.

    Raises:
        ValueError: for the wrong number of factors, or none above 0.
    """
    first, last = target_bins(data)
    if common_factor is None:
        return np.ones(last - first)
    if isinstance(common_factor, str):
        volume = volume_of(data, posts=posts)
        steps = np.round(np.log(np.maximum(volume, 1)) / FACTOR_STEP)
        factor = np.where(volume > 0, np.exp(steps * FACTOR_STEP), 0)
    else:
        factor = np.asarray(common_factor, np.float64)
        if factor.shape != (last - first,):
            raise ValueError(
                f"common_factor has {factor.size} numbers, the fit {last - first} bins "
                f"({first} to {last - 1}): give one per bin."
            )
    if not np.sum(factor) > 0:
        raise ValueError("The common factor is 0 in every bin of the fit: there is nothing to fit.")
    return factor / np.mean(factor)


def factor_ahead(given: Any, bins: int) -> Float[np.ndarray, " bins"]:
    """g_k of bins that are yet to come, as they are given; 1 where they are not."""
    if given is None:
        return np.ones(bins)
    factor = numbers(given, "common_factor")
    if factor.shape != (bins,) or not np.all(np.isfinite(factor) & (factor >= 0)):
        raise ValueError(
            f"common_factor must be {bins} finite numbers of at least 0, one per bin; got "
            f"{factor.shape}."
        )
    return factor


def senders_of(data: Activity, *, posts: bool, memory: float) -> Senders:
    """Who was active when, in all bins of the log, counting posts or not."""
    sent = data.active_posts if posts else np.ones(len(data.active_user))
    return Senders.from_pairs(data.active_user, data.active_bin, sent, memory=memory)


def counts_of(
    data: Activity, settings: Settings, users: tuple[int, int] | None = None
) -> SpikeCounts:
    """`count_spikes`, once for each container, settings and range of users."""
    names = ("link", "form", "memory", "common_factor")
    return count_spikes(data, **{name: getattr(settings, name) for name in names}, users=users)


def totals_of(data: Activity, settings: Settings) -> dict[str, float]:
    """What all users heard, the sum of the common factor, and all events (D, G, n)."""
    first, last = target_bins(data)
    posts, how = settings.link_rule.posts, settings.form_rule
    factor = factor_of(data, settings.common_factor, posts=posts)
    senders = senders_of(data, posts=posts, memory=settings.memory)
    inside = (senders.bin >= first) & (senders.bin < last)
    sums = heard_in_all(data.matrix, senders, _weights(factor, first, how))
    return {
        "heard": float(np.sum(sums)),
        "exposure": float(np.sum(factor)),
        "events": float(np.sum(senders.sent[inside])),
    }


def _weights(factor: np.ndarray, first: int, how: Form) -> np.ndarray:
    """By bin, what a message of it counts for in the sums: one of bin m is heard in bin m + 1."""
    weights = np.zeros(first + len(factor))
    weights[first - 1 : -1] = factor if how.multiplies else 1
    return weights


@kept
def count_spikes(
    data: Activity,
    *,
    link: str,
    form: str,
    memory: float = 0.0,
    common_factor: Any = None,
    users: tuple[int, int] | None = None,
) -> SpikeCounts:
    r"""Count who acted after hearing how much.

    The hazard and the Poisson link need r at events only, plus sums over all bins that one sparse
    product gives; the clipped link also needs the silent bins that heard something (one sparse
    product by bins), and the others by subtraction.

    Arguments as in `KatzSpike`; `users` is a range of them, which are then counted from 0.
    """
    low, high = users or (0, data.num_users)
    first, last = target_bins(data)
    posts, how = LINKS[link].posts, FORMS[form]
    factor = factor_of(data, common_factor, posts=posts)
    network = data.matrix if users is None else data.matrix[low:high]
    senders = senders_of(data, posts=posts, memory=memory)
    inside = (senders.bin >= first) & (senders.bin < last)
    inside &= (senders.user >= low) & (senders.user < high)
    user, at, count = senders.user[inside] - low, senders.bin[inside], senders.sent[inside]
    heard = heard_at(network, senders, user, at - 1)
    own = factor[at - first]
    _refuse_impossible(heard, own, at, how)

    sums = heard_in_all(network, senders, _weights(factor, first, how))
    logs = -gammaln(count + 1) if posts else np.zeros(len(count))
    constant = np.bincount(user, weights=logs, minlength=high - low)
    rows = _collapse(Rows(user, heard, own, count, np.zeros(len(user), bool)))
    if LINKS[link].silence:
        parts = rows, *_silent_rows((first, last), network, senders, factor, user, at)
        rows = Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return SpikeCounts(rows, sums, float(np.sum(factor)), last - first, constant)


def _refuse_impossible(heard, factor, bins, form: Form) -> None:
    rate_is_zero = (factor == 0) & ((heard == 0) | form.multiplies)
    if np.any(rate_is_zero):
        raise ValueError(
            f"Users were active in {len(np.unique(bins[rate_is_zero]))} bins whose common factor "
            f"is 0 (first: bin {bins[rate_is_zero].min()}): no rate makes that possible."
        )


def _collapse(rows: Rows) -> Rows:
    """Rows with the same (user, heard, factor) become one."""
    rows = rows.take(np.lexsort((rows.factor, rows.heard, rows.user)))
    if not len(rows.user):
        return rows
    changes = [column[1:] != column[:-1] for column in (rows.user, rows.heard, rows.factor)]
    start = np.flatnonzero(np.r_[True, np.any(changes, axis=0)])
    return rows.take(start)._replace(count=np.add.reduceat(rows.count, start))


def _silent_rows(bins, network, senders, factor, user, at) -> tuple[Rows, Rows]:
    """Silent bins of every user: those that heard something, and the rest by subtraction."""
    (first, last), size = bins, network.shape[0]
    who, when, heard = heard_everywhere(network, senders, first - 1, last - 1)
    when = when + 1
    still = ~np.isin(who * last + when, user * last + at)
    ones = np.ones(int(np.sum(still)))
    loud = _collapse(Rows(who[still], heard[still], factor[when[still] - first], ones, ones > 0))
    levels, level = np.unique(factor, return_inverse=True)
    if size * len(levels) > MOST:
        raise ValueError(
            f"With link='clip', the silent bins of all {size:,} users are counted for "
            f"each of {len(levels):,} values of the common factor, more than {MOST:,} numbers. "
            f"Round the factor to fewer values, leave it out, or take link='hazard', which needs "
            f"the events alone."
        )
    rest = np.tile(np.bincount(level, minlength=len(levels)).astype(float), (size, 1))
    np.subtract.at(rest, (who, level[when - first]), 1)
    deaf = ~np.isin(user * last + at, who * last + when)
    np.subtract.at(rest, (user[deaf], level[at[deaf] - first]), 1)
    i, place = np.nonzero(rest)
    return loud, Rows(i, np.zeros(len(i)), levels[place], rest[i, place], np.ones(len(i), bool))
