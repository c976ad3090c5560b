"""Cascades as tables and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import counted
from hawkesjax.inputs.moments import moments, shown
from hawkesjax.inputs.silence import apart, asked

GAPS = "gaps of the record"
WORDS = {
    "orphans": "reposts of posts not in the table",
    "missing_followers": "missing numbers of followers",
    "early": "reposts before their post",
    "late": "rows after the end of the observation",
    "duplicates": "repeated identifiers",
    "deleted": "reposts of posts that no repost describes",
    "zero_followers": "posts without followers",
    "quotes": "quotes",
    "replies": "replies",
    "others": "records that are neither posts nor reposts",
}


class AsTables:
    """`Cascades` as tables and text."""

    def describe(self: Any) -> pd.DataFrame:
        """A table of figures: posts, reposts, gaps, followers, ties, and what policies touched."""
        counts = figures(self)
        return pd.DataFrame({"count": list(counts.values())}, index=pd.Index(counts, name="figure"))

    def remarks(self: Any) -> list[str]:
        """A sentence where a few silences between posts are far longer than all others (as in
        `EventPanel.remarks`), and nothing was reposted in most of the longest: it looks like a gap
        that was not declared."""
        posts = np.sort(np.asarray(self.post_times)[self.posts_seen])
        every = np.sort(np.append(posts, self.times[self.times >= 0]))
        waits, silences = (np.diff(t - self.gaps.before(t)) for t in (posts, every))
        size = apart(waits)
        if not size or self.posts_at_once:
            return []
        place = int(np.argmax(waits))
        inner = (every[:-1] >= posts[place]) & (every[1:] <= posts[place + 1])
        longest = float(silences[inner].max())
        if longest < waits[place] / 2:
            return []
        return [asked(longest, float(-np.sort(-waits)[size]), self.unit)]

    def to_dataframe(self: Any) -> pd.DataFrame:
        """One row per post and repost: id, time, followers, repost_of, sentiment.

        Posts have their names as identifiers, reposts "name/1", "name/2", ... Times are absolute:
        datetimes where there is an `origin`.
        """
        names = np.array(self.names, object)
        post = np.asarray(self.post)
        first = np.searchsorted(post, np.arange(self.num_posts))
        number = np.arange(self.num_reposts) - first[post] + 1
        blank = np.full(self.num_posts, None, object)
        return pd.DataFrame(
            {
                "id": [*names, *(f"{names[p]}/{n}" for p, n in zip(post, number, strict=True))],
                "time": moments(self, np.append(self.post_times, self.times) + float(self.start)),
                "followers": np.concatenate([self.post_followers, self.followers]),
                "repost_of": np.concatenate([blank, names[post]]),
                "sentiment": np.concatenate([self.sentiment, np.asarray(self.sentiment)[post]]),
            }
        )

    def __repr__(self: Any) -> str:
        """One screen on cascades of any size."""
        if not all(isinstance(getattr(self, name), np.ndarray) for name in ("post", "times")):
            return f"Cascades({self.num_posts} posts, traced)"
        counts = np.asarray(self.counts)
        low, high = shown(self, self.window)
        unit = f" {self.unit}s" if self.unit else ""
        local = f", local time of {self.timezone}" if self.timezone else ""
        zone = ", in UTC" if self.timezone == "UTC" else local
        lines = [
            f"Cascades: {counted(self.num_posts, 'post')}, {counted(self.num_reposts, 'repost')}",
            f"  window     {low} to {high}, {float(self.length):.6g}{unit} long{zone}",
            *_gaps(self, unit),
            f"  reposts    {counts.min():,} to {counts.max():,} per post in the window, median "
            f"{np.median(counts):,.0f}",
        ]
        watched = np.asarray(self.until - self.post_times)[self.until < self.length]
        if len(watched):
            lines.append(
                f"  observed   {watched.min():.6g} to {watched.max():.6g}{unit} after "
                f"{counted(len(watched), 'post')}, the others to the window's end"
            )
        levels = np.unique(self.sentiment)
        first = ", ".join(f"{v:g}" for v in levels[:8]) + (", ..." if len(levels) > 8 else "")
        lines.append(f"  sentiment  {first}")
        if self.covariates is not None:
            lines.append(f"  covariates {len(self.covariates.feature_names)} features")
        lines += [f"  silent     {remark}" for remark in self.remarks()]
        told = ("posts", "reposts", GAPS)
        rest = {n: c for n, c in figures(self).items() if c and n not in told}
        for name, count in rest.items():
            one = name.replace("posts", "post", 1) if count == 1 else name
            lines.append(f"  {count:>11,}  {one}")
        return "\n".join(lines)


def _gaps(data: Any, unit: str) -> list[str]:
    if not len(data.gaps):
        return []
    lost = float(data.length) - data.observed
    return [
        f"  gaps       {counted(len(data.gaps), 'gap')} of the record, {lost:.6g}{unit} in all "
        f"({lost / float(data.length):.1%} of the window)"
    ]


def tied(data: Any) -> np.ndarray:
    """Mask of the reposts at the time of the repost (or post) before them in their cascade."""
    post = np.asarray(data.post)
    first = np.diff(post, prepend=-1) != 0
    return np.where(first, data.ages == 0, np.diff(data.ages, prepend=0.0) == 0)


def _together(times: Any) -> int:
    _, sizes = np.unique(np.asarray(times), return_counts=True)
    return int(sizes[sizes > 1].sum())


def figures(data: Any) -> dict[str, int]:
    """Counts by what they count."""
    counts = data.counts
    out = {
        "posts": data.num_posts,
        "posts before the window": int(np.sum(data.post_times < 0)),
        "posts in gaps, known from reposts": int(data.gaps.holds(data.post_times).sum()),
        "posts at the time of another post": _together(data.post_times),
        "posts without reposts in the window": int(np.sum(counts == 0)),
        "reposts": data.num_reposts,
        "reposts before the window": int(np.sum(data.times < 0)),
        "reposts at the time of the row before": int(tied(data).sum()),
        "posts with zero followers": int(np.sum(data.post_followers == 0)),
        "reposts with zero followers": int(np.sum(data.followers == 0)),
    }
    out |= {GAPS: len(data.gaps)} if len(data.gaps) else {}
    for policy, choice, rows in data.touched:
        name = f"{WORDS[policy]} ({choice})"
        out[name] = out.get(name, 0) + rows
    return out
