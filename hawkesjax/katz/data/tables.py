"""An activity as tables and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import column_of, short
from hawkesjax.inputs.labels import read_whole
from hawkesjax.inputs.moments import moments, shown


class AsTables:
    """An `Activity` as tables and text."""

    def times(self: Any, bins: Any) -> Any:
        """Where bins begin: datetimes where there is an `origin`, else numbers in `unit`."""
        one = not pd.api.types.is_list_like(bins)
        column = column_of([bins] if one else bins, "bins")
        if not pd.api.types.is_numeric_dtype(column.dtype):
            raise ValueError(f"bins are {short(bins)}. Give whole numbers, or one.")
        wanted = read_whole(column, "bin", "bins")
        begins = moments(self, self.start + wanted * self.bin_length)
        return begins[0] if one else begins

    def describe(self: Any) -> pd.DataFrame:
        """What the log holds, what the network was made of, and what was left out of it, counted:
        one column `value`, one row per quantity."""
        tally, size = self.tally, self.num_users
        table: dict[str, Any] = {}
        if self.log is not None:
            low, high = self.network
            messages, posts = len(self.log.row_bin), int(self.volume.sum())
            table |= {
                "messages": messages,
                "posts": posts,
                "messages merged by author and time": messages - posts,
                "users in the log": len(self.log.names),
                "bins": self.num_bins,
                "usual: bins": high - low,
                "usual: bins with gaps of the record": lost_bins(self, self.network),
                "usual: messages": tally.messages,
                "usual: posts": int(self.volume[low:high].sum()),
                "usual: messages without an edge": tally.edgeless,
            }
        table |= {
            "network: users": size,
            "network: edges": self.num_edges,
            "network: messages to oneself"
            if self.log is not None
            else "network: self-loops": tally.self_loops,
            "network: repeats of an edge": tally.repeated,
            "network: users who hear nobody": size - len(np.unique(self.listener)),
            "network: users whom nobody hears": size - len(np.unique(self.sender)),
            "network: users without posts": int((self.baseline == 0).sum()),
        }
        if self.recency is not None:
            table["baseline: half-life in bins"] = self.recency.half_life
            table["baseline: posts in bins before"] = self.recency.until - self.recency.lead
        if self.log is not None:
            table["users who post only outside usual"] = tally.unseen_users
            table["posts of users not in the network"] = int(self.unseen.sum())
        for name, window in (("spike", self.spike), ("fit", self.fit)):
            if window is not None:
                part = slice(*window)
                table[f"{name}: bins"] = window[1] - window[0]
                table[f"{name}: posts"] = int(self.volume[part].sum())
                table[f"{name}: posts of users not in the network"] = int(self.unseen[part].sum())
                table[f"{name}: most bins active of one user"] = _busiest(self, window)
        index = pd.Index(table, name="quantity")
        return pd.DataFrame({"value": list(table.values())}, index=index)

    def __repr__(self: Any) -> str:
        """One screen on an activity of any size."""
        size = len(self.user_names)
        if not isinstance(self.listener, np.ndarray):
            return f"Activity({size:,} users, traced)"
        kept = "kept" if self.self_loops else "left out"
        lines = [
            f"Activity: {size:,} users, {self.num_edges:,} edges, {self.num_bins:,} bins",
            f"  edges   {self.tally.repeated:,} repeats merged, {self.tally.self_loops:,} "
            f"to oneself {kept}; {'weighted' if self.weighted else 'weights 1'}",
        ]
        if not self.num_bins:
            return "\n".join(lines)
        unit = f" {self.unit}s" if self.unit else ""
        begins = lambda b: shown(self, [self.start + b * self.bin_length])[0]  # noqa: E731
        log = "" if self.log is None else f"{len(self.log.row_bin):,} messages, "
        posts = int(self.volume.sum())
        merged = 0 if self.log is None else len(self.log.row_bin) - posts
        together = f" ({merged:,} messages of one author and time merged)" if merged else ""
        lines.append(
            f"  log     {log}{posts:,} posts{together}; "
            f"bins of {self.bin_length:g}{unit} from {begins(0)}"
        )
        if self.recency is not None:
            lines.append(f"  base    {self.recency}")
        windows = (("usual", self.network), ("spike", self.spike), ("fit", self.fit))
        for name, window in windows:
            if window is None:
                continue
            posts = int(self.volume[slice(*window)].sum())
            share, lost = self.unseen_share(window), lost_bins(self, window)
            holes = f", {lost:,} of them with gaps of the record" * (lost > 0)
            unseen = "" if not share > 0 else f", {100 * share:.0f} % by users not in the network"
            lines.append(
                f"  {name:<7} bins {window[0]:,} to {window[1]:,} (from {begins(window[0])}"
                f" to {begins(window[1])}{holes}): {posts:,} posts{unseen}"
                f"{_circular(self, window) if name == 'fit' else ''}"
            )
        return "\n".join(lines)


def lost_bins(activity: Any, window: tuple[int, int]) -> int:
    """Bins of a window of which some time was not watched."""
    ends = (min(high, window[1]) - max(low, window[0]) for low, high in activity.gaps)
    return sum(max(size, 0) for size in ends)


def _busiest(activity: Any, window: tuple[int, int]) -> int:
    low, high = np.searchsorted(activity.active_bin, window)
    return int(np.bincount(activity.active_user[low:high], minlength=1).max())


def _circular(activity: Any, window: tuple[int, int]) -> str:
    """A word on bins that made the network and are fitted, too."""
    low, high = activity.network or (0, 0)
    shared = min(window[1], high) - max(window[0], low)
    return f"; {shared:,} of the bins made the network: alpha would be too large" * (shared > 0)
