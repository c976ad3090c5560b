"""Baselines weighted by recency against gamma-distributed ones, and rankings by them, on real logs.

Run as ``python -m benchmarks.katz_recent``; the data lie in ``$HAWKESJAX_DATA``. Two studies:

- ``likelihood``: on the windows of `katz_real`, each kind of baseline is fitted on the first three
  quarters of the window; `ahead` is the log density of the last quarter given all before it, with
  those parameters, in nats an event. No common factor: it would know what is to come.
- ``ranking``: on the windows of `katz_spikes`, the model is fitted on the later half of what came
  10 bins before the spike, its network made in the earlier half. Posts in the spike of the top by
  its baselines, by posts weighted with its half-life, with the learned one and with 60 bins, and by
  its baselines with its alpha.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import katz_real, katz_spikes, record


def likelihoods(cases: str) -> list[dict[str, Any]]:
    """One row per log, form and kind of baseline."""
    import hawkesjax as hj

    rows = []
    for case in katz_real.CASES:
        path = katz_real.DATA / case.folder / "events.csv.gz"
        name = f"likelihood {case.name}"
        if "in window" in name or not record.wanted(name, cases) or not path.exists():
            continue
        kind = {} if case.kind is None else {"kind": case.kind}
        data = hj.read_messages(
            path, time="time", source="source", target="target", edges=case.edges, bin=case.bin,
            usual=case.usual, fit=case.fit, **kind,
        )  # fmt: skip
        assert data.fit is not None
        first, last = data.fit
        cut = first + 3 * (last - first) // 4
        early = replace(data, fit=(first, cut))
        for form in ("additive", "multiplicative"):
            for baseline in ("integrated", "recent"):
                model = hj.KatzSpike(form=form, baseline=baseline)
                found = hj.fit(model, early)
                whole = float(model.log_likelihood(found.params, data))
                later = slice(*np.searchsorted(data.active_bin, (cut, last)))
                events = len(data.active_bin[later])
                row = {
                    "case": name,
                    "form": form,
                    "baseline": baseline,
                    "result": found.result.value,
                    "ahead": (whole - found.log_likelihood) / events,
                    "events ahead": events,
                }
                for what in found.params:
                    row[what] = float(found.params[what])
                    if what != "alpha_star":
                        row[f"{what}_low"] = float(found.lower[what])
                        row[f"{what}_high"] = float(found.upper[what])
                rows.append(row)
                print(row, flush=True)
    return rows


def rankings(cases: str) -> list[dict[str, Any]]:
    """One row per log: spike posts of the top."""
    import hawkesjax as hj

    rows = []
    for case in katz_spikes.CASES:
        path = katz_spikes.DATA / case.folder / "events.csv.gz"
        name = f"ranking {case.folder}"
        if not record.wanted(name, cases) or not path.exists():
            continue
        frame = pd.read_csv(path)
        frame["time"] /= case.seconds
        activity = katz_spikes.read(frame, case)
        assert activity.spike is not None
        spike, lead = activity.spike, katz_spikes.LEAD
        end = spike[0] - lead
        when = tuple(float(activity.times(bin)) for bin in spike)
        fresh = activity.slide(bins=(0, end), spike=when)
        fit = tuple(float(activity.times(bin)) for bin in (end // 2, end))
        past = activity.slide(bins=(0, end // 2), fit=fit)
        model = hj.KatzSpike(baseline="recent", link="poisson")  # posts are what is ranked by
        found = hj.fit(model, past)
        row = {"case": name, "half_life": float(found.params["half_life"])}
        row |= {f"half_life_{e}": float(getattr(found, e)["half_life"]) for e in ("lower", "upper")}
        row |= {n: float(found.params[n]) for n in ("alpha", "weight", "floor")}
        learned = fresh.recent(lead=lead)
        weighed = {
            "model": model.recent(found, fresh, lead=lead),
            "learned": learned,
            "its half-life": fresh.recent(row["half_life"], lead=lead),
            "60 bins": fresh.recent(60, lead=lead),
        }
        row["learned"] = learned.recency.half_life
        posts = fresh.posts(spike)
        for what, one in weighed.items():
            top = np.argsort(-one.baseline, kind="stable")[: case.top]
            row[f"posts, {what}"] = int(posts[top].sum())
        alpha = min(row["alpha"], 0.9 / hj.katz.radius(fresh).value)
        scores = hj.katz.solve(weighed["model"], alpha=alpha)
        top = np.argsort(-scores, kind="stable")[: case.top]
        row["posts, model with its alpha"] = int(posts[top].sum())
        rows.append(row)
        print(row, flush=True)
    return rows


def main() -> None:
    """Measure, print and keep."""
    given = record.parser(__doc__).parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    warnings.simplefilter("ignore", hj.CircularityWarning)
    warnings.simplefilter("ignore", hj.SaturationWarning)
    rows = likelihoods(given.cases) + rankings(given.cases)
    print(record.save("katz_recent", rows, {"cases": given.cases}, given.out))


if __name__ == "__main__":
    main()
