"""What holes, rounded times and no effect at all do to estimates, over simulated panels.

Run as ``python -m benchmarks.records``; ``--cases gaps`` runs one study alone, ``--replicates 20``
is a trial.

Cases:

- ``gaps``: two gaps of a tenth of the window each. Declared (unseen parents count as none),
  declared with the mean excitation of unseen parents added (a NumPy likelihood here), and not
  declared; for memories short and long beside a gap.
- ``rounded``: times known to a step. Declared, not declared, and exact times beside them; for
  half-lives from a tenth to five times the step.
- ``groups``: two groups of three sequences with an alpha of 0.5 and of 0.25, and one panel whose
  alpha changes so at half of its window; alpha of each, and their ratio.
- ``effects``: the score tests on panels without any effect (how many are called one at 5 %), and
  on panels with one effect of a given size.
- ``drift``: the test of a baseline that changes, on panels whose baseline does not (of one mark; of
  two marks in three sequences that excite each other; with a rhythm of the day as a covariate), and
  on panels whose immigrants fall or rise; how many have p below 0.3, 1 and 5 %, and how many a
  forecast warns of (p below 0.3 % and residual counts of the last fifth off by 1.5 standard
  deviations).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_ENABLE_X64", "1")

import numpy as np

from benchmarks import record

record.pin()

import jax  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import optimize  # noqa: E402

import hawkesjax as hj  # noqa: E402

GAPS = ((60.0, 90.0), (180.0, 210.0))
END = 300.0
TRUTH = {"mu": [1.0], "alpha": [[0.5]]}
MEMORIES = {"half-life 0.35": 2.0, "half-life 7": 0.1}
STEPS = (0.1, 1.0, 5.0)  # half-lives, in steps of the times
SIZES = (0.1, 0.2, 0.3)
GROUPS = (0.5, 0.25)


def mean_excitation(panel: Any) -> float:
    """alpha by a likelihood in which gaps excite by their mean rate, for one mark and sequence."""
    times, gaps = np.asarray(panel.times), list(zip(panel.gaps.start, panel.gaps.end, strict=True))
    rate = panel.num_events / float(panel.observed[0])
    ends = sorted([(0.0, gaps[0][0]), (gaps[0][1], gaps[1][0]), (gaps[1][1], END)])

    def loss(point: np.ndarray) -> float:
        mu, alpha, gamma = np.exp(point)
        state, last, total = 0.0, 0.0, 0.0
        extra = np.zeros(len(times))
        for low, high in gaps:
            later = times >= high
            extra[later] += rate * (
                np.exp(-gamma * (times[later] - high)) - np.exp(-gamma * (times[later] - low))
            )
        for n, t in enumerate(times):
            state *= np.exp(-gamma * (t - last))
            total += np.log(mu + alpha * (gamma * state + extra[n]))
            state, last = state + 1, t
        for low, high in ends:
            before = times[times < high]
            begin = np.maximum(before, low)
            seen = np.exp(-gamma * (begin - before)) - np.exp(-gamma * (high - before))
            total -= mu * (high - low) + alpha * seen.sum()
            for a, b in gaps:
                if b <= low:
                    parts = [np.exp(-gamma * (x - y)) for x in (low, high) for y in (b, a)]
                    total -= alpha * rate / gamma * (parts[0] - parts[1] - parts[2] + parts[3])
        return -total

    start = np.log([0.5 * rate, 0.5, 1.0])
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-4})
    return float(np.exp(found.x[1]))


def gaps(count: int) -> list[dict[str, Any]]:
    """Mean error of alpha, its spread, and how often 95 % intervals hold it."""
    rows = []
    for memory, gamma in MEMORIES.items():
        model, truth = hj.Hawkes(), TRUTH | {"gamma": [[gamma]]}
        found: dict[str, list[Any]] = {"declared": [], "mean added": [], "not declared": []}
        for number in range(count):
            panel = hj.simulate(
                model, truth, window=(0, END), gaps=list(GAPS), key=jax.random.key(number)
            )
            found["declared"].append(_alpha(hj.fit(model, panel)))
            found["mean added"].append((mean_excitation(panel), np.nan, np.nan))
            whole = hj.EventPanel.from_arrays(panel.times, panel.marks, window=(0, END))
            found["not declared"].append(_alpha(hj.fit(model, whole)))
        rows += [_row(f"gaps, {memory}", what, values) for what, values in found.items()]
    return rows


def rounded(count: int) -> list[dict[str, Any]]:
    """The same of rounded times."""
    rows = []
    for half in STEPS:
        model, truth = hj.Hawkes(), TRUTH | {"gamma": [[np.log(2) / half]]}
        found: dict[str, list[Any]] = {"declared": [], "not declared": [], "exact times": []}
        for number in range(count):
            exact = hj.simulate(model, truth, window=(0, END), key=jax.random.key(number))
            steps = np.floor(np.asarray(exact.times))
            for what, step in (("declared", 1.0), ("not declared", None)):
                panel = hj.EventPanel.from_arrays(
                    steps, exact.marks, window=(0, END), resolution=step
                )
                found[what].append(_alpha(hj.fit(model, panel)))
            found["exact times"].append(_alpha(hj.fit(model, exact)))
        rows += [_row(f"rounded, half-life {half:g}", w, values) for w, values in found.items()]
    return rows


def groups(count: int) -> list[dict[str, Any]]:
    """The same of the effects of groups and periods."""
    names, end = [f"user {k}" for k in range(6)], 120.0
    gangs = pd.DataFrame({"gang": ["a", "a", "a", "b", "b", "b"]}, index=names)
    table = pd.DataFrame({"start": [end / 2], "end": [end], "when": ["after"]})
    where = {"start": "start", "end": "end", "kind": "when", "window": (0, end)}
    after = hj.Covariates.intervals(table, **where)
    rows = []
    for case, given in {"groups": gangs, "periods": after}.items():
        model = hj.Hawkes(decay="shared", alpha_effects=given)
        effect = [[[float(np.log(GROUPS[1] / GROUPS[0]))]]]
        truth = {"mu": [0.5], "alpha": [[GROUPS[0]]], "gamma": 1.0, "alpha_effect": effect}
        found: dict[str, list[Any]] = {"alpha of the first": [], "of the second": [], "ratio": []}
        for number in range(count):
            key = jax.random.key(number)
            panel = hj.simulate(model, truth, window=(0, end), sequence_names=names, key=key)
            fit = hj.fit(model, panel)
            parts = fit.params, fit.lower, fit.upper
            for place, what in enumerate(("alpha of the first", "of the second")):
                found[what].append(tuple(float(p["alpha_group"][place, 0, 0]) for p in parts))
            found["ratio"].append(tuple(float(np.exp(p["alpha_effect"].item())) for p in parts))
        for (what, values), right in zip(found.items(), (*GROUPS, 0.5), strict=True):
            rows.append(_row(case, what, values, right))
    return rows


def effects(count: int) -> list[dict[str, Any]]:
    """How many effects are called one at 5 %, each and together."""
    model, rows = hj.Hawkes(decay="shared"), []
    for size in (0.0, *SIZES):
        called = []
        for number in range(count if size == 0 else count // 5):
            truth = {"mu": [1.0, 1.0], "alpha": [[0.0, size], [0.0, 0.0]], "gamma": 1.0}
            panel = hj.simulate(model, truth, window=(0, 150), key=jax.random.key(number))
            values = {"mu": panel.counts / 150, "alpha": np.full((2, 2), 1e-6), "gamma": 1.0}
            if size:
                values = hj.fit(model, panel, errors=False)
            p = hj.effect_tests(values, panel, model=model)["p"].to_numpy()
            called.append(p < 0.05)
        share = np.mean(called, axis=0)
        names = ("any", "0 -> 0", "1 -> 0", "0 -> 1", "1 -> 1")
        rows.append(
            {"case": f"effects, 1 -> 0 of {size:g}", "panels": len(called)}
            | dict(zip(names, share.tolist(), strict=True))
        )
        print(rows[-1], flush=True)
    return rows


def drift(count: int) -> list[dict[str, Any]]:
    """How many panels without and with a trend are said to have one."""
    from hawkesjax.hawkes.drift import DOUBT, LOOK

    end, rows = 150.0, []
    one = {"mu": [1.0], "alpha": [[0.5]], "gamma": [[1.0]]}
    two = {"mu": [0.3, 0.2], "alpha": [[0.3, 0.1], [0.2, 0.3]], "gamma": 1.0}
    hours = hj.Covariates(
        np.arange(0.0, end + 1, 6.0), np.sin(np.arange(25) * np.pi / 2)[:, None], ("rhythm",)
    )
    kinds: dict[str, tuple[Any, Any, int]] = {
        "one mark": (hj.Hawkes(), one, 1),
        "two marks, three sequences": (hj.Hawkes(decay="shared", baseline="shared"), two, 3),
        "with a covariate": (hj.Hawkes(covariates=hours), one | {"beta": [[0.5]]}, 1),
    }
    plans = [(kind, 0.0, (3 if kind == "one mark" else 1) * count) for kind in kinds]
    plans += [("one mark", slope, count // 3) for slope in (-3.0, -2.0, -1.0, 1.0)]
    for kind, slope, panels in plans:
        model, truth, sequences = kinds[kind]
        names, found = [f"user {k}" for k in range(sequences)], []
        for number in range(panels):
            key = jax.random.key(number)
            if slope:  # as many immigrants in all
                level = slope / np.expm1(slope)
                given = truth | {"mu": np.multiply(truth["mu"], level), "beta": [[slope]]}
                empty = hj.EventPanel.from_lists([([],)], window=(0, end), mark_names=["0"])
                trended = hj.with_trend(model, empty)
                panel = hj.simulate(trended, given, window=(0, end), key=key)
            else:
                panel = hj.simulate(model, truth, window=(0, end), sequence_names=names, key=key)
            told = hj.drift(model, hj.fit(model, panel, errors=False), panel)
            found.append((told.p, abs(told.z)))
        p, z = np.array(found).T
        shares = {f"p below {100 * x:g} %": float(np.mean(p < x)) for x in (0.003, 0.01, 0.05)}
        rows.append(
            {"case": f"drift, {kind}", "baseline changes": float(np.exp(slope)), "panels": panels}
            | shares
            | {"warned of": float(np.mean((p < DOUBT) & (z >= LOOK)))}
        )
        print(rows[-1], flush=True)
    return rows


def _alpha(found: Any) -> tuple[float, float, float]:
    return tuple(
        float(np.squeeze(part["alpha"])) for part in (found.params, found.lower, found.upper)
    )


def _row(case: str, what: str, values: list[Any], right: float = 0.5) -> dict[str, Any]:
    alpha, low, high = np.array(values).T
    known = np.isfinite(low)
    held = np.mean((low <= right) & (high >= right), where=known) if known.any() else np.nan
    row = {
        "case": case,
        "what": what,
        "panels": len(alpha),
        "median of alpha": float(np.median(alpha)),
        "bias": float(np.mean(np.minimum(alpha, 10)) - right),
        "sd": float(np.std(np.minimum(alpha, 10))),
        "intervals": int(known.sum()),
        "held": float(held),
    }
    print(row, flush=True)
    return row


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--replicates", type=int, default=200)
    given = options.parse_args()
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    studies = {
        "gaps": (gaps, 1),
        "rounded": (rounded, 1),
        "groups": (groups, 1),
        "effects": (effects, 5),
        "drift": (drift, 2),
    }
    rows: list[dict[str, Any]] = []
    for name, (study, times) in studies.items():
        if record.wanted(name, given.cases):
            rows += study(times * given.replicates)
            stem = "_".join(["records", *filter(None, given.cases.split(","))])
            print(record.save(stem, rows, used, Path(given.out)))  # what is done is kept


if __name__ == "__main__":
    main()
