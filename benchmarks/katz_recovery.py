"""Do posterior intervals hold the truth? Simulated activity, baselines integrated out.

Run as ``python -m benchmarks.katz_recovery``. For each alpha* (0, 0.3, 0.7) and replicate, a fresh
network, baselines from a gamma distribution and a chain on them are drawn. The posterior of
(alpha, shape, mean) under the default priors comes from importance sampling: Student draws around
the mode, in logarithms, reweighted and resampled (``--sampler nuts`` takes NUTS instead, at ten
times the cost; ``--check`` compares both on the first replicates). Coverage is that of 95 %
intervals: from the 2.5 to the 97.5 % quantile, and of the region of highest density, which is the
one to judge at alpha* = 0, where a quantile of a positive parameter never reaches 0.
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
POINTS = 2000
NAMES = ("alpha", "shape", "mean")
ROOM = {  # by nodes: nearly all replicates share these sizes, and so one compilation
    (nodes, what): size * 32 // nodes
    for nodes in (32, 64)
    for what, size in (
        ("grids", 64),
        ("classes", 64),
        ("cells", 128),
        ("terms", 512),
        ("groups", 128),
    )
}


def replicate(model: Any, alpha_star: float, seed: int) -> tuple[Any, dict]:
    """Activity on a network of its own, and the truth."""
    import jax
    from scipy import sparse

    import hawkesjax as hj
    from hawkesjax import katz

    rng = np.random.default_rng(seed)
    # Audiences differ: a few users are heard by many.
    audience = rng.pareto(2.0, USERS) + 0.5
    sender = rng.choice(USERS, USERS * NEIGHBOURS, p=audience / audience.sum())
    listener = rng.integers(0, USERS, USERS * NEIGHBOURS)
    matrix = sparse.csr_array((np.ones(len(sender)), (listener, sender)), shape=(USERS, USERS))
    matrix.data[:] = 1
    network = hj.Activity.from_matrix(matrix, np.ones(USERS))
    truth = {"alpha": alpha_star / katz.radius(network).value, "shape": SHAPE, "mean": MEAN}
    data = model.simulate(truth, network, bins=BINS, key=jax.random.key(seed))
    return data, truth


def by_nuts(model: Any, data: Any, seed: int) -> dict[str, Any]:
    """Draws of the three parameters, all chains, and diagnostics."""
    import jax

    from hawkesjax.core.diagnostics import arviz
    from hawkesjax.core.nuts import Settings, kernel_for, run
    from hawkesjax.core.unconstrained import Unconstrained, best_start, scattered

    prepared = model.prepare(data)
    loss = Unconstrained(model)
    first = best_start(loss, prepared)
    scatter, chains = jax.random.split(jax.random.key(seed))
    points = [scattered(first, key, 0.1) for key in jax.random.split(scatter, CHAINS)]
    kernel = kernel_for(model, Settings(WARMUP, 0.9, 10, (NAMES,), 100))
    stacked = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *points)
    state = kernel.init(jax.random.split(chains, CHAINS), stacked, prepared)
    blocks: list[Any] = []
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
    rhat = max(float(arviz().rhat(natural[name])) for name in NAMES)
    return {name: v.ravel() for name, v in natural.items()} | {"rhat": rhat}


def functions(model: Any) -> tuple[Any, Any]:
    """Minus the log posterior of a free point, with gradient, and that of many points."""
    import jax
    import jax.numpy as jnp

    def loss(x, prepared):
        # Logarithms of positive parameters: each one's Jacobian is itself.
        params = dict(zip(NAMES, jnp.exp(x), strict=True))
        sites = model.sites(prepared)
        prior = sum(sites[name].log_prob(params[name]) for name in NAMES)
        return -model.log_likelihood(params, prepared) - prior - jnp.sum(x)

    one = jax.jit(jax.value_and_grad(loss))
    curved = jax.jit(jax.hessian(loss))
    many = jax.jit(lambda xs, p: jax.lax.map(lambda x: loss(x, p), xs, batch_size=50))
    return one, (curved, many)


def by_importance(model: Any, data: Any, seed: int, made: Any) -> dict[str, Any]:
    """Resampled draws; the effective number and Pareto's k in place of R-hat."""
    from scipy import optimize, stats

    from hawkesjax.core.diagnostics import arviz
    from hawkesjax.core.unconstrained import Unconstrained, best_start

    one, (curved, many) = made
    prepared = model.prepare(data, least=ROOM)
    first = best_start(Unconstrained(model), prepared)
    start = np.array([float(first[name]) for name in NAMES])
    found = optimize.minimize(
        lambda x: tuple(np.asarray(part) for part in one(x, prepared)), start, jac=True
    )
    curvature = np.asarray(curved(found.x, prepared))
    values, axes = np.linalg.eigh(curvature)
    covariance = (axes / np.maximum(values, 0.05)) @ axes.T * 1.3
    student = stats.multivariate_t(found.x, covariance, df=4, seed=seed)
    points = student.rvs(POINTS)
    logs = -np.asarray(many(points, prepared)) - student.logpdf(points)
    smooth, k = arviz().psislw(logs) if hasattr(arviz(), "psislw") else _psis(logs)
    weights = np.exp(smooth - np.max(smooth))
    weights /= weights.sum()
    rng = np.random.default_rng(seed)
    chosen = points[rng.choice(POINTS, 4 * POINTS, p=weights)]
    draws = dict(zip(NAMES, np.exp(chosen).T, strict=True))
    return draws | {"rhat": float(k), "effective": float(1 / np.sum(weights**2))}


