"""Value and gradient of one long stream against its length, beside what no code can go below.

Run as ``python -m benchmarks.growth``; CPU time of one core. The limits: one pass over the arrays
of the layout (a sum of them), and four exponentials an event alone (of two marks by pair).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.devices import TRUTH, stream_of

SIZES = (1e4, 1e5, 1e6, 1e7)


def measured(events: float, repeats: int) -> dict[str, Any]:
    """Seconds of the likelihood with its gradient, and of both limits."""
    import jax
    import jax.numpy as jnp

    import hawkesjax as hj

    model, panel = hj.Hawkes(), stream_of(events)
    params = {name: jnp.asarray(value) for name, value in TRUTH.items()}
    params["mu"] = params["mu"][None]
    data = model.prepare(panel)
    leaves = [leaf for leaf in jax.tree.leaves(data) if leaf.size > 1]
    numbers = jnp.asarray(np.random.default_rng(0).uniform(-5, 0, 4 * panel.num_events))
    calls = {
        "likelihood": (jax.jit(jax.value_and_grad(model.log_likelihood)), (params, data)),
        "one pass over the arrays": (jax.jit(lambda x: [jnp.sum(leaf) for leaf in x]), (leaves,)),
        "four exponentials an event": (jax.jit(lambda x: jnp.sum(jnp.exp(x))), (numbers,)),
    }
    row: dict[str, Any] = {"events": panel.num_events}
    row["bytes_per_event"] = sum(leaf.nbytes for leaf in leaves) / panel.num_events
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
    rows = [measured(size * given.scale, given.repeats) for size in SIZES]
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    print(record.save("growth", rows, used, given.out))


if __name__ == "__main__":
    main()
