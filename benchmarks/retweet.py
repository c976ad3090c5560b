"""The retweet model: time of a likelihood, preparation, NUTS on real cascades, and recovery.

`python -m benchmarks.retweet [--only time,nuts,recovery]`. Times are CPU seconds; NUTS runs its
chains on two host devices. Recovery: 120 simulated cascades with r0 = .12, phi0 = .125 d and
tau = 2 d, fitted by maximum likelihood with p0 integrated out, beside the two-stage estimator.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from benchmarks import record

TRUTH = {"r0": 0.12, "phi0": 0.125, "tau": 2.0}
POSTS, WINDOW, HORIZON = 120, 22.0, 7.0
BASELINE = {"p0_mean": 8e-4, "p0_shape": 2.0}


def real_cascades(folder: Path) -> Any:
    """The 591 cascades of tideh_retweets, each seen for 7 days."""
    import pandas as pd

    import hawkesjax as hj

    events = pd.concat([pd.read_parquet(folder / f"events_{part}.parquet") for part in (1, 2)])
    posts = pd.read_csv(folder / "cascades.csv").set_index("cascade_id")
    return hj.Cascades.from_cascades(
        events,
        cascade="cascade_id",
        time="time_s",
        followers="followers",
        start=posts["start_day"] * 86400,
        horizon=7 * 86400,
        unit="second",
    )


def time_likelihood(folder: Path, repeats: int) -> dict[str, Any]:
    """CPU seconds of reading, preparing, and one value with its gradient."""
    import jax
    import jax.numpy as jnp

    import hawkesjax as hj

    clock = time.process_time
    begin = clock()
    data = real_cascades(folder)
    read = clock() - begin
    row: dict[str, Any] = {"case": "time", "reposts": data.num_reposts, "read_s": read}
    for name, theta in (("theta fixed", 0.242), ("theta learned", "learned")):
        model = hj.RetweetHawkes(theta=theta)
        begin = clock()
        prepared = jax.block_until_ready(model.prepare(data))
        prepare = clock() - begin
        params = {
            "beta": jnp.array([-8.0]),
            "tau": jnp.array(1.7e5),
            "swing": jnp.array([0.1, 0.1]),
        }
        params |= {"p0_mean": jnp.array(1e-3), "p0_shape": jnp.array(1.0)}
        params |= {"theta": jnp.array(0.242)} if theta == "learned" else {}
        function = jax.jit(jax.value_and_grad(model.log_likelihood))
        call = lambda f=function, q=params, d=prepared: jax.block_until_ready(f(q, d))  # noqa: E731
        timing = record.seconds_of(call, repeats)
        row[name] = {"prepare_s": prepare, **timing}
        print(
            f"{name}: {data.num_reposts:,} reposts, read in {read:.1f} s, prepared in "
            f"{prepare:.1f} s, value and gradient {1e3 * timing['median_s']:.1f} ms"
        )
    return row


def sample_real(folder: Path) -> dict[str, Any]:
    """NUTS, 4 chains of 500 + 1,000 steps over all cascades, p0 integrated out."""
    import jax

    import hawkesjax as hj

    data = real_cascades(folder)
    model = hj.RetweetHawkes()
    begin, busy = time.perf_counter(), time.process_time()
    post = hj.sample(
        model,
        data,
        key=jax.random.key(0),
        num_warmup=500,
        num_samples=1000,
        pointwise=None,
        progress=False,
    )
    wall, busy = time.perf_counter() - begin, time.process_time() - busy
    table = post.summary()
    print(table.to_string(float_format=lambda x: f"{x:.5g}"))
    print(f"{wall:.0f} s of wall time, {busy:.0f} s of CPU, {post.info['seconds']}")
    print(post.diagnose()[0])
    return {
        "case": "nuts",
        "wall_s": wall,
        "cpu_s": busy,
        "devices": jax.device_count(),
        "steps": int(post.sample_stats["num_steps"].sum()),
        "r_hat": float(table["r_hat"].max()),
        "ess_bulk": float(table["ess_bulk"].min()),
        "divergences": int(post.sample_stats["diverging"].sum()),
        "means": {name: float(row["mean"]) for name, row in table.iterrows()},
        "sds": {name: float(row["sd"]) for name, row in table.iterrows()},
    }


def recovery(replicates: int, two_stage: int) -> dict[str, Any]:
    """Bias, spread and coverage over simulated data sets."""
    import jax
    import numpy as np

    import hawkesjax as hj
    from hawkesjax.retweet.two_stage import two_stage as two_stages

    model = hj.RetweetHawkes()
    rng = np.random.default_rng(0)
    pool = np.floor(rng.lognormal(4.5, 1.5, 2000))
    pool = pool[pool * BASELINE["p0_mean"] < 2]
    names = ("r0", "phi0", "tau", "p0_mean", "p0_shape")
    truth = TRUTH | BASELINE
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    others: dict[str, list[dict[str, float]]] = {"L1": [], "L2": []}
    reposts = []
    for number in range(replicates):
        data = hj.simulate(
            model,
            truth,
            key=jax.random.key(number),
            window=(0, WINDOW),
            post_times=np.sort(rng.uniform(0, WINDOW - HORIZON, POSTS)),
            post_followers=np.floor(rng.lognormal(11, 1, POSTS)),
            followers=pool,
            horizon=HORIZON,
        )
        reposts.append(data.num_reposts)
        mle = hj.fit(model, data)
        for name in names:
            parts = (mle.params, mle.standard_errors, mle.lower, mle.upper)
            found[name].append([float(part[name]) for part in parts])
        for loss in ("L1", "L2") if number < two_stage else ():
            params = two_stages(model, data, loss=loss).params
            others[loss].append({name: params[name] for name in TRUTH})
    row: dict[str, Any] = {
        "case": "recovery",
        "replicates": replicates,
        "mean_reposts": float(np.mean(reposts)),
        "exact": {},
        "two-stage": {},
    }
    for name in names:
        values, errors, low, high = np.array(found[name]).T
        shift = np.zeros(len(values))
        if name == "phi0":  # an interval a whole day later is the same one
            shift = np.round(values - truth[name])
        inside = (low - shift <= truth[name]) & (truth[name] <= high - shift)
        gap = values - shift - truth[name]
        row["exact"][name] = {
            "truth": truth[name],
            "mean": float(np.mean(values - shift)),
            "sd": float(np.std(values - shift, ddof=1)),
            "mean_se": float(np.mean(errors)),
            "coverage": float(np.mean(inside)),
            "within_3_se": float(np.mean(np.abs(gap) < 3 * errors)),
        }
        print(name, row["exact"][name])
    for loss, values in others.items():
        if values:
            row["two-stage"][loss] = {
                name: {
                    "median": float(np.median([value[name] for value in values])),
                    "mean": float(np.mean([value[name] for value in values])),
                }
                for name in TRUTH
            }
            print("two-stage", loss, len(values), "data sets", row["two-stage"][loss])
    return row


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--only", default="time,nuts,recovery")
    options.add_argument("--replicates", type=int, default=200)
    options.add_argument("--two-stage", type=int, default=20, help="data sets for it")
    given = options.parse_args()
    wanted = given.only.split(",")
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    if wanted == ["time"]:
        record.pin()
    folder = Path(os.environ.get("HAWKESJAX_DATA", Path(__file__).parents[2] / "shared" / "data"))
    folder = folder / "tideh_retweets"
    used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    parts = {
        "time": lambda: time_likelihood(folder, given.repeats),
        "nuts": lambda: sample_real(folder),
        "recovery": lambda: recovery(given.replicates, given.two_stage),
    }
    for name in wanted:  # a record each: one can be repeated alone
        print("wrote", record.save(f"retweet_{name}", [parts[name]()], used, given.out))


if __name__ == "__main__":
    main()
