"""The Katz spike likelihood at 150,000 users and about 300,000 active bins: value and gradient.

Run as ``python -m benchmarks.katz_likelihood``. A million edges, audiences and attention of very
different sizes, 1,000 bins; one core, CPU time, after preparation. ``--nuts`` samples 4 chains of
500 + 1,000 steps instead (wall time, all cores), into a record of its own, `katz_likelihood_nuts`.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import record

USERS, EDGES, BINS, EVENTS = 150_000, 1_000_000, 1000, 300_000
SHAPE, ALPHA_STAR = 0.3, 0.3
LIMIT_MS = 5.0


def log_of(scale: float) -> tuple[Any, dict[str, float]]:
    """Simulated activity, and the parameters that made it."""
    import jax
    from scipy import sparse

    import hawkesjax as hj

    users, edges, events = (int(size * scale) for size in (USERS, EDGES, EVENTS))
    rng = np.random.default_rng(0)
    audience, attention = rng.pareto(1.5, users) + 0.2, rng.pareto(2.0, users) + 0.2
    sender = rng.choice(users, edges, p=audience / audience.sum())
    listener = rng.choice(users, edges, p=attention / attention.sum())
    matrix = sparse.csr_array((np.ones(edges), (listener, sender)), shape=(users, users))
    matrix.data[:] = 1
    network = hj.Activity.from_matrix(matrix, np.ones(users))
    rho = hj.katz.radius(network).value
    truth = {"alpha": ALPHA_STAR / rho, "shape": SHAPE, "mean": events / users / BINS}
    for _ in range(3):  # baselines such that, with what they set off, the events are as many
        data = hj.simulate(hj.KatzSpike(), truth, network, bins=BINS, key=jax.random.key(1))
        truth["mean"] *= events / len(data.active_user)
    return hj.simulate(hj.KatzSpike(), truth, network, bins=BINS, key=jax.random.key(2)), truth


def sampled(data: Any) -> dict[str, Any]:
    """Wall time of NUTS, and whether its draws are sound."""
    import jax

    import hawkesjax as hj

    begin = time.perf_counter()
    post = hj.sample(
        hj.KatzSpike(),
        data,
        key=jax.random.key(3),
        num_warmup=500,
        num_samples=1000,
        pointwise=None,
        progress=False,
    )
    row = {"case": "nuts", "wall_s": time.perf_counter() - begin, **post.info["seconds"]}
    row["divergences"] = int(post.sample_stats["diverging"].sum())
    row["worst_rhat"] = float(post.summary()["r_hat"].max())
    print(
        f"nuts: {row['sampling']:.0f} s of sampling and {row['init']:.0f} s of setting out; "
        f"{row['divergences']} divergences, R-hat at most {row['worst_rhat']:.3f}",
        flush=True,
    )
    return row


def main() -> None:
    """Measure, print and keep."""
    options = record.parser(__doc__)
    options.add_argument("--nuts", action="store_true", help="time NUTS instead")
    given = options.parse_args()
    if not given.nuts:
        record.pin()
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    data, truth = log_of(given.scale)
    if given.nuts:
        record.save("katz_likelihood_nuts", [sampled(data)], vars(given), given.out)
        return
    rows = []
    for form in ("additive", "multiplicative"):
        model = hj.KatzSpike(form=form)
        for dtype in (np.float64, np.float32):
            name = f"{form}-{np.dtype(dtype).name}"
            if not record.wanted(name, given.cases):
                continue
            begin = time.process_time()
            prepared = model.prepare(data, dtype=dtype)
            seconds = time.process_time() - begin
            point = {n: jax.numpy.asarray(v, dtype) for n, v in truth.items()}
            both = jax.jit(jax.value_and_grad(model.log_likelihood))
            times = record.seconds_of(
                lambda b=both, p=point, d=prepared: jax.block_until_ready(b(p, d)), given.repeats
            )
            row = {
                "case": name,
                "users": data.num_users,
                "edges": data.num_edges,
                "events": int(prepared.num_events),
                "groups": sum(int(np.sum(b.group_users > 0)) for b in prepared.blocks),
                "prepare_s": seconds,
                "value": float(both(point, prepared)[0]),
                **times,
            }
            rows.append(row)
            print(
                f"{name}: {1e3 * times['median_s']:.2f} ms for value and gradient, "
                f"{row['events']:,} events of {row['users']:,} users in {row['groups']:,} groups; "
                f"prepared in {seconds:.1f} s, first call {times['first_s']:.1f} s",
                flush=True,
            )
    record.save("katz_likelihood", rows, vars(given) | {"limit_ms": LIMIT_MS}, given.out)


if __name__ == "__main__":
    main()
