"""Cascades as tables and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import counted
from hawkesjax.inputs.moments import moments, shown

WORDS = {
    "orphans": "reposts of posts not in the table",
    "missing_followers": "missing numbers of followers",
    "early": "reposts before their post",
    "late": "rows after the end of the observation",
    "duplicates": "repeated identifiers",
}


def tied(data: Any) -> np.ndarray:
    """Mask of the reposts at the time of the repost (or post) before them in their cascade."""
    post = np.asarray(data.post)
    first = np.diff(post, prepend=-1) != 0
    return np.where(first, data.ages == 0, np.diff(data.ages, prepend=0.0) == 0)


def figures(data: Any) -> dict[str, int]:
    """Counts by what they count."""
    counts = data.counts
    out = {
        "posts": data.num_posts,
        "posts before the window": int(np.sum(data.post_times < 0)),
        "posts without reposts in the window": int(np.sum(counts == 0)),
        "reposts": data.num_reposts,
        "reposts before the window": int(np.sum(data.times < 0)),
        "reposts at the time of the row before": int(tied(data).sum()),
        "posts with zero followers": int(np.sum(data.post_followers == 0)),
        "reposts with zero followers": int(np.sum(data.followers == 0)),
    }
    for policy, choice, rows in data.touched:
        name = f"{WORDS[policy]} ({choice})"
        out[name] = out.get(name, 0) + rows
    return out


def describe(data: Any) -> pd.DataFrame:
    """See `Cascades.describe`."""
    counts = figures(data)
    return pd.DataFrame({"count": list(counts.values())}, index=pd.Index(counts, name="figure"))


def to_dataframe(data: Any) -> pd.DataFrame:
    """See `Cascades.to_dataframe`."""
    names = np.array(data.names, object)
    post = np.asarray(data.post)
    first = np.searchsorted(post, np.arange(data.num_posts))
    number = np.arange(data.num_reposts) - first[post] + 1
    blank = np.full(data.num_posts, None, object)
    table = pd.DataFrame(
        {
            "id": [*names, *(f"{names[p]}/{n}" for p, n in zip(post, number, strict=True))],
            "time": moments(data, np.append(data.post_times, data.times) + float(data.start)),
            "followers": np.concatenate([data.post_followers, data.followers]),
            "repost_of": np.concatenate([blank, names[post]]),
            "sentiment": np.concatenate([data.sentiment, np.asarray(data.sentiment)[post]]),
        }
    )
    return table


def text(data: Any) -> str:
    """One screen on cascades of any size."""
    if not all(isinstance(getattr(data, name), np.ndarray) for name in ("post", "times")):
        return f"Cascades({data.num_posts} posts, traced)"
    counts = np.asarray(data.counts)
    low, high = shown(data, data.window)
    unit = f" {data.unit}s" if data.unit else ""
    zone = f", local time of {data.timezone}" if data.timezone else ""
    lines = [
        f"Cascades: {counted(data.num_posts, 'post')}, {counted(data.num_reposts, 'repost')}",
        f"  window     {low} to {high}, {float(data.length):.6g}{unit} long{zone}",
        f"  reposts    {counts.min():,} to {counts.max():,} a post in the window, median "
        f"{np.median(counts):,.0f}",
    ]
    watched = np.asarray(data.until - data.post_times)[data.until < data.length]
    if len(watched):
        lines.append(
            f"  observed   {watched.min():.6g} to {watched.max():.6g}{unit} after "
            f"{counted(len(watched), 'post')}, the others to the window's end"
        )
    levels = np.unique(data.sentiment)
    first = ", ".join(f"{v:g}" for v in levels[:8]) + (", ..." if len(levels) > 8 else "")
    lines.append(f"  sentiment  {first}")
    if data.covariates is not None:
        lines.append(f"  covariates {len(data.covariates.feature_names)} features")
    said = [name for name in figures(data).items() if name[1]]
    lines += [f"  {count:>11,}  {name}" for name, count in said if name not in ("posts", "reposts")]
    return "\n".join(lines)
