"""Do posterior intervals hold the truth? Simulated activity, baselines integrated out, NUTS.

Run as ``python -m benchmarks.katz_recovery``. For each alpha* (0, 0.3, 0.7) and replicate, a fresh
network, baselines from a gamma distribution and a chain on them are drawn; the posterior of
(alpha, shape, mean) comes from NUTS with the default priors. Coverage is that of 95 % intervals: from
the 2.5 to the 97.5 % quantile, and the shortest one (highest density), which is the one to judge at
alpha* = 0, where a quantile of a positive parameter never reaches 0.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import record

TRUTHS = (0.0, 0.3, 0.7)
USERS, BINS, NEIGHBOURS = 400, 300, 4
SHAPE, MEAN = 0.5, 0.01
WARMUP, DRAWS, CHAINS = 300, 500, 2
NAMES = ("alpha", "shape", "mean")


def replicate(model: Any, alpha_star: float, seed: int, radius_of: Any) -> tuple[Any, dict]:
    """Activity on a network of its own, and the truth."""
    import jax
    from scipy import sparse

    import hawkesjax as hj
    from hawkesjax.models.katz_simulate import simulate_activity

    rng = np.random.default_rng(seed)
    # Audiences differ: a few users are heard by many.
    audience = rng.pareto(2.0, USERS) + 0.5
    sender = rng.choice(USERS, USERS * NEIGHBOURS, p=audience / audience.sum())
    listener = rng.integers(0, USERS, USERS * NEIGHBOURS)
    matrix = sparse.csr_array((np.ones(len(sender)), (listener, sender)), shape=(USERS, USERS))
    matrix.data[:] = 1
    network = hj.Activity.from_matrix(matrix, np.ones(USERS))
    truth = {"alpha": alpha_star / radius_of(network), "shape": SHAPE, "mean": MEAN}
    data = simulate_activity(model, truth, network, bins=BINS, key=jax.random.key(seed))
    return data, truth


def posterior(model: Any, data: Any, seed: int) -> dict[str, np.ndarray]:
    """Draws of the three parameters, all chains, and diagnostics."""
    import jax

    from hawkesjax.inference.diagnostics import arviz
    from hawkesjax.inference.nuts import Settings, kernel_for, run
    from hawkesjax.inference.unconstrained import Unconstrained, best_start, scattered

    prepared = model.prepare(data)
    loss = Unconstrained(model)
    first = best_start(loss, prepared)
    scatter, chains = jax.random.split(jax.random.key(seed))
    points = [scattered(first, key, 0.1) for key in jax.random.split(scatter, CHAINS)]
    settings = Settings(WARMUP, 0.9, 10, (NAMES,), 100)
    kernel = kernel_for(model, settings)
    stacked = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *points)
    state = kernel.init(jax.random.split(chains, CHAINS), stacked, prepared)
    blocks = []
    run(
        kernel,
        state,
        prepared,
        done=0,
        total=WARMUP + DRAWS,
        after=lambda _, block, __: blocks.append(block),
    )
    kept = [block for block in blocks if block is not None]
    point = {n: np.concatenate([b.point[n] for b in kept], axis=1) for n in NAMES}
    natural = {name: np.asarray(v) for name, v in loss.natural(point, prepared).items()}
    diverging = sum(int(b.statistics["diverging"].sum()) for b in kept)
    rhat = max(float(arviz().rhat(natural[name])) for name in NAMES)
    return natural | {"diverging": diverging, "rhat": rhat}


def shortest(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The shortest interval with a part `level` of the draws; from 0 where it begins at the least
    draw (the density does not fall towards 0)."""
    ordered = np.sort(draws)
    count = int(np.ceil(level * len(ordered)))
    widths = ordered[count - 1 :] - ordered[: len(ordered) - count + 1]
    widths[0] = ordered[count - 1]  # the interval from 0
    begin = int(np.argmin(widths))
    return (0.0 if begin == 0 else float(ordered[begin])), float(ordered[begin + count - 1])


def main() -> None:
    """Measure, print and keep."""
    options = record.parser(__doc__)
    options.add_argument("--replicates", type=int, default=200)
    given = options.parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj
    from hawkesjax.models.katz import radius_of

    model = hj.KatzSpike()
    count = max(2, int(given.replicates * given.scale))
    rows = []
    for alpha_star in TRUTHS:
        if not record.wanted(f"alpha-star-{alpha_star}", given.cases):
            continue
        begin, runs = time.perf_counter(), []
        for number in range(count):
            seed = 10_000 * int(10 * alpha_star) + number
            data, truth = replicate(model, alpha_star, seed, radius_of)
            found = posterior(model, data, seed)
            row = {"events": len(data.active_user), "rhat": found["rhat"]}
            row |= {"diverging": found["diverging"]}
            for name in NAMES:
                draws = found[name].ravel()
                low, high = np.quantile(draws, (0.025, 0.975))
                short = shortest(draws)
                row[name] = {
                    "truth": truth[name],
                    "mean": float(draws.mean()),
                    "quantiles": bool(low <= truth[name] <= high),
                    "shortest": bool(short[0] <= truth[name] <= short[1]),
                }
            row["alpha_star"] = float(np.mean(found["alpha"])) / truth["alpha"] * alpha_star if (
                alpha_star
            ) else float(np.mean(found["alpha"]) * radius_of(data))
            runs.append(row)
            if number % 20 == 19:
                print(f"  alpha* {alpha_star}: {number + 1} of {count}", flush=True)
        summary: dict[str, Any] = {
            "case": f"alpha-star-{alpha_star}",
            "replicates": count,
            "events": float(np.mean([r["events"] for r in runs])),
            "mean_alpha_star": float(np.mean([r["alpha_star"] for r in runs])),
            "worst_rhat": float(np.max([r["rhat"] for r in runs])),
            "divergences": int(np.sum([r["diverging"] for r in runs])),
            "seconds": time.perf_counter() - begin,
        }
        for name in NAMES:
            for kind in ("quantiles", "shortest"):
                summary[f"{name}_{kind}"] = float(np.mean([r[name][kind] for r in runs]))
        rows.append(summary)
        print(
            f"alpha* {alpha_star}: posterior mean {summary['mean_alpha_star']:.3f} on average; "
            f"95 % intervals hold alpha in {100 * summary['alpha_quantiles']:.1f} % (quantiles) and "
            f"{100 * summary['alpha_shortest']:.1f} % (shortest), shape in "
            f"{100 * summary['shape_quantiles']:.1f} %, mean in "
            f"{100 * summary['mean_quantiles']:.1f} % of {count} replicates of about "
            f"{summary['events']:.0f} events ({summary['seconds']:.0f} s).",
            flush=True,
        )
    sizes = {"users": USERS, "bins": BINS, "shape": SHAPE, "mean": MEAN, "draws": DRAWS * CHAINS}
    record.save("katz_recovery", rows, vars(given) | sizes, given.out)


if __name__ == "__main__":
    main()
