"""A panel that is traced against the same panel prepared: value and gradient, CPU time of one core.

Run as ``python -m benchmarks traced``. Calls alternate; the median of each counts.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from benchmarks import record

# marks, events, sequences
CASES = {
    "2-1e6": (2, 1e6, 1),
    "2-1e5": (2, 1e5, 1),
    "2-1e5-200": (2, 1e5, 200),
    "10-1e4": (10, 1e4, 1),
}


def measured(name: str, marks: int, events: int, sequences: int, repeats: int) -> dict[str, Any]:
    """Nanoseconds an event both ways, and how far the log-likelihoods are apart."""
    import jax
    import jax.numpy as jnp

    import hawkesjax as hj

    rng = np.random.default_rng(0)
    end = events / marks / sequences
    panel = hj.EventPanel.from_arrays(
        rng.uniform(0, end, events),
        rng.integers(0, marks, events),
        sequence=rng.integers(0, sequences, events),
        window=(0, end),
        mark_names=range(marks),
        sequence_names=range(sequences),
    )
    model = hj.Hawkes()
    pair = (marks, marks)
    params = {
        "mu": jnp.full((sequences, marks), 0.5),
        "alpha": jnp.full(pair, 0.5 / marks),
        "gamma": jnp.asarray(rng.uniform(1.5, 2.5, pair)),
    }
    function = jax.jit(jax.value_and_grad(lambda p, data: model.log_likelihood(p, data)))
    given = {"prepared": model.prepare(panel), "traced": panel}
    values = {way: float(function(params, data)[0]) for way, data in given.items()}
    seconds: dict[str, list[float]] = {way: [] for way in given}
    for _ in range(repeats):
        for way, data in given.items():
            call = lambda d=data: jax.block_until_ready(function(params, d))  # noqa: E731
            seconds[way].append(record.seconds_of(call, 1)["median_s"])
    row: dict[str, Any] = {"case": name}
    row |= {way: 1e9 * float(np.median(spent)) / events for way, spent in seconds.items()}
    row["ratio"] = row["traced"] / row["prepared"]
    row["apart"] = abs(values["traced"] / values["prepared"] - 1)
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, print and keep."""
    given = record.parser(__doc__).parse_args()
    record.pin()
    import jax

    jax.config.update("jax_enable_x64", True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of many marks, whose slow form is what is measured
        rows = [
            measured(name, marks, int(events * given.scale), sequences, given.repeats)
            for name, (marks, events, sequences) in CASES.items()
            if record.wanted(name, given.cases)
        ]
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    print(record.save("traced", rows, used, given.out))


if __name__ == "__main__":
    main()
