"""Do 95 % intervals hold the truth 95 % of the time? Over 200 simulated panels each.

Run as ``python -m benchmarks.coverage``; ``--cases covariates`` runs one study alone. Each worker
is a process on one core. ``--replicates 20`` is a trial.

Cases:

- ``o2o``: the default parameters of o2o-process, 20 users over 20 days. Three models: its own
  priors and approximate compensator, its priors and the exact compensator, and hierarchical
  baselines with the default priors here.
- ``prior``: the parameters are drawn too, from the bulk of the default priors (the middle 80 % of
  each, spectral radius below 0.9, 300 to 1,500 expected events), for 10 sequences.

- ``covariates``: as ``prior``, with the rate ratios of two features drawn too (weekends, and days
  of rain), for 5 sequences.

After all, the events of the time after the window are forecast from each posterior, with 95 %
intervals, and counted.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record

DAYS, USERS, LATER = 20.0, 20, 5.0
MODELS = {
    "o2o": {
        "o2o priors, its compensator": {"priors": "o2o", "compensator": "schoenberg"},
        "o2o priors, exact compensator": {"priors": "o2o"},
        "hierarchical, default priors": {"baseline": "hierarchical"},
    },
    "prior": {"hierarchical, default priors": {"baseline": "hierarchical"}},
    "covariates": {"hierarchical, default priors": {"baseline": "hierarchical"}},
}
SEEDS = {"o2o": 2024, "prior": 2025, "covariates": 2026}
RATE = 0.5  # of the cases with drawn parameters: events of a mark a day
SEQUENCES = {"prior": 10, "covariates": 5}
BULK = (0.1, 0.9)
SHOWN = (
    "alpha",
    "gamma",
    "mu",
    "beta",
    "all baselines",
    "shares",
    "forecast, each user",
    "forecast, all users",
)


def features() -> Any:
    """Weekends, and three days in ten of rain, day by day."""
    import hawkesjax as hj

    days = np.arange(int(60 + LATER) + 1)
    rain = np.random.default_rng(3).random(len(days) - 1) < 0.3
    values = np.stack([days[:-1] % 7 >= 5, rain], axis=1).astype(float)
    return hj.Covariates(days.astype(float), values, ("weekend", "rain"), unit="day")


def model_of(case: str, name: str) -> Any:
    """The model that is sampled."""
    import hawkesjax as hj

    return hj.Hawkes(**MODELS[case][name], covariates=features() if case == "covariates" else None)


def simulate(case: str, number: int) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """One replicate: the panel to fit, the counts that came after it, the parameters."""
    import jax

    import hawkesjax as hj

    key = jax.random.fold_in(jax.random.key(SEEDS[case]), number)
    if case == "o2o":
        whole, truth = hj.datasets.spillover(key=key, users=USERS, days=DAYS + LATER)
        days = DAYS
    else:
        known = features() if case == "covariates" else None
        truth, days = _from_the_prior(np.random.default_rng([7, number]), case, known)
        model = hj.Hawkes(covariates=known)
        whole = hj.simulate(model, truth, window=(0, days + LATER), key=key)
    later = whole.between(days, np.nextafter(days + LATER, np.inf))
    return whole.between(0, days), np.asarray(later.counts), truth


def _from_the_prior(rng, case: str, known: Any) -> tuple[dict[str, np.ndarray], float]:
    """Parameters from the bulk of the default priors, and a window of 300 to 1,500 events;
    `mu_mean` is the mean baseline over the window."""
    from scipy import stats

    days = 60.0
    while True:
        median = stats.halfcauchy(scale=RATE).ppf(rng.uniform(*BULK, 2))
        spread = stats.halfnorm.ppf(rng.uniform(*BULK, 2))
        alpha = stats.expon(scale=0.5).ppf(rng.uniform(*BULK, (2, 2)))
        gamma = stats.lognorm(2.0, scale=2 * RATE).ppf(rng.uniform(*BULK, (2, 2)))
        if np.abs(np.linalg.eigvals(alpha)).max() >= 0.9:
            continue
        mu = mean = median * np.exp(spread * rng.standard_normal((SEQUENCES[case], 2)))
        drawn = {"mu": mu, "alpha": alpha, "gamma": gamma}
        if known is not None:
            beta = stats.norm(scale=1.5).ppf(rng.uniform(*BULK, (2, known.num_features)))
            ratios = np.exp(known.values[: int(days)] @ beta.T)  # a row a day
            mean = mu * ratios.mean(axis=0)
            drawn |= {"beta": beta}
        expected = days * np.linalg.solve(np.eye(2) - alpha, mean.sum(axis=0)).sum()
        if 300 <= expected <= 1500:
            return drawn | {"mu_mean": mean}, days


def long_run_shares(truth: dict[str, np.ndarray]) -> np.ndarray:
    """Of each target (row) due to each source, over all sequences."""
    alpha, mu = truth["alpha"], truth.get("mu_mean", truth["mu"]).sum(axis=0)
    whole = np.linalg.solve(np.eye(2) - alpha, mu)
    share = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            without = alpha.copy()
            without[i, j] = 0
            share[i, j] = 1 - np.linalg.solve(np.eye(2) - without, mu)[i] / whole[i]
    return share


def check(post: Any, panel: Any, later: np.ndarray, truth: dict[str, np.ndarray], model: Any, key):
    """What one posterior's intervals hold: arrays of 0 and 1, NaN where undefined."""
    import hawkesjax as hj

    found: dict[str, Any] = {}
    for name in ("alpha", "gamma", "mu", *(["beta"] if "beta" in truth else [])):
        low, high = np.quantile(post[name].values, (0.025, 0.975), axis=(0, 1))
        found[name] = ((low <= truth[name]) & (truth[name] <= high)).astype(float)
        found[f"width of {name}"] = high - low
        found[f"{name} above"] = (truth[name] > high).astype(float)
    total = post["mu"].values.sum(axis=2)
    low, high = np.quantile(total, (0.025, 0.975), axis=(0, 1))
    true = truth["mu"].sum(axis=0)
    found["all baselines"] = ((low <= true) & (true <= high)).astype(float)
    table = post.shares().loc["all"]
    low, high = (table[column].to_numpy().reshape(2, 2) for column in ("2.5%", "97.5%"))
    true = long_run_shares(truth)
    held = ((low <= true) & (true <= high)).astype(float)
    found["shares"] = np.where(np.isfinite(low), held, np.nan)
    told = hj.forecast(model, post, panel, horizon=LATER, key=key, draws=1000)
    for name, counts, seen in (
        ("forecast, each user", told.counts, later),
        ("forecast, all users", told.counts.sum(axis=1), later.sum(axis=0)),
    ):
        low, high = np.quantile(counts, (0.025, 0.975), axis=0, method="inverted_cdf")
        found[name] = ((low <= seen) & (seen <= high)).astype(float)
    found["diverging"] = float(post.sample_stats["diverging"].sum())
    found["events"] = float(panel.num_events)
    return found


