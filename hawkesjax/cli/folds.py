"""Forecasts of counts with a rolling origin, scored: what commands that evaluate share."""

from __future__ import annotations

from typing import Any

from hawkesjax.cli import options as o
from hawkesjax.cli.groups import group, option
from hawkesjax.cli.job import Job


@group(o.MODEL)
class Folds:
    """The cuts of a rolling origin."""

    first: str = option("30D", "Length of the first training stretch.", "LENGTH")
    step: str = option("15D", "From cut to cut.", "LENGTH")
    scored: str = option("8D", "Length that is scored after each cut.", "LENGTH")
    sliding: bool = option(False, "Train on the last stretch only.")
    draws: int = option(100, "Simulated continuations.", min=1, panel=o.SAMPLING)


def simple_ones(features: bool) -> dict[str, Any]:
    """Forecasters that any other must beat, one of them with the features, where there are some."""
    from hawkesjax.evaluation import forecasters as baselines

    found: dict[str, Any] = {
        "hour-of-week mean": baselines.HourOfWeek(),
        "shrunken calendar": baselines.ShrunkenCalendar(),
        "last value": baselines.LastValue(),
        "constant": baselines.Constant(),
    }
    return found | ({"Poisson regression": baselines.PoissonRegression()} if features else {})


def score(job: Job, counts: Any, forecasters: dict[str, Any], folds: Folds, **data: Any) -> None:
    """Say the scores, and write them with those of each fold; the job's end."""
    result = job.hj.rolling(
        counts,
        forecasters,
        first=folds.first,
        step=folds.step,
        ahead=folds.scored,
        scheme="sliding" if folds.sliding else "expanding",
        **data,
    )
    job.say(str(result))
    result.folds.to_csv(job.out.path("folds.csv"), index=False)
    job.finish(
        result, {"scores": result.summary()}, lambda: {"scores": job.hj.plots.scores(result)}
    )
