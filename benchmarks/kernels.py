"""Do kernels of several time scales sample well, and does leave-one-out choose the right one?

Run as ``python -m benchmarks.kernels``. Two simulated panels whose memory is known, one without a
scale (a power law) and one with a single scale (exponential), are each sampled with three kernels,
which are then compared by leave-one-out.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import RESULTS, save

DAYS, SEQUENCES, TERMS = 200.0, 8, 3
TRUTH = {
    "a power law": {"mu": [0.2], "alpha": [[0.6]], "gamma": 30.0, "theta": 0.4},
    "one scale": {"mu": [0.2], "alpha": [[0.6]], "gamma": 3.0},
}


def models_of(hj: Any) -> dict[str, Any]:
    """Three kernels beside the same baseline."""
    # The power law holds over the whole window: 200 days are 6,000 times c = 1/30 day.
    kernels = {
        "exponential": "exponential",
        f"sum of {TERMS}": hj.SumOfExponentials(TERMS),
        "power law": hj.PowerLaw(span=2e4),
    }
    return {
        name: hj.Hawkes(decay="shared", baseline="shared", kernel=kernel)
        for name, kernel in kernels.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    models, rows = models_of(hj), []
    for number, (made, truth) in enumerate(TRUTH.items()):
        true = models["power law" if "theta" in truth else "exponential"]
        key, draw = jax.random.split(jax.random.key(number))
        panel = hj.simulate(
            true, truth, window=(0, DAYS), num_sequences=SEQUENCES, key=key, unit="day"
        )
        print(f"\nEvents from {made}: {panel.num_events} in {SEQUENCES} sequences of {DAYS:g} days")
        posteriors = {}
        for name, model in models.items():
            begin, cpu = time.perf_counter(), time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", hj.SamplingWarning)
                post = hj.sample(
                    model, panel, key=draw, num_warmup=given.warmup, num_samples=given.draws,
                    num_chains=given.chains, progress=False,
                )  # fmt: skip
            posteriors[name] = post
            seconds = time.process_time() - cpu
            table = post.summary()
            print(f"\n{name} ({seconds:.0f} CPU s):", *post.diagnose(), sep="\n  ")
            print(table.round(3).to_string())
            effects = post.spillover()
            print(effects.round(3).to_string())
            rows.append({
                "events from": made,
                "kernel": name,
                "events": panel.num_events,
                "terms": len(model.kernel.ratios),
                "cpu_s": seconds,
                "wall_s": time.perf_counter() - begin,
                "worst_r_hat": float(np.max(table["r_hat"])),
                "least_bulk_ess": float(np.min(table["ess_bulk"])),
                "divergences": int(post.sample_stats["diverging"].sum()),
                "alpha": effects["alpha"].iloc[0].to_dict(),
                "half_life": effects["half-life"].iloc[0].to_dict(),
                "summary": table.to_dict("index"),
            })  # fmt: skip
        compared = hj.compare(posteriors)
        print("\n" + compared.round(1).to_string())
        for row in rows[-len(models) :]:
            row |= {"loo": compared.loc[row["kernel"]].to_dict()}
    used = {name: getattr(given, name) for name in ("warmup", "draws", "chains")}
    save("kernels", rows, used, given.out)


if __name__ == "__main__":
    main()
