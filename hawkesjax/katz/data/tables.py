"""An activity as tables and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.moments import moments, shown


def times(activity: Any, bins: Any) -> Any:
    """See `Activity.times`."""
    found = moments(activity, activity.start + np.ravel(bins) * activity.bin_length)
    return found if np.ndim(bins) else found[0]


def describe(activity: Any) -> pd.DataFrame:
    """See `Activity.describe`."""
    tally, size = activity.tally, activity.num_users
    table: dict[str, Any] = {}
    if activity.log is not None:
        low, high = activity.network
        table |= {
            "messages": len(activity.log.row_bin),
            "posts": int(activity.volume.sum()),
            "users in the log": len(activity.log.names),
            "bins": activity.num_bins,
            "usual: bins": high - low,
            "usual: messages": tally.messages,
            "usual: posts": int(activity.volume[low:high].sum()),
            "usual: messages without an edge": tally.edgeless,
        }
    table |= {
        "network: users": size,
        "network: edges": activity.num_edges,
        "network: messages to oneself"
        if activity.log is not None
        else "network: self-loops": tally.self_loops,
        "network: repeats of an edge": tally.repeated,
        "network: users who hear nobody": size - len(np.unique(activity.listener)),
        "network: users whom nobody hears": size - len(np.unique(activity.sender)),
        "network: users without posts": int((activity.baseline == 0).sum()),
    }
    if activity.log is not None:
        table["users who post only outside usual"] = tally.unseen_users
        table["posts of users not in the network"] = int(activity.unseen.sum())
    for name, window in (("spike", activity.spike), ("fit", activity.fit)):
        if window is not None:
            part = slice(*window)
            table[f"{name}: bins"] = window[1] - window[0]
            table[f"{name}: posts"] = int(activity.volume[part].sum())
            table[f"{name}: posts of users not in the network"] = int(activity.unseen[part].sum())
            table[f"{name}: most bins active of one user"] = _busiest(activity, window)
    index = pd.Index(table, name="quantity")
    return pd.DataFrame({"value": list(table.values())}, index=index)


def _busiest(activity: Any, window: tuple[int, int]) -> int:
    low, high = np.searchsorted(activity.active_bin, window)
    return int(np.bincount(activity.active_user[low:high], minlength=1).max())


def text(activity: Any) -> str:
    """One screen on an activity of any size."""
    size = len(activity.user_names)
    if not isinstance(activity.listener, np.ndarray):
        return f"Activity({size:,} users, traced)"
    kept = "kept" if activity.self_loops else "left out"
    lines = [
        f"Activity: {size:,} users, {activity.num_edges:,} edges, {activity.num_bins:,} bins",
        f"  edges   {activity.tally.repeated:,} repeats merged, {activity.tally.self_loops:,} "
        f"to oneself {kept}; {'weighted' if activity.weighted else 'weights 1'}",
    ]
    if not activity.num_bins:
        return "\n".join(lines)
    unit = f" {activity.unit}s" if activity.unit else ""
    begins = lambda b: shown(activity, [activity.start + b * activity.bin_length])[0]  # noqa: E731
    log = "" if activity.log is None else f"{len(activity.log.row_bin):,} messages, "
    lines.append(
        f"  log     {log}{int(activity.volume.sum()):,} posts; "
        f"bins of {activity.bin_length:g}{unit} from {begins(0)}"
    )
    windows = (("usual", activity.network), ("spike", activity.spike), ("fit", activity.fit))
    for name, window in windows:
        if window is None:
            continue
        posts = int(activity.volume[slice(*window)].sum())
        share = activity.unseen_share(window)
        unseen = "" if not share > 0 else f", {share:.0%} by users not in the network"
        lines.append(
            f"  {name:<7} bins {window[0]:,} to {window[1]:,} (from {begins(window[0])}"
            f" to {begins(window[1])}): {posts:,} posts{unseen}"
            f"{_circular(activity, window) if name == 'fit' else ''}"
        )
    return "\n".join(lines)


def _circular(activity: Any, window: tuple[int, int]) -> str:
    """A word on bins that made the network and are fitted, too."""
    low, high = activity.network or (0, 0)
    shared = min(window[1], high) - max(window[0], low)
    return f"; {shared:,} of the bins made the network: alpha would be too large" * (shared > 0)
