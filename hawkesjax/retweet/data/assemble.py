"""From checked columns to the arrays of cascades, and from cascades to parts of them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Range, number
from hawkesjax.inputs.arguments import choice as one_of
from hawkesjax.inputs.checks import ABSENT, ROWS, Rows, column_of, refuse, short
from hawkesjax.inputs.clock import Clock
from hawkesjax.inputs.gaps import ALONE, no_gaps, pairs_of, refuse_inside
from hawkesjax.inputs.gaps import Gaps as Holes
from hawkesjax.inputs.moments import Fields, moment
from hawkesjax.inputs.names import positions
from hawkesjax.inputs.windows import before_midnight, leave_out, plain, read_window
from hawkesjax.retweet.data.gaps import Gaps

CHOICES = {
    "orphans": ("error", "drop", "restore"),
    "missing_followers": ("error", "zero", "median"),
    "early": ("error", "drop"),
    "late": ("error", "drop"),
    "duplicates": ("error", "first"),
    "deleted": ("error", "drop"),
    "zero_followers": ("keep", "at_least_one"),
}
FORMS = "Give a pair (start, end), or a list of such pairs, between which lie gaps of the record."


class Policies:
    """What the user chose (policy -> choice) for rows that are wrong in a way with more than one
    cure, and what that touched: (policy, choice, rows)."""

    def __init__(self, **chosen: str) -> None:
        for name, choice in chosen.items():
            one_of(choice, name, CHOICES[name])
        self.chosen = chosen
        self.touched: list[tuple[str, str, int]] = []

    def apply(self, name: str, wrong: np.ndarray, *how: Any) -> bool:
        """Refuse the wrong rows (`how`: further arguments of `refuse`), or count them; whether
        there are any."""
        if not wrong.any():
            return False
        if self.chosen.get(name, "error") == "error":
            refuse(wrong, *how)
        self.touched.append((name, self.chosen[name], int(wrong.sum())))
        return True


@dataclass
class Rowset:
    """Posts or reposts as arrays, with what errors call their rows."""

    values: np.ndarray
    followers: np.ndarray
    rows: Rows
    time: str
    column: str
    told: int = 0  # so many of the last are posts that no row shows, only their reposts

    def take(self, where: np.ndarray) -> Rowset:
        """Some of the rows, by a mask or by place; they keep their names."""
        place = np.arange(len(self.values))[where]
        told = int(np.sum(place >= len(self.values) - self.told))
        values, followers = self.values[where], self.followers[where]
        return replace(
            self, values=values, followers=followers, rows=self.rows.at(place), told=told
        )

    def refuse_in(self, holes: Holes, clock: Clock) -> None:
        """Refuse rows inside a gap of the record."""
        seen = self.values[: len(self.values) - self.told]
        one, called = np.zeros(len(seen), np.int64), replace(clock, column=self.time)
        refuse_inside(called, seen, one, holes, self.rows)


def assemble(
    clock: Clock,
    posts: Rowset,
    reposts: Rowset,
    post: np.ndarray,
    sentiment: np.ndarray,
    names: tuple[str, ...],
    window: Any,
    gaps: Any,
    horizon: Any,
    covariates: Any,
    policies: Policies,
) -> Fields:
    """The fields of `Cascades`, sorted, differences formed exactly; `clock` is that of the values
    of posts and reposts together, and `post` the post of each repost."""
    if not len(posts.values):
        raise ValueError("There are no posts. Give at least one, reposted or not.")
    reach = _reach(horizon, clock)
    low, high, holes = _window(clock, posts.values, reposts.values, window, gaps, reach)
    if not low < high:
        raise ValueError(
            f"The window {clock.show(low)} to {clock.show(high)} has no length. Declare the one "
            f"in which posts were seen: window=(start, end)."
        )

    def odd(name: str, wrong: np.ndarray, part: Rowset, what: str, remedy: str) -> bool:
        show = lambda row: clock.show(part.values[row])  # noqa: E731
        return policies.apply(name, wrong, part.time, what, remedy, show, part.rows)

    gone = posts.values > high
    remedy = (
        f"The window ends at {clock.show(high)}: widen it, leave these rows out, or pass "
        f"late='drop'.{_midnight(clock, posts.values, gone, high)}"
    )
    if odd("late", gone, posts, "a post after the window", remedy):
        place = np.cumsum(~gone) - 1
        keep = ~gone[post]
        posts, names = posts.take(~gone), tuple(np.array(names, object)[~gone])
        sentiment, reposts, post = sentiment[~gone], reposts.take(keep), place[post[keep]]
        if not len(names):
            raise ValueError("No post is left: all lie after the window. Give another window.")
    posts.followers = _at_least_one(_filled(posts, policies), policies)
    reposts.followers = _filled(reposts, policies)
    before = reposts.values < posts.values[post]
    remedy = "Correct the times (are both in one time zone?), or pass early='drop'."
    if odd("early", before, reposts, "a repost before its post", remedy):
        reposts, post = reposts.take(~before), post[~before]
    end = np.full(len(names), high)
    if reach is not None:
        end = np.minimum(posts.values + reach, high)
    behind = reposts.values > end[post]
    remedy = (
        "Widen the window or the horizon, leave these rows out, or pass late='drop' (they are "
        f"then as if not seen yet).{_midnight(clock, reposts.values, behind, high)}"
    )
    if odd("late", behind, reposts, "a repost after the end of the observation", remedy):
        reposts, post = reposts.take(~behind), post[~behind]
    posts.refuse_in(holes, clock)
    reposts.refuse_in(holes, clock)
    order = np.lexsort((reposts.values, post))
    values, post, followers = reposts.values[order], post[order], reposts.followers[order]
    zero = clock.midnight(low) if clock.dated else 0
    fields: Fields = {
        "post_times": clock.in_units(posts.values - low),
        "post_followers": posts.followers,
        "sentiment": sentiment,
        "until": clock.in_units(end - low),
        "times": clock.in_units(values - low),
        "ages": clock.in_units(values - posts.values[post]),
        "followers": followers,
        "post": post.astype(np.int32),
        "start": np.float64(clock.in_units(low - zero)),
        "length": np.float64(clock.in_units(high - low)),
        "names": names,
        "unit": clock.unit,
        "origin": clock.show(zero) if clock.dated else None,
        "timezone": None if clock.zone is None else str(clock.zone),
        "touched": tuple(policies.touched),
        "gaps": Gaps(clock.in_units(holes.start - low), clock.in_units(holes.end - holes.start)),
    }
    window = float(fields["start"]), float(fields["start"] + fields["length"])
    data = SimpleNamespace(unit=fields["unit"], origin=fields["origin"], window=window)
    return fields | {"covariates": fitting(covariates, data)}


def _midnight(clock: Clock, values: np.ndarray, late: np.ndarray, high: Any) -> str:
    return before_midnight(clock, values[late][0], high) if late.any() else ""


def fitting(covariates: Any, data: Any) -> Any:
    """Covariates on the clock of the data; refused where they do not cover its window."""
    if covariates is None:
        return None
    if not hasattr(covariates, "aligned"):
        raise ValueError(f"covariates must be Covariates, not {type(covariates).__name__}.")
    moved = covariates.aligned(data)
    moved.require(*data.window)
    return moved


def _reach(horizon: Any, clock: Clock) -> Any:
    """The horizon in the numbers of the clock."""
    if horizon is None:
        return None
    length = number(horizon, "horizon", Range(0, above=True))
    steps = length * clock.scale
    whole = clock.values.dtype == np.int64 and (clock.dated or steps == np.floor(steps))
    return np.int64(np.rint(steps)) if whole else np.float64(steps)


def _window(
    clock: Clock, posts: np.ndarray, reposts: np.ndarray, window: Any, gaps: Any, reach: Any
) -> tuple[Any, Any, Holes]:
    """Start and end of the window, and the gaps within."""
    one = np.zeros(len(clock.values), np.int64)
    if window is not None:
        window = plain(window)
        pairs = [] if isinstance(window, Set) else pairs_of(window, "window", FORMS)
        if not pairs:
            raise ValueError(f"window={short(window)} is no window. {FORMS}")
        given = pairs if len(pairs) > 1 else pairs[0]
        _, start, end, holes = read_window(given, clock, one, ALONE, "window", gaps=gaps)
        return start[0], end[0], holes
    high = max(posts.max(), reposts.max(initial=posts.max()))
    if reach is not None:
        high = max(high, (posts + reach).max())
    ends, none = (posts.min()[None], np.asarray(high)[None]), no_gaps(clock.values)
    if gaps is None:
        return posts.min(), high, none
    _, start, end, holes = leave_out(gaps, clock, ALONE, clock.values, *ends, none)
    return start[0], end[0], holes


def _filled(rows: Rowset, policies: Policies) -> np.ndarray:
    """Followers with the missing ones filled as the user chose."""
    missing = np.isnan(rows.followers)
    remedy = "Fill them in, or pass missing_followers='zero' or 'median'."
    what = "a missing number of followers"
    if not policies.apply("missing_followers", missing, rows.column, what, remedy, None, rows.rows):
        return rows.followers
    if policies.chosen["missing_followers"] == "zero":
        return np.where(missing, 0.0, rows.followers)
    if missing.all():
        raise ValueError(f"Column {rows.column!r}: no row has a number, so there is no median.")
    return np.where(missing, np.median(rows.followers[~missing]), rows.followers)


def _at_least_one(followers: np.ndarray, policies: Policies) -> np.ndarray:
    """Followers of posts, of which 0 may count as 1: whoever reposted has seen it."""
    none = followers == 0
    if policies.chosen.get("zero_followers", "keep") == "keep" or not none.any():
        return followers
    policies.touched.append(("zero_followers", "at_least_one", int(none.sum())))
    return np.where(none, 1.0, followers)


def cut(data: Any, a: Any, b: Any) -> Fields:
    """The fields that change in `Cascades.between`."""
    low, high = (moment(v, data, n) for v, n in ((a, "a"), (b, "b")))
    first, last = data.window
    if not low < high:
        raise ValueError(f"between({a}, {b}): the first must be less than the second.")
    near = 1e-12 * max(abs(first), abs(last))
    if low < first - near or high > last + near:
        raise ValueError(
            f"between({a}, {b}) reaches beyond the window {first:.10g} to {last:.10g}, of which "
            f"nothing is known. Choose a part of it."
        )
    at, end = low - first, high - first  # within the data's own time
    whole = end >= float(data.length) - near
    if whole:
        end = float(data.length)
    posts = whole | (np.asarray(data.post_times) < end)
    rows = posts[data.post] & (whole | (np.asarray(data.times) < end))
    part = _part(data, np.flatnonzero(posts), rows)
    return part | {
        "post_times": part["post_times"] - at,
        "until": np.minimum(part["until"], end) - at,
        "times": part["times"] - at,
        "start": np.float64(low),
        "length": np.float64(end - at),
        "gaps": data.gaps.cut(at, end),
    }


def choose(data: Any, posts: Any) -> Fields:
    """The fields that change in `Cascades.select`."""
    asked = positions(posts, data.names, "post")
    place = _places(data, asked)[data.post]
    order = np.argsort(place, kind="stable")
    return _part(data, asked, order[np.searchsorted(place[order], 0) :])


def _places(data: Any, posts: np.ndarray) -> np.ndarray:
    """Where each of the data's posts stands among some of them, -1 for the others."""
    place = np.full(data.num_posts, -1)
    place[posts] = np.arange(len(posts))
    return place


