"""Value and gradient of the three models against the number of events, beside their limits.

Run as ``python -m benchmarks growth``; CPU time of one core. The limits: one pass over the arrays
of the layout (their sums by NumPy), and for `Hawkes`, two marks by pair, four exponentials an event
alone. Events are those of one long stream, posts and reposts, and active bins of users.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.devices import MU, TRUTH, cascades_of, stream_of
from benchmarks.katz_likelihood import log_of

SIZES = {"hawkes": (1e4, 1e5, 1e6, 1e7), "retweet": (1e3, 1e4, 1e5), "katz": (2e-3, 2e-2, 2e-1)}


def case_of(name: str, size: float) -> Any:
    """Model, data and parameters; the size is of events, posts, or a share of 150,000 users."""
    import hawkesjax as hj

    if name == "hawkes":
        return hj.Hawkes(), stream_of(size), TRUTH | {"mu": MU[None]}
    if name == "katz":
        return hj.KatzSpike(), *log_of(size)
    data = cascades_of(int(size))
    params = {"beta": [np.log(data.num_posts / 2100)], "tau": 20.0, "swing": [0.1, 0.1]}
    return hj.RetweetHawkes(), data, params | {"p0_mean": 1e-3, "p0_shape": 2.0}


def measured(name: str, size: float, repeats: int) -> dict[str, Any]:
    """Seconds of the likelihood with its gradient, and of both limits."""
    import jax
    import jax.numpy as jnp

    model, given, truth = case_of(name, size)
    params = {key: jnp.asarray(value, float) for key, value in truth.items()}
    data = model.prepare(given)
    events = int(data.num_events)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(data) if leaf.size > 1]
    numbers = jnp.asarray(np.random.default_rng(0).uniform(-5, 0, 4 * events))
    calls: dict[str, Any] = {
        "likelihood": (jax.jit(jax.value_and_grad(model.log_likelihood)), (params, data)),
        "one pass over the arrays": (lambda x: [np.sum(leaf) for leaf in x], (leaves,)),
    }
    if name == "hawkes":
        exponentials = jax.jit(lambda x: jnp.sum(jnp.exp(x)))
        calls["four exponentials an event"] = (exponentials, (numbers,))
    row: dict[str, Any] = {"model": name, "events": events}
    row["bytes_per_event"] = sum(leaf.nbytes for leaf in leaves) / events
    for name, (function, given) in calls.items():
        jax.block_until_ready(function(*given))
        call = lambda f=function, x=given: jax.block_until_ready(f(*x))  # noqa: E731
        row[name] = record.seconds_of(call, repeats)["median_s"]
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, print and keep."""
    given = record.parser(__doc__).parse_args()
    record.pin()
    import jax

    jax.config.update("jax_enable_x64", True)
    rows = [
        measured(name, size * given.scale, given.repeats)
        for name, sizes in SIZES.items()
        if record.wanted(name, given.cases)
        for size in sizes
    ]
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    print(record.save("growth", rows, used, given.out))


if __name__ == "__main__":
    main()
