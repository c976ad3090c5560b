"""What the Katz spike model says on real logs: is influence there, in which form, out of window?

Run as ``python -m benchmarks.katz_real``; the data lie in ``$HAWKESJAX_DATA``. A log is fitted on
bins after those of its network, additive and multiplicative, with and without a common factor by
volume, baselines integrated out; `gain` is the log-likelihood over the same model without
influence, in all and by event. The case `in window` fits where the network was made, to show what
that inflates.
"""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record

DATA = Path(os.environ.get("HAWKESJAX_DATA", record.RESULTS.parents[2] / "shared" / "data"))
DAY = 86400


@dataclass(frozen=True)
class Case:
    """A log, its network and its fit; times in seconds."""

    name: str
    folder: str
    edges: str | dict[str, str]
    kind: str | None
    bin: float
    usual: tuple[float, float]
    fit: tuple[float, float]


MINUTE, HOUR = 60, 3600
HIGGS = ("higgs2012", "reposts", "kind", MINUTE)
# Who answers or comments has read.
LISTENS = {"a2q": "reposts", "c2q": "reposts", "c2a": "reposts"}
ANSWERS = ("sx_mathoverflow", LISTENS, "kind", 6 * HOUR)
CASES = (
    Case("higgs before the spike", *HIGGS, (0, 4320 * MINUTE), (4320 * MINUTE, 4672 * MINUTE)),
    Case("higgs in the spike", *HIGGS, (0, 4320 * MINUTE), (4672 * MINUTE, 4921 * MINUTE)),
    Case("higgs in window", *HIGGS, (0, 4320 * MINUTE), (0, 4320 * MINUTE)),
    Case("collegemsg", "collegemsg", "messages", None, HOUR, (0, 45 * DAY), (45 * DAY, 75 * DAY)),
    Case("email_eu", "email_eu", "messages", None, HOUR, (0, 120 * DAY), (120 * DAY, 180 * DAY)),
    Case("mathoverflow", *ANSWERS, (0, 365 * DAY), (365 * DAY, 425 * DAY)),
)
MODELS = (
    ("additive", None),
    ("multiplicative", None),
    ("additive", "volume"),
    ("multiplicative", "volume"),
)


def without_influence(model: Any, data: Any, start: dict[str, Any]) -> float:
    """The largest log-likelihood at alpha = 0."""
    import jax
    import jax.numpy as jnp
    from scipy import optimize

    prepared = model.prepare(data)

    @jax.jit
    def loss(x, prepared):
        shape, mean = jnp.exp(x)
        params = {"alpha": jnp.zeros(()), "shape": shape, "mean": mean}
        return -model.log_likelihood(params, prepared) / prepared.num_events

    slope = jax.jit(jax.value_and_grad(loss))
    begin = np.log([float(start["shape"]), float(start["mean"])])
    found = optimize.minimize(
        lambda x: tuple(np.asarray(part) for part in slope(x, prepared)), begin, jac=True
    )
    return -float(found.fun) * float(prepared.num_events)


def main() -> None:
    """Measure, print and keep."""
    given = record.parser(__doc__).parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    rows = []
    for case in CASES:
        path = DATA / case.folder / "events.csv.gz"
        models = [
            (form, factor)
            for form, factor in MODELS
            if record.wanted(f"{case.name} {form} {factor or 'none'}", given.cases)
        ]
        if not models or not path.exists():
            continue
        kind = {} if case.kind is None else {"kind": case.kind}
        data = hj.read_messages(
            path,
            time="time",
            source="source",
            target="target",
            edges=case.edges,
            bin=case.bin,
            usual=case.usual,
            fit=case.fit,
            **kind,
        )
        for form, factor in models:
            begin = time.perf_counter()
            model = hj.KatzSpike(form=form, common_factor=factor)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", hj.CircularityWarning)
                warnings.simplefilter("ignore", hj.SaturationWarning)
                estimate = hj.fit(model, data)
            null = without_influence(model, data, estimate.params)
            prepared = model.prepare(data)
            row = {
                "case": case.name,
                "form": form,
                "factor": factor or "none",
                "users": data.num_users,
                "edges": data.num_edges,
                "bins": case.fit[1] // case.bin - case.fit[0] // case.bin,
                "events": estimate.num_events,
                "unseen": data.unseen_share(data.fit),
                "radius": float(prepared.radius),
                "heard": float(prepared.heard),
                "log_likelihood": estimate.log_likelihood,
                "gain": estimate.log_likelihood - null,
                "result": estimate.result.value,
            }
            for name in estimate.params:
                row[name] = float(estimate.params[name])
                row[f"{name}_low"] = float(estimate.lower[name])
                row[f"{name}_high"] = float(estimate.upper[name])
            rows.append(row)
            star = f", alpha* {row['alpha_star']:.3g}" if "alpha_star" in row else ""
            row["seconds"] = time.perf_counter() - begin
            print(
                f"{case.name}: {form}, factor {row['factor']}: alpha {row['alpha']:.3g} "
                f"[{row['alpha_low']:.3g}, {row['alpha_high']:.3g}]{star}, shape "
                f"{row['shape']:.3g}, gain {row['gain']:.1f} "
                f"({row['gain'] / row['events']:.4f} nats an event), log-likelihood "
                f"{row['log_likelihood']:.1f} ({row['events']:,} events of {row['users']:,} users, "
                f"{100 * row['unseen']:.0f} % of posts by unseen users; {row['result']} "
                f"after {row['seconds']:.0f} s)",
                flush=True,
            )
            record.save("katz_real", rows, vars(given), given.out)


if __name__ == "__main__":
    main()