def _part(data: Any, posts: np.ndarray, reposts: np.ndarray) -> Fields:
    """The fields of posts at some places, and of some of their reposts."""
    chosen = dict.fromkeys(("post_times", "post_followers", "sentiment", "until"), posts)
    chosen |= dict.fromkeys(("times", "ages", "followers"), reposts)
    return {name: getattr(data, name)[rows] for name, rows in chosen.items()} | {
        "post": _places(data, posts)[data.post[reposts]].astype(np.int32),
        "names": tuple(data.names[row] for row in posts),
    }


def joined(a: Clock, b: Clock) -> tuple[Clock, np.ndarray, np.ndarray]:
    """Two columns of times on one clock: the clock of both together, and the two arrays."""
    if not len(b.values):
        b = replace(a, values=a.values[:0])
    if not len(a.values):
        a = replace(b, values=b.values[:0])
    if a.dated != b.dated or (a.zone is None) != (b.zone is None):
        kinds = {c.column: _kind(c) for c in (a, b)}
        both = ", ".join(f"column {name!r} holds {kind}" for name, kind in kinds.items())
        raise ValueError(f"Times of two kinds: {both}. Give both of one kind.")
    x, y = a.values, b.values
    if x.dtype != y.dtype:
        x, y = x.astype(np.float64), y.astype(np.float64)
    return replace(a, values=np.concatenate([x, y])), x, y


