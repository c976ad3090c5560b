"""A log of a million messages that grows: CPU time of an update and of a certified top 100.

Run as ``python -m benchmarks.katz_live``. Users' activity and audience have heavy tails, and half
of the messages are by newcomers; the last `--updates` batches are appended one by one, each a bin,
and the top is ranked again after each. Milliseconds.
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np

from benchmarks import record

record.pin()


def messages(size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Times 0, 1, 2, ...; half of the sources are new, the others and the targets are those of an
    earlier message, so that both activity and audience have heavy tails."""
    before = (rng.random((2, size)) * np.arange(size)).astype(np.int64)
    sender = np.where(rng.random(size) < 0.5, np.arange(size), before[0])
    while (sender[sender] != sender).any():  # whose message was it that this one follows?
        sender = sender[sender]
    return {"time": np.arange(size), "source": sender, "target": sender[before[1]]}


def main() -> None:
    """Measure, print and keep."""
    options = record.parser(__doc__)
    options.add_argument("--updates", type=int, default=60, help="batches appended")
    given = options.parse_args()
    import hawkesjax as hj

    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    size = int(1_000_000 * given.scale)
    for batch in (100, 1000):
        if not record.wanted(f"batch {batch}", given.cases):
            continue
        more = batch * given.updates
        log = messages(size + more, rng)
        first = {name: column[:size] for name, column in log.items()}
        activity = hj.Activity.from_messages(
            **first, edges="reposts", bin=batch, usual=(0, size), unit="second"
        )
        for star in (0.1, 0.4, 0.8):
            live = hj.katz.Live(activity, half_life=60)
            live.rank(alpha_star=star)
            append, ranked, products, certified = [], [], [], 0
            users, edges = live.num_users, live.num_edges
            for number in range(given.updates):
                part = slice(size + number * batch, size + (number + 1) * batch)
                begin = time.process_time()
                live.append(**{name: column[part] for name, column in log.items()})
                middle = time.process_time()
                found = live.rank(alpha_star=star)
                append.append(1e3 * (middle - begin))
                ranked.append(1e3 * (time.process_time() - middle))
                products.append(found.products)
                certified += found.certified
            row = {"messages": size, "batch": batch, "alpha_star": star, "users": users}
            row |= {"edges": edges, "new users": live.num_users - users, "certified": certified}
            for what, values in (("append", append), ("rank", ranked), ("products", products)):
                row |= {f"{what}, median": float(np.median(values)), f"{what}, most": max(values)}
            rows.append(row)
            print(row, flush=True)
    print(record.save("katz_live", rows, {"updates": given.updates}, given.out))


if __name__ == "__main__":
    main()