def _psis(logs: np.ndarray) -> tuple[np.ndarray, float]:
    from arviz_stats.base import array_stats

    smooth, k = array_stats.psislw(logs)
    return np.asarray(smooth), float(k)


def in_densest(draws: np.ndarray, truth: float, level: float = 0.95) -> bool:
    """Whether the truth lies where the posterior density is highest, a part `level` of it.

    The density of a positive parameter: Gaussian kernels, reflected at 0.
    """
    from scipy import stats

    some = draws[:: max(1, len(draws) // 1500)]
    kernels = stats.gaussian_kde(np.concatenate([some, -some]), bw_method=0.15)
    return bool(kernels(truth)[0] >= np.quantile(kernels(some), 1 - level))


def compare(ours: dict[str, Any], nuts: dict[str, Any], alpha_star: float, number: int) -> None:
    """Print quantiles of both samplers."""
    for name in NAMES:
        a, b = (np.quantile(draws[name], (0.025, 0.5, 0.975)) for draws in (ours, nuts))
        print(f"  alpha* {alpha_star}, {number}: {name} {a} by importance, {b} by NUTS", flush=True)


def main() -> None:
    """Measure, print and keep."""
    options = record.parser(__doc__)
    options.add_argument("--replicates", type=int, default=200)
    options.add_argument("--sampler", choices=("importance", "nuts"), default="importance")
    options.add_argument("--check", type=int, default=0, help="replicates that NUTS draws too")
    given = options.parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj
    from hawkesjax import katz

    model = hj.KatzSpike()
    made = functions(model)
    count = max(2, int(given.replicates * given.scale))
    rows = []
    for alpha_star in TRUTHS:
        if not record.wanted(f"alpha-star-{alpha_star}", given.cases):
            continue
        begin, runs = time.perf_counter(), []
        for number in range(count):
            seed = 10_000 * int(10 * alpha_star) + number
            data, truth = replicate(model, alpha_star, seed)
            if given.sampler == "nuts":
                found = by_nuts(model, data, seed)
            else:
                found = by_importance(model, data, seed, made)
            if number < given.check:
                compare(found, by_nuts(model, data, seed), alpha_star, number)
            row: dict[str, Any] = {"events": len(data.active_user), "worst": found["rhat"]}
            row |= {"effective": found.get("effective", np.nan)}
            for name in NAMES:
                draws = found[name]
                low, high = np.quantile(draws, (0.025, 0.975))
                row[name] = {
                    "truth": truth[name],
                    "mean": float(draws.mean()),
                    "quantiles": bool(low <= truth[name] <= high),
                    "densest": in_densest(draws, truth[name]),
                }
            row["alpha_star"] = (
                float(np.mean(found["alpha"])) / truth["alpha"] * alpha_star
                if (alpha_star)
                else float(np.mean(found["alpha"]) * katz.radius(data).value)
            )
            runs.append(row)
            if number % 20 == 19:
                print(f"  alpha* {alpha_star}: {number + 1} of {count}", flush=True)
        summary: dict[str, Any] = {
            "case": f"alpha-star-{alpha_star}",
            "replicates": count,
            "events": float(np.mean([r["events"] for r in runs])),
            "mean_alpha_star": float(np.mean([r["alpha_star"] for r in runs])),
            "worst_rhat_or_pareto_k": float(np.max([r["worst"] for r in runs])),
            "least_effective": float(np.min([r["effective"] for r in runs])),
            "seconds": time.perf_counter() - begin,
        }
        for name in NAMES:
            for kind in ("quantiles", "densest"):
                summary[f"{name}_{kind}"] = float(np.mean([r[name][kind] for r in runs]))
        rows.append(summary)
        print(
            f"alpha* {alpha_star}: posterior mean {summary['mean_alpha_star']:.3f} on average; "
            f"95 % intervals hold alpha in {100 * summary['alpha_quantiles']:.1f} % (quantiles) "
            f"and {100 * summary['alpha_densest']:.1f} % (densest), shape in "
            f"{100 * summary['shape_quantiles']:.1f} %, mean in "
            f"{100 * summary['mean_quantiles']:.1f} % of {count} replicates of about "
            f"{summary['events']:.0f} events (worst Pareto k or R-hat "
            f"{summary['worst_rhat_or_pareto_k']:.2f}, {summary['seconds']:.0f} s).",
            flush=True,
        )
    sizes = {"users": USERS, "bins": BINS, "shape": SHAPE, "mean": MEAN, "points": POINTS}
    record.save("katz_recovery", rows, vars(given) | sizes, given.out)


if __name__ == "__main__":
    main()
