"""Posts and reposts counted by the hour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hawkesjax.evaluation.series import CountSeries
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import counted
from hawkesjax.inputs.clock import NANOSECONDS, UNITS
from hawkesjax.inputs.moments import moments
from hawkesjax.retweet.data.cascades import Cascades


def counts_between(data: Cascades, edges: np.ndarray) -> np.ndarray:
    """Posts and reposts between absolute times; an event on an edge counts after it."""
    times = np.concatenate([data.post_times, data.times]) + float(data.start)
    place = np.searchsorted(edges, times, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    return np.bincount(place[inside], minlength=len(edges) - 1).astype(np.float64)


def hour_of(data: Cascades) -> float:
    """Length of an hour in the data's unit."""
    return 3600 * NANOSECONDS / UNITS[data.unit]


def hourly_counts(data: Cascades) -> pd.Series:
    """Posts and reposts together in each hour of the data's clock that lies in the window.

    Events of the window before the first full hour and after the last are not counted: their
    number is `attrs["left out"]` of the result.

    Raises:
        ValueError: for data without dates, and for a record with gaps.
    """
    if len(data.gaps):
        raise ValueError(
            f"The record has {counted(len(data.gaps), 'gap')}, and hours that were not watched "
            f"have no count. Take a stretch without one (Cascades.between), or score a single "
            f"forecast with hj.evaluate, which leaves such bins out."
        )
    edges, index = _hours(data)
    counts = pd.Series(counts_between(data, edges), index=index, name="events")
    inside = np.sum(data.post_times >= 0) + np.sum(data.times >= 0)
    counts.attrs["left out"] = int(inside - counts.sum())
    return counts


@checked
def hourly_posts(data: Cascades) -> CountSeries:
    """Posts without their reposts in each full hour of the data's clock, as counts.

    Hours that meet a gap of the record are gaps, and covariates are their means over the hour. With
    `count_regression` it tells what drives posting where posts vary more than a Poisson process,
    which the likelihood of `RetweetHawkes` takes them for; `Covariates.from_counts` makes a
    background of what was fitted.

    Raises:
        ValueError: for data without dates, and cascades without calendar time.

    Example:
        >>> posts = pd.DataFrame({"id": [1, 2, 3], "followers": 9, "of": [None, None, 1],
        ...     "time": pd.to_datetime(["2024-03-04T00:10", "2024-03-04T02:20",
        ...                             "2024-03-04T02:30"], utc=True)})
        >>> data = hj.Cascades.from_dataframe(posts, id="id", time="time", followers="followers",
        ...     repost_of="of", window=("2024-03-04", "2024-03-05"), unit="hour", timezone="UTC")
        >>> hj.hourly_posts(data).counts[:3].tolist()
        [1.0, 0.0, 1.0]
    """
    if data.posts_at_once:
        raise ValueError(
            "All posts lie at the window's start, as those of cascades without calendar time do: "
            "they have no hours."
        )
    edges, index = _hours(data)
    since = edges - float(data.start)
    slack = 1e-9 * np.diff(since)  # an end of a gap that is an hour's end up to rounding
    lost = data.gaps.meets(since[:-1] + slack, since[1:] - slack)
    counts = np.histogram(np.asarray(data.post_times, np.float64) + float(data.start), edges)[0]
    counts = pd.Series(np.where(lost, np.nan, counts), index=index, name="posts")
    series = CountSeries.from_series(counts, unit=data.unit, timezone=data.timezone)
    if data.covariates is None:
        return series
    return series.with_covariates(data.covariates.averaged(edges))


def _hours(data: Cascades) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """Edges and begins of the full hours of the window."""
    if data.origin is None or data.unit not in UNITS:
        raise ValueError(
            "The cascades have no dates: give datetimes, so that hours of the week are known."
        )
    hour = hour_of(data)
    low, high = data.window
    first, last = np.ceil(low / hour - 1e-9), np.floor(high / hour + 1e-9)
    if last <= first:
        raise ValueError("No full hour of the clock lies in the window.")
    edges = hour * np.arange(first, last + 1)
    edges[0], edges[-1] = max(edges[0], low), min(edges[-1], high)
    index = moments(data, edges[:-1])
    if index.tz is None:
        return edges, index.round("s")
    # an hour that comes twice on the local clock cannot be rounded there
    return edges, index.tz_convert("UTC").round("s").tz_convert(index.tz)
