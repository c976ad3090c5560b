"""demo, fit and sample of the Hawkes model."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from hawkesjax.cli import options as o
from hawkesjax.cli import report
from hawkesjax.cli.covariates import Course, Covariates
from hawkesjax.cli.events import Events, groups_of
from hawkesjax.cli.groups import command, group, option, without
from hawkesjax.cli.job import ESTIMATE, POSTERIOR, Job
from hawkesjax.cli.known import Known
from hawkesjax.cli.words import here

EVENTS = "events.csv"
TABLES = ["parameters", "effects", "residuals", "describe", "rate_ratios"]
EFFECTS = ["spillover", "decay", "baseline", "shares", "bayes_factors", "groups"]
EFFECTS += ["attribution", "causes"]
PICTURES = ["parameters", "intensity", "residuals", "network", "kernels"]
MOST = 8  # marks up to which effects are tested
KERNELS = "exponential, exponentials:2 (or more terms), rising:3 (or another ratio), power-law"


def _kernel(text: str) -> Callable[[Any], Any]:
    """The function that makes the requested kernel."""
    name, _, size = text.partition(":")
    if name == "exponentials" and (not size or size.isdecimal()):
        return lambda hj: hj.SumOfExponentials(int(size or 2))
    if name == "rising" and (not size or re.fullmatch(r"\d+(\.\d+)?", size)):
        return lambda hj: hj.RisingExponential(float(size or 3))
    known = {"exponential": lambda hj: "exponential", "power-law": lambda hj: hj.PowerLaw()}
    if text not in known:
        raise typer.BadParameter(f"{text!r} is not a kernel; there are {KERNELS}.")
    return known[text]


@group(o.MODEL)
class HawkesModel:
    """The model, how it is fitted, and how far it forecasts."""

    decay: Literal["pair", "source", "shared"] = option(
        "pair", "Decay rates learned by pair, by source, or one."
    )
    gamma: float | None = option(
        None, "A known decay rate of all pairs, 1 / unit of time, instead of learned ones.", "RATE"
    )
    baseline: Literal["sequence", "shared", "hierarchical"] = option(
        "sequence", "Baselines by sequence and kind, shared, or hierarchical."
    )
    kernel: Any = option(
        "exponential", f"Memory of the effects: {KERNELS}.", "NAME", parser=_kernel
    )
    scale: Literal["exponential", "power"] = option(
        "exponential", "Effects grow with exp(kappa size), or with size to the power kappa."
    )
    groups: Path | None = option(
        None,
        "CSV of features of sequences: their names in the column of --sequence, and columns on "
        "which the effects of their events may depend: text as groups, numbers log-linearly.",
    )
    group_decays: bool = option(
        False, "Let the decay rates depend on the columns of --groups, too."
    )
    pooled: bool = option(
        False, "Partially pool the groups of --groups, one column of text (sample only)."
    )
    lag: Any = option(
        0.0,
        'Time from an event to the start of its effect, in the unit of time; or "learned".',
        "LENGTH",
        parser=o.number_or_text,
    )
    link: Literal["identity", "rectified", "softplus"] = option(
        "identity", "rectified, softplus: effects may inhibit, and the rate stays 0 or more."
    )
    priors: Literal["default", "o2o"] = option("default", "Priors by name.")
    stationary: bool = option(False, "Restrict alpha to spectral radius below one.")
    starts: int = option(1, "Starting points of the search.", min=1)
    ahead: float | None = option(
        None,
        "Also forecast the counts of this long after the windows, in the unit of time: "
        "forecast.csv, forecast_steps.csv.",
        "LENGTH",
    )

    @property
    def forecasts(self) -> list[str]:
        """Files of the forecast."""
        return [] if self.ahead is None else ["forecast.csv", "forecast_steps.csv"]

    @property
    def forecast_pictures(self) -> list[str]:
        """Pictures of the forecast."""
        return [] if self.ahead is None else ["forecast", "fan"]

    def build(self, hj: Any, features: Any, events: Events) -> Any:
        """The model, with covariates or None."""
        names = ("decay", "gamma", "link", "baseline", "priors", "stationary", "lag", "pooled")
        given = {name: getattr(self, name) for name in names}
        if events.magnitude is not None:
            given["magnitude"] = self.scale
        if self.pooled and self.groups is None:
            raise ValueError("--pooled pools groups: name them with --groups.")
        if self.group_decays and self.groups is None:
            raise ValueError("--group-decays needs groups: name them with --groups.")
        if self.group_decays and self.pooled:
            raise ValueError("--group-decays and --pooled exclude each other.")
        if self.group_decays and self.gamma is not None:
            raise ValueError(
                "--group-decays needs decay rates that are learned: leave --gamma out."
            )
        if self.groups is not None:
            given["gamma_effects"] = self.group_decays
            given["alpha_effects"] = groups_of(self.groups, events.sequence, events.dialect())
        if features is not None:
            # A level shared by all is the covariates' own intercept.
            given["baseline" if self.baseline == "shared" else "covariates"] = features
        return hj.Hawkes(kernel=self.kernel(hj), **given)


@group(o.DATA)
class Simulated:
    """The size of the demo."""

    users: int = option(10, "Simulated users.", min=1)
    days: float = option(200.0, "Days of observation.", min=1)
    quick: bool = option(False, "Few users, short chains: a quick check that everything works.")


@command
def demo(
    context: typer.Context,
    size: Simulated,
    sampling: Annotated[o.Sampling, without("target_accept", "checkpoint", warmup=300, draws=500)],
    run: Annotated[o.Run, without("pictures", "format")],
) -> None:
    """The main job on simulated events whose true parameters are known.

    Simulates users who act online and offline, fits by maximum likelihood, samples the posterior,
    and compares the estimates with the truth. Takes about a minute. Run in a terminal without any
    option, it asks for the number of users and days.

    ```
    hawkesjax demo
    hawkesjax demo --users 20 --days 100 --seed 7 --out my-demo
    ```
    """
    users, days = size.users, size.days
    if _bare(context) and sys.stdin.isatty() and sys.stdout.isatty():
        users = typer.prompt("How many users", default=users, type=int)
        days = typer.prompt("Over how many days", default=days, type=float)
        if users < 1 or not 1 <= days < float("inf"):
            raise ValueError(f"{users} users over {days:g} days: at least 1 of each is needed.")
    if size.quick:
        users, days = min(users, 4), min(days, 60.0)
        sampling = dataclasses.replace(sampling, chains=2, warmup=150, draws=150)
    names, tables, pictures = [EVENTS, ESTIMATE, POSTERIOR], TABLES + EFFECTS, [*PICTURES, "trace"]
    job = Job("hawkesjax-demo", run, names, tables, pictures, sampling.chains)
    panel, truth = job.hj.datasets.spillover(key=job.keys[0], users=users, days=days)
    job.say(f"Simulated {users} users over {days:g} days with known parameters (seed {run.seed}):")
    job.say(report.panel_line(panel))
    panel.to_dataframe().to_csv(job.out.path(EVENTS), index=False)
    _finish(job, job.sample(job.hj.Hawkes(), panel, sampling), panel, truth=truth)


def _bare(context: typer.Context) -> bool:
    """Whether the command was typed without any option."""
    sources = (context.get_parameter_source(name) for name in context.params)
    return all(source is None or source.name == "DEFAULT" for source in sources)


@command
def fit(
    events: Events,
    model: HawkesModel,
    known: Known,
    covariates: Covariates,
    course: Course,
    run: o.Run,
) -> None:
    """Maximum likelihood, with standard errors and 95 % intervals.

    Prints the table and writes estimate.json and pictures. The exit code is 1 if the search did
    not converge; everything is written all the same. The priors matter only through their
    supports, and through the spread of a hierarchical baseline.

    ```
    hawkesjax fit events.csv --time day --mark kind --sequence gang --window 0 365 --unit day
    hawkesjax fit calls.parquet --time at --timezone Europe/London --unit hour --csv tables
    hawkesjax fit events.csv --time day --sequence gang --windows gangs.csv --csv tables
    hawkesjax fit calls.csv --time at --unit hour --feature day --feature hour --kernel power-law
    hawkesjax fit events.csv --time day --mark kind --fixed "alpha[offline,online]=0" --tied gamma
    ```
    """
    names, pictures = [ESTIMATE, *model.forecasts], PICTURES + model.forecast_pictures
    job = Job("hawkesjax-fit", run, names, TABLES, pictures)
    law, panel = _read(job, events, model, known, covariates, course)
    _finish(job, job.fit(law, panel, model.starts), panel, model.ahead)


@command
def sample(
    events: Events,
    model: HawkesModel,
    known: Known,
    covariates: Covariates,
    course: Course,
    sampling: o.Sampling,
    run: o.Run,
) -> None:
    """The posterior by NUTS, started from the maximum of the likelihood.

    Prints the table and the diagnostics, and writes posterior.nc (read by hawkesjax.load and
    ArviZ) and pictures. With --checkpoint, the same command continues an interrupted run;
    Ctrl-C keeps the finished draws. Warnings of the diagnostics leave the exit code 0.

    ```
    hawkesjax sample events.csv --time day --mark kind --sequence gang --chains 4 --seed 1
    hawkesjax sample events.csv --time day --warmup 1000 --draws 2000 --checkpoint state
    hawkesjax sample events.csv --time day --baseline hierarchical --covariates weather.csv \\
        --kernel exponentials:2 --ahead 7 --csv tables
    ```
    """
    names = [POSTERIOR, *model.forecasts]
    pictures = [*PICTURES, "trace", *model.forecast_pictures]
    job = Job("hawkesjax-sample", run, names, TABLES + EFFECTS, pictures, sampling.chains)
    law, panel = _read(job, events, model, known, covariates, course)
    posterior = job.sample(law, panel, sampling, model.starts)
    _finish(job, posterior, panel, model.ahead)


@group(o.MODEL)
class HeldOut:
    """What is held out."""

    cut: str = option(..., "Where the past ends: later events are held out.", "MOMENT")
    horizon: float | None = option(
        None, "Length of the held-out stretch; to the windows' end by default.", "LENGTH"
    )
    level: float = option(0.95, "Level of the intervals of counts.", "P")
    draws: int = option(400, "Simulated continuations.", min=1, panel=o.SAMPLING)


@command
def evaluate(
    events: Events,
    held: HeldOut,
    model: Annotated[HawkesModel, without("ahead")],
    known: Known,
    covariates: Covariates,
    course: Course,
    run: Annotated[o.Run, without("csv", "pictures", "format")],
) -> None:
    """How well does the past predict what came after it? A fit to one part, scored on the rest.

    The model is fitted to what came before --cut, and scored on what came after: log predictive
    density of the held-out events, counts with their intervals, compared with Poisson processes of
    constant rate learned from the same past. Writes scores.csv, counts.csv and estimate.json,
    the fit to the past. The windows must extend beyond the cut; --until removes the end of a file.

    ```
    hawkesjax evaluate events.csv --time day --mark kind --window 0 365 --cut 300 --unit day
    hawkesjax evaluate calls.csv --time at --unit hour --cut 2024-05-20 --horizon 48
    ```
    """
    job = Job("hawkesjax-evaluate", run, [ESTIMATE, "scores.csv", "counts.csv"])
    law, panel = _read(job, events, model, known, covariates, course, held)
    cut = o.number_or_text(held.cut)
    past = panel.between(float(panel.start.min()), cut)
    job.say(f"Before the cut: {report.panel_line(past)}")
    estimate = job.fit(law, past, model.starts)
    result = job.hj.evaluate(
        estimate.model, estimate, panel, cut=cut, key=job.keys[0], horizon=held.horizon,
        level=held.level, draws=held.draws,
    )  # fmt: skip
    job.say(str(result))
    best = result.scores["log_score"].idxmax()
    if best != result.scores.index[0]:
        job.say(f"{best} predicts the held-out events better than the model.")
    job.finish(estimate, {"scores": result.scores, "counts": result.counts})


def _read(
    job: Job,
    events: Events,
    model: HawkesModel,
    known: Known,
    covariates: Covariates,
    course: Course,
    held: HeldOut | None = None,
) -> tuple[Any, Any]:
    """The model and the events, with a line on what was read; covariates and an exposure extend
    as far as the forecast. A trend is chosen on what was not held out."""
    panel = events.read(job.hj)
    job.say(report.panel_line(panel))
    ahead = model.ahead or 0.0
    if model.ahead is not None and not (np.isfinite(ahead) and ahead > 0):
        raise ValueError(f"--ahead is {ahead:g}; it must be positive.")
    if ahead and len(panel.exposure):  # checked before the fit, as for covariates
        panel.exposure.known(panel.duration, np.full(panel.num_sequences, ahead), panel)
    window = float(panel.window[:, 0].min()), float(panel.window[:, 1].max()) + ahead
    features = covariates.read(job.hj, panel, window, events)
    if features is not None:
        job.say(str(features))
    law = model.build(job.hj, features, events)
    if held is None:
        law = course.of(job.hj, law, panel, model.ahead, job.say)
    else:
        past = panel.between(float(panel.start.min()), o.number_or_text(held.cut))
        until = min(float(panel.window[:, 1].max()), float(past.window[:, 1].max()) + (
            np.inf if held.horizon is None else held.horizon
        ))  # fmt: skip
        rest = until - float(past.window[:, 1].max())
        law = course.of(job.hj, law, past, rest, job.say)
    return known.of(law, panel), panel


def _finish(
    job: Job,
    values: Any,
    panel: Any,
    ahead: float | None = None,
    truth: Any = None,
) -> None:
    """The table, the check of residuals, the forecast; then the common ending of all jobs."""
    hj, say, model = job.hj, job.say, values.model
    tables = {"parameters": report.parameters(say, values.summary(), truth)}
    say()
    if hasattr(values, "diagnose"):
        for line in values.diagnose():
            say(here(line))
        say()
    tests = hj.residual_tests(hj.residuals(model, values, panel, join=True))
    for line in report.residual_lines(tests):
        say(line)
    known = {name for name, _ in (*model.fixed, *model.tied)}
    if "alpha" in known:
        say("\nEffects are not tested: some are fixed or tied.")
    elif panel.num_marks <= MOST and model.link == "identity":
        found = hj.effect_tests(values, panel, model=model)
        tables["effects"] = found
        say()
        for line in report.effect_lines(found):
            say(line)
    forecast = None
    if ahead is not None:
        bins = int(ahead) if ahead in range(2, 61) else 20  # days, if the unit is a day
        forecast = hj.forecast(model, values, panel, horizon=ahead, key=job.keys[0], bins=bins)
        say(f"{forecast}\n")
        tables |= forecast.tables()
    if job.csv is not None:
        tables |= {"residuals": tests, "describe": panel.describe()}
        tables |= report.effects(say, hj, model, values, panel)

    def figures() -> dict[str, Any]:
        pictures = values.figures(panel) | ({} if forecast is None else forecast.figures())
        if truth is not None:
            pictures["parameters"] = hj.plots.parameters(values, truth=truth, unit=panel.unit)
        return pictures

    job.finish(values, tables, figures)
