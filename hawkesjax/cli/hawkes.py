"""demo, fit and sample."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hawkesjax.cli import covariates as c
from hawkesjax.cli import hawkes_options as h
from hawkesjax.cli import options as o
from hawkesjax.cli import report
from hawkesjax.cli.job import ESTIMATE, EVENTS, FORECASTS, PICTURES, POSTERIOR, Job

TABLES = ["parameters.csv", "residuals.csv", "describe.csv", "rate_ratios.csv"]
EFFECTS = [
    "spillover.csv",
    "decay.csv",
    "baseline.csv",
    "shares.csv",
    "attribution.csv",
    "causes.csv",
]


def demo(
    context: typer.Context,
    users: Annotated[int, o.option("Simulated users.", metavar="N", min=1, panel=o.DATA)] = 10,
    days: Annotated[
        float, o.option("Days that they are watched.", metavar="N", min=1, panel=o.DATA)
    ] = 200.0,
    quick: Annotated[
        bool, o.option("Few users, short chains: to see that all works.", "--quick", panel=o.DATA)
    ] = False,
    chains: o.Chains = 4,
    warmup: o.Warmup = 300,
    draws: o.Draws = 500,
    seed: o.Seed = 0,
    out: o.Out = None,
    csv: o.Csv = None,
    force: o.Force = False,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """The main job on simulated events whose true parameters are known.

    Simulates users who act online and offline, fits by maximum likelihood, samples the posterior,
    and sets the estimates beside the truth. Takes about a minute. Run in a terminal without any
    option, it asks for the number of users and days.

    ```
    hawkesjax demo
    hawkesjax demo --users 20 --days 100 --seed 7 --out my-demo
    ```
    """
    if _bare(context) and sys.stdin.isatty() and sys.stdout.isatty():
        users = typer.prompt("How many users", default=users, type=int)
        days = typer.prompt("Over how many days", default=days, type=float)
        if users < 1 or not 1 <= days < float("inf"):
            raise ValueError(f"{users} users over {days:g} days: at least 1 of each is needed.")
    if quick:
        users, days, chains, warmup, draws = min(users, 4), min(days, 60.0), 2, 150, 150
    job = Job(
        "hawkesjax-demo",
        out=out,
        csv=csv,
        force=force,
        names=[EVENTS, ESTIMATE, POSTERIOR],
        tables=[*TABLES, *EFFECTS],
        pictures=_pictures(True, o.Format.png, "trace"),
        x64=x64,
        device=device,
        seed=seed,
        quiet=quiet,
        chains=chains,
    )
    panel, truth = job.hj.datasets.spillover(key=job.keys[0], users=users, days=days)
    job.say(f"Simulated {users} users over {days:g} days with known parameters (seed {seed}):")
    job.say(report.panel_line(panel))
    panel.to_dataframe().to_csv(job.out.path(EVENTS), index=False)
    model = job.hj.Hawkes()
    estimate = job.fit(model, panel)
    report.write_estimate(job.out.path(ESTIMATE), estimate, panel)
    sizes = {"num_chains": chains, "num_warmup": warmup, "num_samples": draws}
    posterior = job.sample(model, panel, estimate, **sizes)
    job.finish(model, posterior, panel, truth)


def _pictures(wanted: bool, suffix: o.Format, *more: str) -> list[str]:
    return [f"{name}.{suffix.value}" for name in (*PICTURES, *more)] if wanted else []


def _more(ahead: float | None) -> list[str]:
    return [] if ahead is None else ["forecast", "fan"]


def _bare(context: typer.Context) -> bool:
    """Whether the command was typed without any option."""
    sources = (context.get_parameter_source(name) for name in context.params)
    return all(source is None or source.name == "DEFAULT" for source in sources)


def fit(
    file: o.File,
    time: o.Time = "time",
    mark: o.Mark = None,
    sequence: o.Sequence = None,
    window: o.Window = None,
    windows: o.Windows = None,
    own_windows: o.OwnWindows = False,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    decay: o.DecayBy = o.Decay.pair,
    gamma: o.Gamma = None,
    baseline: o.BaselineBy = o.Baseline.sequence,
    kernel: h.Kernel = "exponential",
    covariates: c.Table = None,
    feature: c.Features = None,
    events: c.Events = None,
    priors: o.PriorNames = o.Priors.default,
    stationary: o.Stationary = False,
    starts: o.Starts = 1,
    ahead: h.Ahead = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    csv: o.Csv = None,
    pictures: o.Pictures = True,
    format_: o.FormatOf = o.Format.png,
    force: o.Force = False,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """Maximum likelihood, with standard errors and 95 % intervals.

    Prints the table and writes estimate.json and pictures. The exit code is 1 when the search did
    not converge; everything is written all the same. Of the priors
    only the supports matter, and those of a hierarchical baseline's spread.

    ```
    hawkesjax fit events.csv --time day --mark kind --sequence gang --window 0 365 --unit day
    hawkesjax fit calls.parquet --time at --timezone Europe/London --unit hour --csv tables
    hawkesjax fit events.csv --time day --sequence gang --windows gangs.csv --csv tables
    hawkesjax fit calls.csv --time at --unit hour --feature day --feature hour --kernel power-law
    ```
    """
    job = Job(
        "hawkesjax-fit",
        out=out,
        csv=csv,
        force=force,
        names=[ESTIMATE] if ahead is None else [ESTIMATE, *FORECASTS],
        tables=TABLES,
        pictures=_pictures(pictures, format_, *_more(ahead)),
        x64=x64,
        device=device,
        seed=seed,
        quiet=quiet,
    )
    panel = job.read(file, time, mark, sequence, window, windows, own_windows, unit, timezone)
    model = h.model_of(
        job.hj,
        panel,
        job.speaker,
        decay=decay,
        gamma=gamma,
        baseline=baseline,
        kernel=kernel,
        priors=priors,
        stationary=stationary,
        timezone=timezone,
        covariates=covariates,
        feature=feature,
        events=events,
        ahead=ahead,
    )
    estimate = job.fit(model, panel, starts)
    report.write_estimate(job.out.path(ESTIMATE), estimate, panel)
    job.finish(model, estimate, panel, ahead=ahead)
    if not estimate.converged:
        raise RuntimeError(estimate.message)


def sample(
    file: o.File,
    time: o.Time = "time",
    mark: o.Mark = None,
    sequence: o.Sequence = None,
    window: o.Window = None,
    windows: o.Windows = None,
    own_windows: o.OwnWindows = False,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    decay: o.DecayBy = o.Decay.pair,
    gamma: o.Gamma = None,
    baseline: o.BaselineBy = o.Baseline.sequence,
    kernel: h.Kernel = "exponential",
    covariates: c.Table = None,
    feature: c.Features = None,
    events: c.Events = None,
    priors: o.PriorNames = o.Priors.default,
    stationary: o.Stationary = False,
    starts: o.Starts = 1,
    ahead: h.Ahead = None,
    chains: o.Chains = 4,
    warmup: o.Warmup = 500,
    draws: o.Draws = 1000,
    target_accept: o.TargetAccept = 0.8,
    checkpoint: o.Checkpoint = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    csv: o.Csv = None,
    pictures: o.Pictures = True,
    format_: o.FormatOf = o.Format.png,
    force: o.Force = False,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """The posterior by NUTS, started from the maximum of the likelihood.

    Prints the table and what the diagnostics say, and writes posterior.nc (hawkesjax.load and
    ArviZ read it) and pictures. With --checkpoint, the same command goes on where it stopped;
    Ctrl-C keeps the draws that are finished. Warnings of the diagnostics leave the exit code 0.

    ```
    hawkesjax sample events.csv --time day --mark kind --sequence gang --chains 4 --seed 1
    hawkesjax sample events.csv --time day --warmup 1000 --draws 2000 --checkpoint state
    hawkesjax sample events.csv --time day --baseline hierarchical --covariates weather.csv \\
        --kernel exponentials:2 --ahead 7 --csv tables
    ```
    """
    job = Job(
        "hawkesjax-sample",
        out=out,
        csv=csv,
        force=force,
        names=[POSTERIOR] if ahead is None else [POSTERIOR, *FORECASTS],
        tables=[*TABLES, *EFFECTS],
        pictures=_pictures(pictures, format_, "trace", *_more(ahead)),
        x64=x64,
        device=device,
        seed=seed,
        quiet=quiet,
        chains=chains,
    )
    panel = job.read(file, time, mark, sequence, window, windows, own_windows, unit, timezone)
    model = h.model_of(
        job.hj,
        panel,
        job.speaker,
        decay=decay,
        gamma=gamma,
        baseline=baseline,
        kernel=kernel,
        priors=priors,
        stationary=stationary,
        timezone=timezone,
        covariates=covariates,
        feature=feature,
        events=events,
        ahead=ahead,
    )
    posterior = job.sample(
        model,
        panel,
        job.fit(model, panel, starts),
        num_chains=chains,
        num_warmup=warmup,
        num_samples=draws,
        target_accept=target_accept,
        checkpoint=checkpoint,
    )
    job.finish(model, posterior, panel, ahead=ahead)
