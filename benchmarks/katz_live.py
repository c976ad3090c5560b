"""Logs that grow: CPU time of an update and of a certified top 100.

Run as ``python -m benchmarks.katz_live``; the Higgs log lies in ``$HAWKESJAX_DATA``. The others are
of a million messages: users' activity and audience have heavy tails, and half of the messages are
by newcomers. Batches, each a bin (a minute of Higgs, from seven tenths of its messages on), are
appended one by one, and the top is ranked again after each. Milliseconds; `product` is one product
with the network, measured after each update, by which to compare machines that are busy.
"""

from __future__ import annotations

import functools
import itertools
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
import pandas as pd

from benchmarks import record

DATA = Path(os.environ.get("HAWKESJAX_DATA", record.RESULTS.parents[2] / "shared" / "data"))

record.pin()


def messages(size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Times 0, 1, 2, ...; half of the sources are new, the others and the targets are those of an
    earlier message, so that both activity and audience have heavy tails."""
    before = (rng.random((2, size)) * np.arange(size)).astype(np.int64)
    sender = np.where(rng.random(size) < 0.5, np.arange(size), before[0])
    while (sender[sender] != sender).any():  # whose message was it that this one follows?
        sender = sender[sender]
    return {"time": np.arange(size), "source": sender, "target": sender[before[1]]}


def made(size: int, batch: int, updates: int) -> tuple[Any, list[dict[str, Any]]]:
    """A log of `size` messages, and what is appended."""
    import hawkesjax as hj

    log = messages(size + batch * updates, np.random.default_rng(0))
    activity = hj.Activity.from_messages(
        **{name: column[:size] for name, column in log.items()},
        edges="reposts", bin=batch, usual=(0, size), unit="second",
    )  # fmt: skip
    begins = size + batch * np.arange(updates)
    return activity, [
        {name: column[begin : begin + batch] for name, column in log.items()} for begin in begins
    ]


def higgs(updates: int) -> tuple[Any, list[dict[str, Any]]]:
    """Seven tenths of the Higgs log, and the minutes after."""
    import hawkesjax as hj

    frame = pd.read_csv(DATA / "higgs2012" / "events.csv.gz")
    cut = 7 * len(frame) // 10
    minute = np.floor(frame["time"].to_numpy())
    cut = int(np.searchsorted(minute, minute[cut]))
    columns = {name: frame[name].to_numpy() for name in ("time", "source", "target", "kind")}
    ends = np.flatnonzero(np.diff(minute[cut:]))[: updates + 1] + 1 + cut
    activity = hj.Activity.from_messages(
        **{name: column[:cut] for name, column in columns.items()},
        edges="reposts", bin=1, usual=(None, None),
    )  # fmt: skip
    return activity, [
        {name: column[low:high] for name, column in columns.items()}
        for low, high in itertools.pairwise([cut, *ends[:updates]])
    ]


def measured(activity: Any, parts: list[dict[str, Any]], star: float) -> dict[str, Any]:
    """Times of all updates."""
    import hawkesjax as hj

    live = hj.katz.Live(activity, half_life=60)
    live.rank(alpha_star=star)
    matrix, ones = activity.matrix, np.ones(activity.num_users)
    took: dict[str, list[float]] = {"append": [], "rank": [], "product": []}
    certified, tied, products, users = 0, 0, [], live.num_users
    for part in parts:
        moments = [time.process_time()]
        live.append(**part)
        moments.append(time.process_time())
        found = live.rank(alpha_star=star)
        moments.append(time.process_time())
        _ = matrix @ ones
        moments.append(time.process_time())
        for name, spent in zip(took, np.diff(moments), strict=True):
            took[name].append(1e3 * spent)
        products.append(found.products)
        certified, tied = certified + found.certified, tied + (found.tied > 0)
    row = {"messages": sum(len(part["time"]) for part in parts) / len(parts)}
    row |= {"alpha_star": star, "users": users, "edges": activity.matrix.nnz}
    row |= {"new users": live.num_users - users, "certified": certified, "tied": tied}
    for name, values in took.items():
        for what, part in (("median", 50), ("90 %", 90), ("most", 100)):
            row[f"{name}, {what}"] = float(np.percentile(values, part))
    return row | {"products, median": float(np.median(products)), "products, most": max(products)}


def main() -> None:
    """Measure, print and keep."""
    options = record.parser(__doc__)
    options.add_argument("--updates", type=int, default=60, help="batches appended")
    given = options.parse_args()
    size = int(1_000_000 * given.scale)
    logs: dict[str, Any] = {
        f"batches of {batch}": functools.partial(made, size, batch) for batch in (100, 1000)
    }
    if (DATA / "higgs2012").exists():
        logs["higgs2012"] = higgs
    rows: list[dict[str, Any]] = []
    for name, log in logs.items():
        if not record.wanted(name, given.cases):
            continue
        activity, parts = log(given.updates)
        for star in (0.1, 0.4, 0.8):
            rows.append({"log": name, **measured(activity, parts, star)})
            print(rows[-1], flush=True)
    print(record.save("katz_live", rows, {"updates": given.updates}, given.out))


if __name__ == "__main__":
    main()