def _kind(clock: Clock) -> str:
    if not clock.dated:
        return "numbers"
    return "datetimes without a zone" if clock.zone is None else "datetimes with a zone"


def read_followers(values: Any, column: str, rows: Rows = ROWS) -> np.ndarray:
    """Numbers of followers as float64, NaN where missing; the rest must be finite and >= 0."""
    series: Any = column_of(values, column, rows)
    if not pd.api.types.is_numeric_dtype(series.dtype):
        text = series.astype(object)
        text = text.where(text.map(lambda v: str(v).strip() not in ABSENT), None)
        numbers: Any = pd.to_numeric(text, errors="coerce")
        remedy = "Give a number in every row, or leave it empty."
        wrong = numbers.isna() & text.notna()
        refuse(wrong, column, "text that is not a number", remedy, series, rows)
        series = numbers
    if pd.api.types.is_complex_dtype(series.dtype):
        raise ValueError(f"Column {column!r} holds complex numbers. Give real ones.")
    array = series.to_numpy(dtype=np.float64, na_value=np.nan)
    refuse(np.isinf(array), column, "a value that is not finite", "Correct it.", array, rows)
    remedy = "Give a number of at least 0; -1 often stands for a missing one."
    refuse(array < 0, column, "a negative number", remedy, array, rows)
    return array


def audience_of(df: pd.DataFrame, column: Any, rows: Rows = ROWS) -> np.ndarray:
    """The column of followers; ones where there is none."""
    return np.ones(len(df)) if column is None else read_followers(df[column], str(column), rows)


def read_levels(values: Any, size: int, column: str, rows: Rows = ROWS) -> np.ndarray:
    """Levels of sentiment of `size` posts: one number for all, or one each; 1 for None."""
    if values is None:
        return np.ones(size)
    if not pd.api.types.is_list_like(values):
        values = [values] * size
    if len(column_of(values, column)) != size:
        raise ValueError(f"Column {column!r} has {len(values):,} values for {size:,} posts.")
    array = read_followers(values, column, rows)
    refuse(np.isnan(array), column, "a missing level", "Every post needs one.", None, rows)
    return array
