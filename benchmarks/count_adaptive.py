"""What else was tried for the intervals of hourly mentions of companies, and did not hold 80 %.

Run as ``python -m benchmarks.count_adaptive``; series and cuts as in `benchmarks.count_intervals`.

- `adaptive`: the level asked for moves by `step` times what the stretches of 8 days that were
  forecast before, a day apart, held too little (Gibbs and Candes 2021, Adaptive conformal inference
  under distribution shift, NeurIPS; feedback once a stretch is over). A step of 0: no calibration;
- `level`: the variance of the log ratio of counts to means of those stretches, times `step` and
  with `prior` stretches of a standard deviation of 0.1, is added to the negative binomial's.

Means and sizes are those of `LocalCalendar`. Early cuts (days 14 to 22) are not scored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import record
from benchmarks.count_intervals import AHEAD, DAY, Series, below
from benchmarks.news_counts import mentions
from hawkesjax.evaluation import local
from hawkesjax.evaluation.past import Past

STEPS, LEVELS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5), ((1, 1), (1, 4), (2, 4))
Stretch = tuple[np.ndarray, float, np.ndarray]


def stretch(series: Series, cut: int) -> Stretch:
    """Means and size of the 8 days after a cut, and what came."""
    end = cut + AHEAD
    past = Past(
        series.counts[:cut], series.index[:cut], series.index[cut:end],
        series.features[:cut], series.features[cut:end],
    )  # fmt: skip
    means, own, ahead = local.LocalCalendar().means(past)
    weights = np.exp2(-local.ages_of(past) / local.LocalCalendar().local_half_life)
    size = local.likely_size(past.counts, own, means, weights)
    return means[ahead], size, series.counts[cut:end]


def held(told: Stretch, level: float) -> float:
    """The share that intervals of a level hold."""
    means, size, seen = told
    low, high = below(seen, means, size), below(seen + 1, means, size)
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    part = np.clip((ends[:, None] - low) / np.maximum(high - low, 1e-12), 0, 1).mean(axis=1)
    return float(part[1] - part[0])


def tried(told: Stretch, past: list[Stretch]) -> dict[str, float]:
    """What 80 % intervals hold, by rule."""
    found = {}
    for step in STEPS:
        level = 0.8
        for one in past:
            level = float(np.clip(level + step * (0.8 - held(one, level)), 0.3, 0.995))
        found[f"adaptive, step {step:g}"] = held(told, level)
    ratios = np.array([np.log((seen.sum() + 0.5) / means.sum()) for means, _, seen in past])
    means, size, seen = told
    for step, prior in LEVELS:
        variance = step * (np.sum(ratios**2) + prior * 0.01) / (len(ratios) + prior)
        wider = 1 / (1 / size + np.expm1(variance))
        found[f"level, step {step}, prior {prior}"] = held((means, wider, seen), 0.8)
    return found


def main() -> None:
    """Measure, print and keep."""
    given = record.parser(__doc__).parse_args()
    folder = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data")) / "nab_twitter_volume"
    rows: list[dict[str, Any]] = []
    for name, one in mentions(folder).items():
        series = Series(one.counts, one.index, np.zeros((one.num_bins, 0)))
        known: dict[int, Stretch] = {}
        for kind in ("early", "cuts", "usual"):
            parts = []
            for cut in getattr(series, kind):
                begins = range((cut - AHEAD) % DAY + 14 * DAY, cut - AHEAD + 1, DAY)
                for begin in (*begins, cut):
                    if begin not in known:
                        known[begin] = stretch(series, begin)
                parts.append(tried(known[cut], [known[begin] for begin in begins]))
            for rule, share in pd.DataFrame(parts).mean().items():
                rows.append({"series": name, "cuts": kind, "rule": rule, "held 80 %": share})
    frame: Any = pd.DataFrame(rows)
    for kind, part in frame.groupby("cuts", sort=False):
        shown = 100 * part.pivot(index="rule", columns="series", values="held 80 %")
        shown["off"] = (shown - 80).abs().mean(axis=1)
        print(f"\n{kind}\n{shown.round(1).to_string()}")
    print(record.save("count_adaptive", rows, {}, given.out))


if __name__ == "__main__":
    main()
