"""Who is active in a spike: posts as usual, fresh posts, and the network, on four real logs.

Run as ``python -m benchmarks.katz_spikes``; the data lie in ``$HAWKESJAX_DATA``. Each log's usual
window and spike are those of ``notebooks/katz.py``, and stay as they are. Rows of a log:

- `usual`: baselines are posts in the usual window;
- `fresh`: the usual window reaches up to 10 bins before the spike, and so do users and edges;
- `fresh 12`: the same up to 12 bins before it;
- `decayed`: as `fresh`, posts weighted by 2^(-age / 60 bins);
- `learned`: as `fresh`, weighted with a half-life learned on the bins before those 10;
- `known`: posts weighted with a half-life of 60 bins up to 10 bins before the spike, users and
  edges those of the usual window;
- `farm`, `farm, by component` (Higgs alone): as `usual`, with 60 accounts that repost each other
  once, and with alpha* by component.

alpha* is 0, 0.1 and 0.4 in all of them, chosen beforehand; `network` is the network's posts at
alpha* less those at 0. Then the rankings without a model, and rolling pseudo-spikes of the past,
with what the network brought there; last the share of posts by users unseen before, in the spike
and in rolling windows of the whole log, a fortieth of it each. Nothing is tuned on a spike.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import record

DATA = Path(os.environ.get("HAWKESJAX_DATA", record.RESULTS.parents[2] / "shared" / "data"))
STARS = (0.1, 0.4)
HALF_LIFE, LEAD = 60, 10


@dataclass(frozen=True)
class Case:
    """A log and its windows; times in hours, for Higgs in minutes."""

    folder: str
    edges: Any
    kind: str | None
    seconds: float
    bin: float
    usual: float
    top: int
    block: int


LISTENS = {"a2q": "reposts", "c2q": "reposts", "c2a": "reposts"}  # who answers has read
CASES = (
    Case("higgs2012", "reposts", "kind", 60, 1, 4320, 100, 5),
    Case("collegemsg", "messages", None, 3600, 1, 20 * 24, 20, 1),
    Case("email_eu", "messages", None, 3600, 6, 100 * 24, 20, 1),
    Case("sx_mathoverflow", LISTENS, "kind", 3600, 24, 365 * 24, 20, 7),
)


def read(frame: pd.DataFrame, case: Case) -> Any:
    """The activity of a log, with its usual window and the spike found from the volume."""
    import hawkesjax as hj

    return hj.Activity.from_messages(
        frame, time="time", source="source", target="target", kind=case.kind, bin=case.bin,
        usual=(0, case.usual), edges=case.edges, spike="detect",
    )  # fmt: skip


def farm(size: int = 60) -> pd.DataFrame:
    """Accounts that all repost each other, in the first moment of the log."""
    pairs = [(-i, -j) for i in range(1, size + 1) for j in range(1, size + 1) if i != j]
    frame = pd.DataFrame(pairs, columns=["source", "target"]) + 10**9
    return frame.assign(time=0.0, kind="RT")


def unseen(activity: Any, length: int, common: dict[str, Any]) -> list[dict[str, Any]]:
    """Forecasts of the newcomers' share of the spike's first bins, and how often intervals held."""
    import hawkesjax as hj

    def share(begin: int, size: int) -> float:
        """What came, seen from the window that follows it."""
        later = hj.katz.newcomers(activity, length=size, until=begin + size).table
        return float(later["share"].get(begin, np.nan))

    first = activity.spike[0]
    one = hj.katz.newcomers(activity, length=length)
    at_spike = {"share": one.share, "lower": one.lower, "upper": one.upper}
    came = share(first, length)
    rows = [common | {"ranking": "newcomers", "length": length, **at_spike, "came": came}]
    print(f"{one}; {100 * came:.1f} came")
    size, held = activity.num_bins // 40, {0.8: [], 0.95: []}
    for begin in range(14 * size, 39 * size, size):
        true = share(begin, size)
        if np.isfinite(true):  # a window without posts has no share
            for level, inside in held.items():
                found = hj.katz.newcomers(activity, length=size, until=begin, level=level)
                inside.append(found.lower <= true <= found.upper)
    holds = {f"holds_{level}": float(np.mean(inside)) for level, inside in held.items()}
    rows.append(common | {"ranking": "newcomers, rolling", "windows": len(held[0.8]), **holds})
    print(f"newcomers, {len(held[0.8])} rolling windows: {holds}", flush=True)
    return rows


def main() -> None:
    """Measure, print and keep."""
    given = record.parser(__doc__).parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    warnings.simplefilter("ignore", hj.katz.KatzWarning)  # few blocks; the rows count them
    rows: list[dict[str, Any]] = []
    key = jax.random.key(2012)
    for case in CASES:
        path = DATA / case.folder / "events.csv.gz"
        if not record.wanted(case.folder, given.cases) or not path.exists():
            continue
        frame = pd.read_csv(path)
        frame["time"] /= case.seconds
        activity = read(frame, case)
        assert activity.spike is not None and activity.network is not None
        first, last = activity.spike
        spike = (activity.times(first), activity.times(last))
        fresh, sooner = (activity.slide(bins=(0, first - n), spike=spike) for n in (LEAD, 12))
        forms = {
            "usual": activity,
            "fresh": fresh,
            "fresh 12": sooner,
            "decayed": fresh.recent(HALF_LIFE, lead=LEAD),
            "learned": fresh.recent(lead=LEAD),
            "known": activity.recent(HALF_LIFE, lead=LEAD),
        }
        if case.folder == "higgs2012":
            farmed = pd.concat([farm(), frame])
            forms["farm"] = read(farmed, case)
            forms["farm, by component"] = hj.katz.by_component(forms["farm"])
        options = {"key": key, "top": case.top, "alpha_star": STARS, "block": case.block}
        scored = {name: hj.katz.evaluate(one, placebos=0, **options) for name, one in forms.items()}
        common = {
            "log": case.folder, "top": case.top, "spike": [first, last],
            "usual_ends": activity.network[1], "posts": scored["usual"].posts,
        }  # fmt: skip
        for name, found in scored.items():
            recency = forms[name].recency
            row = common | {
                "ranking": name,
                "users": forms[name].num_users,
                "radius": found.radius,
                "half_life": None if recency is None else recency.half_life,
                "activity_0": found.table["activity"].iloc[0],
                "most_possible": found.oracle,
                "unseen": found.unseen_share,
            }
            for star in STARS:
                line = found.table.loc[star]
                row |= {
                    f"activity_{star}": line["activity"],
                    f"network_{star}": [line["change"], line["lower"], line["upper"]],
                }
            rows.append(row)
            said = ", ".join(
                "{} at {}: {:,.0f} ({:+,.1f} [{:+,.0f}, {:+,.0f}])".format(
                    "network", star, row[f"activity_{star}"], *row[f"network_{star}"]
                )
                for star in STARS
            )
            age = "" if recency is None else f" (half-life {recency.half_life:g} bins)"
            print(f"{case.folder}: {name}{age}: {row['activity_0']:,.1f}, {said}", flush=True)
        simple = scored["learned"].comparison
        for ranking, line in simple.iterrows():
            rows.append(common | {"ranking": f"simple: {ranking}", **line.to_dict()})
        print(simple[["activity", "change", "lower", "upper", "ndcg"]].round(3).to_string())
        past = hj.katz.backtest(
            activity, key=key, top=case.top, alpha_star=STARS, lead=LEAD,
            length=min(last - first, first // 20),
        )  # fmt: skip
        print(past, flush=True)
        for ranking, line in past.summary.iterrows():
            rows.append(common | {"ranking": f"past: {ranking}", **line.to_dict()})
        rows += unseen(activity, min(last - first, first // 20), common)
        record.save("katz_spikes", rows, vars(given), given.out)


if __name__ == "__main__":
    main()
