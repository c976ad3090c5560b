"""Which baseline and which kernel describe five weeks of messages among students.

Run as ``python -m benchmarks.baselines``; the data are looked for in ``$HAWKESJAX_DATA`` (default
``../shared/data``). Every model is fitted to four weeks (26,205 messages, one mark) and scored on
the days after them: the log score is the log predictive density of the held-out messages given
all before. With ``--sample``, three of them are sampled on the first week and compared by
leave-one-out.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record import RESULTS, save

FIRST = pd.Timestamp(1082040961, unit="s", tz="UTC")  # of the first message
START = pd.Timestamp("2004-05-15", tz="America/Los_Angeles")
WEEK = pd.Timedelta(weeks=1)


def messages(hj: Any, folder: Path) -> Any:
    """One stream of all messages, in hours since the start, over five weeks."""
    table = pd.read_csv(folder / "collegemsg" / "events.csv.gz")
    when = FIRST + pd.to_timedelta(table["time"], unit="s")
    inside = (when >= START) & (when < START + 5 * WEEK)
    return hj.EventPanel.from_dataframe(
        pd.DataFrame({"when": when[inside].dt.tz_convert(START.tz)}),
        time="when",
        unit="hour",
        window=(START, START + 5 * WEEK),
    )


def models_of(hj: Any) -> dict[str, Any]:
    """Baselines and kernels, each alone and together."""
    calendar = hj.Covariates.calendar(
        (START, START + 6 * WEEK), unit="hour", timezone=str(START.tz)
    )
    one = {"decay": "shared"}
    kernels = {
        "exponential": "exponential",
        "sum of 3": hj.SumOfExponentials(3),
        "power law": hj.PowerLaw(),
    }
    baselines = {"constant": "shared", "calendar": calendar}
    return {
        f"{baseline}, {kernel}": hj.Hawkes(baseline=baselines[baseline], kernel=chosen, **one)
        for baseline in baselines
        for kernel, chosen in kernels.items()
    }


def fitted(hj: Any, model: Any, panel: Any, days: float) -> dict[str, Any]:
    """Fit on four weeks; score on the days after."""
    import jax

    from hawkesjax.evaluation.residual_tests import residual_tests

    cut = 4 * 7 * 24.0
    past = panel.between(0.0, cut)
    begin = time.perf_counter()
    found = hj.fit(model, past)
    wall = time.perf_counter() - begin
    options = {"cut": cut, "horizon": 24 * days, "key": jax.random.key(0), "draws": 100}
    score = hj.evaluate(model, found, panel, **options)
    told = score.counts.loc["all"].iloc[0]
    test = residual_tests(hj.residuals(model, found, past))
    params = {name: np.asarray(value).tolist() for name, value in found.params.items()}
    return {
        "log_likelihood": found.log_likelihood,
        "parameters": found.num_parameters,
        "aic": found.aic,
        "log_score": score.log_score,
        "held_out": score.events,
        "forecast": [float(told["mean"]), float(told["lower"]), float(told["upper"])],
        "alpha": float(found.params["alpha"][0, 0]),
        "ks": float(test["ks"].iloc[0]),
        "converged": found.converged,
        "wall_s": wall,
        "params": params,
    }


def compared(hj: Any, models: dict[str, Any], panel: Any) -> pd.DataFrame:
    """Sample on one week, compare by leave-one-out over events."""
    import jax

    week = panel.between(0.0, 168.0)
    posteriors = {}
    for name in ("constant, exponential", "calendar, exponential", "constant, sum of 3"):
        begin = time.perf_counter()
        post = hj.sample(models[name], week, key=jax.random.key(1), num_warmup=300, num_samples=300)
        print(f"{name}: {time.perf_counter() - begin:.0f} s", *post.diagnose(), sep="\n  ")
        if "beta" in post.posterior:
            print(post.rate_ratios().iloc[:10].to_string(float_format=lambda x: f"{x:.3g}"))
        posteriors[name] = post
    return hj.compare(posteriors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=3.0, help="held-out days")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    panel = messages(hj, Path(os.environ.get("HAWKESJAX_DATA", "../shared/data")))
    print(panel)
    models = models_of(hj)
    if given.sample:
        print(compared(hj, models, panel).to_string(float_format=lambda x: f"{x:.1f}"))
        return
    rows = []
    for name, model in models.items():
        rows.append({"case": name, **fitted(hj, model, panel, given.days)})
        print(name, f"{rows[-1]['wall_s']:.1f} s", flush=True)
    table = pd.DataFrame(rows).set_index("case").drop(columns="params")
    print(table.to_string(float_format=lambda x: f"{x:.4g}"))
    save("baselines", rows, {"days": given.days}, given.out)


if __name__ == "__main__":
    main()