def work(case: str, name: str, numbers: list[int], given: Any, worker: int) -> list[dict]:
    """One worker's replicates of one model."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[worker % len(cores)]})
    os.environ |= {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    import jax

    import hawkesjax as hj

    made = [simulate(case, number) for number in numbers]
    model = model_of(case, name)
    posteriors = hj.sample_many(
        model,
        [panel for panel, _, _ in made],
        key=jax.random.key(numbers[0]),
        num_chains=given.chains,
        num_warmup=given.warmup,
        num_samples=given.samples,
    )
    out = []
    for number, post, one in zip(numbers, posteriors, made, strict=True):
        out.append(check(post, *one, model, jax.random.key(10_000 + number)))
    return out


def gather(found: list[dict]) -> dict[str, Any]:
    """Coverage with its standard error over the replicates."""
    row: dict[str, Any] = {"replicates": len(found)}
    for name in found[0]:
        values = np.array([one[name] for one in found], float)
        if name in ("diverging", "events"):
            row[name] = float(values.mean())
            continue
        if name.endswith("each user") or (name.split()[-1] == "mu" or name.startswith("mu")):
            values = values.mean(axis=1)  # over users, replicate by replicate
        defined = np.sum(np.isfinite(values), axis=0)
        row[name] = np.nanmean(values, axis=0).tolist()
        if not name.startswith("width") and not name.endswith("above"):
            row[f"{name}, se"] = (np.nanstd(values, axis=0) / np.sqrt(defined)).tolist()
        if name == "shares":
            row["shares defined"] = int(defined.min())
    return row


def show(case: str, name: str, row: dict[str, Any]) -> None:
    """One model's coverage in per cent."""
    print(f"\n{case}: {name} ({row['replicates']} panels of {row['events']:.0f} events on average)")
    for what in SHOWN:
        if what not in row:
            continue
        values, errors = np.ravel(row[what]), np.ravel(row[f"{what}, se"])
        said = "  ".join(
            f"{100 * v:.1f} ({100 * e:.1f})" for v, e in zip(values, errors, strict=True)
        )
        print(f"  {what:20s} {said}")
    print(
        f"  shares defined for {row['shares defined']}; {row['diverging']:.1f} divergences a panel"
    )


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--replicates", type=int, default=200)
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--chains", type=int, default=2)
    options.add_argument("--warmup", type=int, default=300)
    options.add_argument("--samples", type=int, default=500)
    given = options.parse_args()
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    # Some cases do not replace the record of all.
    stem = "_".join(["coverage", *filter(None, given.cases.split(","))])
    rows: list[dict[str, Any]] = []
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(given.workers, mp_context=context) as pool:
        for case, models in MODELS.items():
            for name in models:
                if not record.wanted(f"{case}: {name}", given.cases):
                    continue
                numbers = list(range(given.replicates))
                jobs = [
                    pool.submit(work, case, name, numbers[n :: given.workers], given, n)
                    for n in range(min(given.workers, len(numbers)))
                ]
                found = [one for job in jobs for one in job.result()]
                rows.append({"case": case, "model": name, **gather(found)})
                show(case, name, rows[-1])
                wrote = record.save(stem, rows, used, Path(given.out))  # what is done is kept
                print(f"  wrote {wrote}")


if __name__ == "__main__":
    main()
