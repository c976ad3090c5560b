"""Fit and sample two real data sets; prints estimates, times and diagnostics.

Run as ``python -m benchmarks.real_data``; the data are looked for in ``$HAWKESJAX_DATA``
(default ``../shared/data``), and results are kept under ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import RESULTS, save


def rumours(hj: Any, folder: Path) -> Any:
    """A sequence a rumour, from its first collected reply to a week later; marks are stances."""
    import pandas as pd

    table = pd.read_csv(folder / "covid_rumour_replies" / "replies.csv")
    sources = pd.read_csv(folder / "covid_rumour_replies" / "sources.csv")
    at = pd.to_datetime(table["time_utc"])
    hours = (at - at.groupby(table["source_id"]).transform("min")).dt.total_seconds() / 3600
    week = hours <= 168
    print(f"{(~week).sum()} of {len(table)} replies come later than a week and are left out")
    table = table.assign(hours=hours)[week]
    return hj.EventPanel.from_dataframe(
        table,
        time="hours",
        mark="stance",
        sequence="source_id",
        window=(0, 168),
        unit="hour",
        sequence_names=[str(name) for name in sources["source_id"]],
    )


def higgs(hj: Any, folder: Path) -> Any:
    """One stream of 563,069 retweets, mentions and replies, whole seconds."""
    path = folder / "higgs2012" / "events.csv.gz"
    return hj.read_events(path, time="time", mark="kind", unit="second", window=(0, 604_800))


def fitted(hj: Any, model: Any, panel: Any, **settings: Any) -> tuple[Any, dict[str, Any]]:
    begin, cpu = time.perf_counter(), time.process_time()
    found = hj.fit(model, panel, **settings)
    row = {
        "wall_s": time.perf_counter() - begin,
        "cpu_s": time.process_time() - cpu,
        "events": panel.num_events,
        "sequences": panel.num_sequences,
        "log_likelihood": found.log_likelihood,
        "message": found.message,
        "gradient": found.gradient,
    }
    table = found.summary(["alpha", "gamma"])
    print(found.message)
    print(table.to_string(float_format=lambda x: f"{x:.5g}"))
    radius = float(np.abs(np.linalg.eigvals(found.params["alpha"])).max())
    print(
        f"log-likelihood {found.log_likelihood:.2f}, spectral radius {radius:.4f}, "
        f"{row['wall_s']:.1f} s"
    )
    row["spectral_radius"] = radius
    row["estimates"] = table.reset_index().to_dict("records")
    return found, row


def sampled(hj: Any, model: Any, panel: Any, found: Any, given: Any) -> dict[str, Any]:
    import jax

    begin, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        post = hj.sample(
            model,
            panel,
            key=jax.random.key(0),
            init=found,
            num_warmup=given.warmup,
            num_samples=given.draws,
            num_chains=given.chains,
            target_accept=given.target_accept,
            pointwise=None,
            checkpoint=given.checkpoint,
        )
    row = {
        "wall_s": time.perf_counter() - begin,
        "cpu_s": time.process_time() - cpu,
        "diagnostics": post.diagnose(),
        "chain_method": post.info["chain_method"],
    }
    names = [name for name in ("alpha", "gamma") if name in post.posterior]
    table = post.summary(names)
    print("\n".join(post.diagnose()))
    print(table.to_string(float_format=lambda x: f"{x:.5g}"))
    print(f"{row['wall_s']:.1f} s, {row['cpu_s']:.1f} s CPU, {row['chain_method']}")
    row["estimates"] = table.reset_index().to_dict("records")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=["rumours", "higgs", "higgs_cut"])
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--target-accept", type=float, default=0.8)
    parser.add_argument("--checkpoint", default=None)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    folder = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data"))
    results: dict[str, Any] = {}
    if "rumours" in given.cases:
        panel = rumours(hj, folder)
        print(panel)
        _, row = fitted(hj, hj.Hawkes(), panel)
        model = hj.Hawkes(baseline="hierarchical")
        start, other = fitted(hj, model, panel, errors=False)
        results["rumours"] = {
            "fit": row,
            "fit hierarchical": other,
            "sample hierarchical": sampled(hj, model, panel, start, given),
        }
    if {"higgs", "higgs_cut"} & set(given.cases):
        panel = higgs(hj, folder)
        print(panel)
        if "higgs" in given.cases:
            results["higgs"] = {"fit": fitted(hj, hj.Hawkes(), panel)[1]}
        if "higgs_cut" in given.cases:
            cut = panel.between(0, 2 * 86_400)
            print(cut)
            start, row = fitted(hj, hj.Hawkes(), cut)
            results["higgs, first two days"] = {
                "fit": row,
                "sample": sampled(hj, hj.Hawkes(), cut, start, given),
            }
    names = ("warmup", "draws", "chains", "target_accept")
    options = {name: getattr(given, name) for name in names}
    options["device"] = jax.devices()[0].device_kind
    save("real_data", [{"case": name, **row} for name, row in results.items()], options, given.out)


if __name__ == "__main__":
    main()
