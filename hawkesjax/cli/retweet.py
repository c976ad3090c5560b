"""retweet fit, sample, forecast and evaluate."""

from __future__ import annotations

from typing import Annotated, Any

from hawkesjax.cli import covariates as c
from hawkesjax.cli import options as o
from hawkesjax.cli import report
from hawkesjax.cli import retweet_options as r
from hawkesjax.cli.job import ESTIMATE, POSTERIOR, Job
from hawkesjax.cli.session import table

PICTURES = ["infectivity.png", "residuals.png"]
TABLES = ["parameters.csv", "drivers.csv", "residuals.csv"]


def fit(
    file: r.File,
    id: r.Id = "id",
    time: r.Time = "time",
    followers: r.Followers = "followers",
    repost_of: r.RepostOf = "repost_of",
    sentiment: r.Sentiment = None,
    window: o.Window = None,
    horizon: r.Horizon = None,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    orphans: r.OnOrphans = r.Orphans.error,
    missing_followers: r.OnMissing = r.Missing.error,
    late: r.OnLate = r.Drop.error,
    covariates: c.Table = None,
    feature: c.Features = None,
    events: c.Events = None,
    p0: r.OfP0 = r.P0.integrated,
    out: o.Out = None,
    csv: o.Csv = None,
    pictures: o.Pictures = True,
    force: o.Force = False,
    seed: o.Seed = 0,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """Maximum likelihood of posts and reposts, with standard errors and 95 % intervals.

    ```
    hawkesjax retweet fit tweets.csv --time created_at --unit hour --timezone Europe/Madrid \\
        --feature weekend --feature halfday --events protests.csv
    ```
    """
    where = r.Where(
        file, id, time, followers, repost_of, sentiment, window, horizon, unit, timezone,
        orphans, missing_followers, late, covariates, feature, events,
    )  # fmt: skip
    job = _job(
        "hawkesjax-retweet-fit", [ESTIMATE], pictures, out=out, csv=csv, force=force, seed=seed,
        x64=x64, device=device, quiet=quiet,
    )  # fmt: skip
    data = where.read(job.hj)
    job.say(str(data))
    model = job.hj.RetweetHawkes(p0=p0.value)
    estimate = job.fit(model, data)
    report.write_estimate(job.out.path(ESTIMATE), estimate, data)
    _finish(job, model, estimate, data)
    if not estimate.converged:
        raise RuntimeError(estimate.message)


def sample(
    file: r.File,
    id: r.Id = "id",
    time: r.Time = "time",
    followers: r.Followers = "followers",
    repost_of: r.RepostOf = "repost_of",
    sentiment: r.Sentiment = None,
    window: o.Window = None,
    horizon: r.Horizon = None,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    orphans: r.OnOrphans = r.Orphans.error,
    missing_followers: r.OnMissing = r.Missing.error,
    late: r.OnLate = r.Drop.error,
    covariates: c.Table = None,
    feature: c.Features = None,
    events: c.Events = None,
    chains: o.Chains = 4,
    warmup: o.Warmup = 500,
    draws: o.Draws = 1000,
    target_accept: o.TargetAccept = 0.8,
    checkpoint: o.Checkpoint = None,
    out: o.Out = None,
    csv: o.Csv = None,
    pictures: o.Pictures = True,
    force: o.Force = False,
    seed: o.Seed = 0,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """The posterior by NUTS, p0 of the posts integrated out.

    ```
    hawkesjax retweet sample tweets.csv --unit hour --feature day --feature hour --seed 1
    ```
    """
    where = r.Where(
        file, id, time, followers, repost_of, sentiment, window, horizon, unit, timezone,
        orphans, missing_followers, late, covariates, feature, events,
    )  # fmt: skip
    job = _job(
        "hawkesjax-retweet-sample", [POSTERIOR], pictures, out=out, csv=csv, force=force,
        seed=seed, x64=x64, device=device, quiet=quiet, chains=chains,
    )  # fmt: skip
    data = where.read(job.hj)
    job.say(str(data))
    model = job.hj.RetweetHawkes()
    posterior = job.sample(
        model,
        data,
        job.fit(model, data),
        num_chains=chains,
        num_warmup=warmup,
        num_samples=draws,
        target_accept=target_accept,
        checkpoint=checkpoint,
    )
    _finish(job, model, posterior, data)


def forecast(
    file: r.File,
    ahead: r.Ahead,
    id: r.Id = "id",
    time: r.Time = "time",
    followers: r.Followers = "followers",
    repost_of: r.RepostOf = "repost_of",
    sentiment: r.Sentiment = None,
    window: o.Window = None,
    horizon: r.Horizon = None,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    orphans: r.OnOrphans = r.Orphans.error,
    missing_followers: r.OnMissing = r.Missing.error,
    late: r.OnLate = r.Drop.error,
    covariates: c.Table = None,
    feature: c.Features = None,
    events: c.Events = None,
    posterior: Annotated[
        Any,
        o.option("posterior.nc of `retweet sample`; without it a fit is made.", "--posterior",
                 metavar="FILE", panel=o.MODEL, parser=str),
    ] = None,
    draws: r.Continuations = 200,
    out: o.Out = None,
    pictures: o.Pictures = True,
    force: o.Force = False,
    seed: o.Seed = 0,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:  # fmt: skip
    """Posts and reposts of the time to come by the hour, and sizes of the known cascades.

    Writes forecast.csv (a row a bin) and sizes.csv (a row a post), with 80 % intervals.

    ```
    hawkesjax retweet forecast tweets.csv --ahead 192 --unit hour --posterior posterior.nc
    ```
    """
    where = r.Where(
        file, id, time, followers, repost_of, sentiment, window, horizon, unit, timezone,
        orphans, missing_followers, late, covariates, feature, events,
    )  # fmt: skip
    job = _job(
        "hawkesjax-retweet-forecast", ["forecast.csv", "sizes.csv"], False, out=out, csv=None,
        force=force, seed=seed, x64=x64, device=device, quiet=quiet,
        others=["forecast.png"] if pictures else [],
    )  # fmt: skip
    data = where.read(job.hj, ahead)
    job.say(str(data))
    model = job.hj.RetweetHawkes()
    values = job.fit(model, data) if posterior is None else job.hj.load(posterior)
    told = job.hj.forecast(model, values, data, horizon=ahead, key=job.keys[0], draws=draws)
    job.say(str(told))
    frame = told.table()
    frame.columns = [" ".join(column) for column in frame.columns]
    frame.to_csv(job.out.path("forecast.csv"))
    told.sizes.table().to_csv(job.out.path("sizes.csv"))
    if "forecast.png" in job.out.names:
        job.hj.plots.counts(told).savefig(job.out.path("forecast.png"))
    _written(job)


def evaluate(
    file: r.File,
    id: r.Id = "id",
    time: r.Time = "time",
    followers: r.Followers = "followers",
    repost_of: r.RepostOf = "repost_of",
    sentiment: r.Sentiment = None,
    window: o.Window = None,
    horizon: r.Horizon = None,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    orphans: r.OnOrphans = r.Orphans.error,
    missing_followers: r.OnMissing = r.Missing.error,
    late: r.OnLate = r.Drop.error,
    covariates: c.Table = None,
    feature: c.Features = None,
    events: c.Events = None,
    first: Annotated[
        str, o.option("Length of the first training stretch.", metavar="LENGTH", panel=o.MODEL)
    ] = "30D",
    step: Annotated[str, o.option("From cut to cut.", metavar="LENGTH", panel=o.MODEL)] = "15D",
    scored: Annotated[
        str, o.option("Length that is scored after each cut.", metavar="LENGTH", panel=o.MODEL)
    ] = "8D",
    sliding: Annotated[
        bool, o.option("Train on the last stretch only.", "--sliding", panel=o.MODEL)
    ] = False,
    draws: r.Continuations = 100,
    out: o.Out = None,
    pictures: o.Pictures = True,
    force: o.Force = False,
    seed: o.Seed = 0,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """Hourly forecasts with a rolling origin, beside simple ones, scored.

    MAE, Pearson, log score and coverage of 80 % intervals.

    Writes scores.csv (a row a forecaster) and folds.csv (a row a forecaster and fold).

    ```
    hawkesjax retweet evaluate tweets.csv --unit hour --timezone Europe/Madrid --feature weekend
    ```
    """
    where = r.Where(
        file, id, time, followers, repost_of, sentiment, window, horizon, unit, timezone,
        orphans, missing_followers, late, covariates, feature, events,
    )  # fmt: skip
    job = _job(
        "hawkesjax-retweet-evaluate", ["scores.csv", "folds.csv"], False, out=out, csv=None,
        force=force, seed=seed, x64=x64, device=device, quiet=quiet,
        others=["scores.png"] if pictures else [],
    )  # fmt: skip
    data = where.read(job.hj)
    job.say(str(data))
    from hawkesjax.evaluation import forecasters as baselines
    from hawkesjax.evaluation.rolling import rolling
    from hawkesjax.retweet import evaluation

    model = job.hj.RetweetHawkes()
    forecasters: dict[str, Any] = {
        "RetweetHawkes": evaluation.RetweetForecaster(model, job.keys[0], draws=draws),
        "log-linear reposts": evaluation.LogLinearReposts(),
        "hour-of-week mean": baselines.HourOfWeek(),
        "shrunken calendar": baselines.ShrunkenCalendar(),
        "last value": baselines.LastValue(),
        "constant": baselines.Constant(),
    }
    if data.covariates is not None:
        forecasters["Poisson regression"] = baselines.PoissonRegression()
    counts = evaluation.hourly_counts(data)
    job.say(f"{len(counts):,} full hours; {counts.attrs['left out']:,} events lie outside them.")
    found = rolling(
        counts,
        forecasters,
        covariates=data.covariates,
        data=data,
        first=first,
        step=step,
        ahead=scored,
        scheme="sliding" if sliding else "expanding",
    )
    job.say(str(found))
    shown = found.summary()
    shown.columns = [" ".join(column) for column in shown.columns]
    shown.to_csv(job.out.path("scores.csv"))
    found.folds.to_csv(job.out.path("folds.csv"), index=False)
    if "scores.png" in job.out.names:
        job.hj.plots.scores(found).savefig(job.out.path("scores.png"))
    _written(job)


def _job(
    stem: str,
    names: list[str],
    pictures: bool,
    *,
    others: list[str] | None = None,
    **options: Any,
) -> Job:
    drawn = [*PICTURES, *(["trace.png"] if POSTERIOR in names else [])] if pictures else []
    return Job(stem, names=names, tables=TABLES, pictures=drawn + (others or []), **options)


def _finish(job: Job, model: Any, values: Any, data: Any) -> None:
    """Tables in the field's words, residuals, pictures, and where they are."""
    shown = report.parameters(job.say, values.summary())
    if hasattr(values, "diagnose"):
        for line in values.diagnose():
            job.say(line)
    drivers = values.rate_ratios()
    job.say("\nRate of posts, times that of the reference:")
    job.say(table(drivers))
    job.say(table(values.lifetime()))
    if "r0" in shown.index:
        job.say(table(values.rhythm()))
    residuals = job.hj.residuals(model, values, data, join=True)
    tests = job.hj.residual_tests(residuals)
    job.say("\nResiduals (unit exponential if the model is right):")
    job.say(table(tests.loc["all"]))
    if job.csv is not None:
        frames = {"parameters.csv": shown, "drivers.csv": drivers, "residuals.csv": tests}
        for name, frame in frames.items():
            frame.to_csv(job.csv.path(name))
    figures = {
        "infectivity.png": lambda: job.hj.plots.infectivity(values, data, sentiment=(1,)),
        "residuals.png": lambda: job.hj.plots.rescaled(residuals),
        "trace.png": lambda: job.hj.plots.trace(values, var_names=_sampled(values)),
    }
    for name in job.out.names:
        if name in figures:
            figures[name]().savefig(job.out.path(name))
    _written(job)
    if getattr(values, "info", {}).get("stopped"):
        raise KeyboardInterrupt("stopped early; the draws that were finished are kept")


def _sampled(values: Any) -> list[str]:
    order = ("tau", "r0", "phi0", "p0_mean", "p0_shape", "beta")
    return [name for name in order if name in values.posterior]


def _written(job: Job) -> None:
    for output in (job.out, job.csv):
        if output is not None and output.written:
            job.say(f"\nWritten to {output.folder.resolve()}:")
            job.say("  " + ", ".join(path.name for path in output.written))
