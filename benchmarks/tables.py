"""Every table and figure of one analysis: 50 users, about 5,000 events, a posterior of 4,000 draws.

Run as ``python -m benchmarks.tables``, on one core. What is timed begins after the fit and the
sampling; compilation is in it, as in a user's first call. The limit is 30 s in all.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks import record

USERS, DAYS, LIMIT = 50, 32.0, 30.0


def steps(hj: Any, model: Any, post: Any, panel: Any, key: Any) -> dict[str, Callable[[], Any]]:
    """What is made, by name; a figure is made when it is saved."""
    import jax

    keys = jax.random.split(key, 3)
    kept: dict[str, Any] = {}

    def keep(name: str, make: Callable[[], Any]) -> Callable[[], Any]:
        def made() -> Any:
            kept[name] = make()
            return kept[name]

        return made

    def drawn(make: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: make().savefig(io.BytesIO(), format="png")

    def tests() -> Any:
        return hj.residual_tests(hj.residuals(model, post, panel, join=True))

    told = keep("told", lambda: hj.forecast(model, post, panel, horizon=7.0, key=keys[0], bins=28))
    check = keep("check", lambda: hj.predictive_check(model, post, panel, key=keys[1]))
    return {
        "table: describe": panel.describe,
        "table: summary": post.summary,
        "table: spillover": post.spillover,
        "table: decay": post.decay,
        "table: baseline": post.baseline,
        "table: shares, long run": post.shares,
        "table: shares in the window": lambda: post.shares(panel),
        "table: residual tests": tests,
        "table: forecast": lambda: told().summary(),
        "table: forecast by step": lambda: told().by_step(),
        "table: predictive check": lambda: check().summary(),
        "figure: network": drawn(lambda: hj.plots.network(post)),
        "figure: kernels": drawn(lambda: hj.plots.kernels(post, unit="day")),
        "figure: intensity": drawn(lambda: hj.plots.intensity(post, panel)),
        "figure: residuals": drawn(lambda: hj.plots.residuals(post, panel)),
        "figure: parameters": drawn(lambda: hj.plots.parameters(post, unit="day")),
        "figure: trace": drawn(lambda: hj.plots.trace(post)),
        "figure: prior and posterior": drawn(lambda: hj.plots.prior_posterior(post, panel)),
        "figure: forecast": drawn(lambda: hj.plots.forecast(kept["told"])),
        "figure: forecast fan": drawn(lambda: hj.plots.fan(kept["told"])),
        "figure: predictive check": drawn(lambda: hj.plots.predictive(kept["check"])),
    }


def main() -> None:
    given = record.parser(__doc__).parse_args()
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    record.pin()
    import jax

    import hawkesjax as hj

    keys = jax.random.split(jax.random.key(3), 3)
    panel, _ = hj.datasets.spillover(key=keys[0], users=USERS, days=DAYS)
    model = hj.Hawkes(baseline="hierarchical")
    draws = max(10, int(1000 * given.scale))
    lengths = {"num_warmup": 200, "num_samples": draws, "progress": False}
    post = hj.sample(model, panel, key=keys[1], chain_method="sequential", **lengths)
    rows: list[dict[str, Any]] = []
    for name, make in steps(hj, model, post, panel, keys[2]).items():
        cpu, wall = time.process_time(), time.perf_counter()
        make()
        rows.append({"name": name, "cpu_s": time.process_time() - cpu})
        rows[-1]["wall_s"] = time.perf_counter() - wall
        print(f"{name:32s} {rows[-1]['cpu_s']:6.2f} s")
    whole = sum(row["cpu_s"] for row in rows)
    met = "yes" if whole < LIMIT else "NO"
    print(f"\n{panel.num_sequences} users, {panel.num_events:,} events, 4 chains: {whole:.1f} s ")
    print(f"(at most {LIMIT:g}: {met})")
    used = {"events": panel.num_events, "draws": 4 * draws, "total_cpu_s": whole}
    print("wrote", record.save("tables", rows, used, given.out))


if __name__ == "__main__":
    main()
