"""retweet fit, sample, forecast, evaluate and sizes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from hawkesjax.cli import options as o
from hawkesjax.cli import report
from hawkesjax.cli.covariates import Background, Covariates
from hawkesjax.cli.dialect import FileOptions
from hawkesjax.cli.folds import Folds, score, simple_ones
from hawkesjax.cli.groups import argument, command, group, option, without
from hawkesjax.cli.job import ESTIMATE, POSTERIOR, Job
from hawkesjax.cli.known import Known
from hawkesjax.cli.session import table
from hawkesjax.cli.words import here

COLUMNS = ("id", "time", "followers", "repost_of")
DEFAULT = "when another is named."
PICTURES = ["parameters", "infectivity", "drivers", "residuals"]
TABLES = ["parameters", "drivers", "residuals"]
Run = Annotated[o.Run, without("format")]
RunWithoutTables = Annotated[o.Run, without("csv", "format")]


@group(o.DATA)
class Posts(FileOptions):
    """The file of posts and reposts, and its columns."""

    file: Path = argument(f"{o.FILE}, one row per post or repost.")
    format: (
        Literal[
            "twitter-v1",
            "twitter-v2",
            "twarc-csv",
            "bluesky",
            "mastodon",
            "weibo-paths",
            "tideh",
            "seismic",
            "evently",
        ]
        | None
    ) = option(None, "Format of the posts; detected from the file if no column is named.")
    id: str | None = option(None, f"Column of identifiers; id {DEFAULT}")
    time: str | None = option(None, f"{o.TIME[:-1]}; time {DEFAULT}")
    followers: str | None = option(
        None, f"Column of the authors' numbers of followers; followers {DEFAULT}"
    )
    repost_of: str | None = option(
        None, f"Column of the identifier that a row reposts, empty in posts; repost_of {DEFAULT}"
    )
    sentiment: str | None = option(None, "Column of the posts' levels; 1 for all by default.")
    window: tuple[str, str] | None = option(None, o.WINDOW)
    until: str | None = option(None, o.UNTIL, "MOMENT")
    gaps: Path | None = option(None, o.GAPS_OF_ONE)
    horizon: float | None = option(
        None, "For how long after each post its reposts were collected.", "LENGTH"
    )
    unit: str | None = option(None, o.UNIT)
    timezone: str | None = option(None, o.TIMEZONE, "ZONE")
    orphans: Literal["error", "drop", "restore"] = option(
        "error", "Reposts whose post is missing; restore it from its reposts' columns."
    )
    original_time: str | None = option(None, "Column of the time of a repost's post.")
    original_followers: str | None = option(None, "Column of the followers of its author.")
    duplicates: Literal["error", "first"] = option("error", "Rows with an identifier seen before.")
    early: Literal["error", "drop"] = option("error", "Reposts before their post.")
    missing_followers: Literal["error", "zero", "median"] = option(
        "error", "Missing numbers of followers."
    )
    late: Literal["error", "drop"] = option("error", "Rows after the window.")
    deleted: Literal["error", "drop"] = option(
        "error", "With --orphans restore: reposts of posts that no repost describes."
    )
    zero_followers: Literal["keep", "at_least_one"] = option(
        "keep", "Posts whose author has no followers: as they are, or as if there were one."
    )
    quotes: Literal["post", "repost", "drop"] = option("post", "With a format: what quotes are.")
    replies: Literal["post", "repost", "drop"] = option("post", "With a format: what replies are.")

    def read(self, hj: Any, covariates: Covariates | None, ahead: float = 0.0) -> Any:
        """The cascades, with covariates that reach `ahead` beyond the window."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.window is not None:
            given["window"] = tuple(o.number_or_text(edge) for edge in self.window)
        if self.gaps is not None:
            given["gaps"] = o.gaps(self.gaps, None, self.dialect())
        if given.keys() & {*COLUMNS, "sentiment", "original_time", "original_followers"}:
            given = {name: name for name in COLUMNS} | given
        until = given.pop("until", None)
        data = hj.read_cascades(given.pop("file"), **given)
        if until is not None:
            part = data.between(data.window[0], o.number_or_text(until))
            gone = data.num_posts + data.num_reposts - part.num_posts - part.num_reposts
            late = [("late", "drop", gone)] if gone else []
            data = dataclasses.replace(part, touched=(*part.touched, *late))
        if covariates is None:
            return data
        start, end = data.window
        known = covariates.read(hj, data, (start, end + ahead), self)
        return data if known is None else data.with_covariates(known)


@group(o.MODEL)
class RetweetModel:
    """How the model treats the posts."""

    p0: Literal["integrated", "profiled", "free"] = option(
        "integrated", "How the posts' infectivity is treated."
    )


@group(o.MODEL)
class Future:
    """The stretch to forecast, and the source of the draws."""

    ahead: float = option(..., "How far to forecast, in the unit of time.", "LENGTH")
    posterior: Any = option(
        None,
        "posterior.nc of `retweet sample`; without it, the model is fitted.",
        "FILE",
        parser=str,
    )
    draws: int = option(200, "Simulated continuations.", min=1, panel=o.SAMPLING)


@group(o.MODEL)
class Ages:
    """Which cascades are young, and which teach how they grow."""

    observed: float = option(..., "Age up to which each young cascade is seen.", "LENGTH")
    horizon: float = option(
        ..., "Age at which sizes are asked for; reposts beyond it are not used.", "LENGTH"
    )
    past: Path | None = option(
        None,
        "File of past cascades, of the same form; by default the posts that were observed up to "
        "--horizon.",
    )
    least: float | None = option(
        None,
        "Size by which the past cascades were selected, 0 if they were not; told from the smallest "
        "by default.",
        "N",
    )
    folds: int = option(10, "Folds of the cross-validation.", min=2)


@command
def fit(
    posts: Posts,
    covariates: Covariates,
    background: Background,
    model: RetweetModel,
    known: Known,
    run: Run,
) -> None:
    """Maximum likelihood of posts and reposts, with standard errors and 95 % intervals.

    ```
    hawkesjax retweet fit tweets.csv --time created_at --unit hour --timezone Europe/Madrid \\
        --feature weekend --feature halfday --events protests.csv
    ```
    """
    job = Job("hawkesjax-retweet-fit", run, [ESTIMATE], TABLES, PICTURES)
    data = _read(job, posts, covariates, background=background)
    law = background.of(known.of(job.hj.RetweetHawkes(p0=model.p0), data), data)
    _finish(job, law, job.fit(law, data), data)


@command
def sample(
    posts: Posts,
    covariates: Covariates,
    background: Background,
    known: Known,
    sampling: o.Sampling,
    run: Run,
) -> None:
    """The posterior by NUTS, p0 of the posts integrated out.

    ```
    hawkesjax retweet sample tweets.csv --unit hour --feature day --feature hour --seed 1
    ```
    """
    pictures = [*PICTURES, "trace"]
    stem = "hawkesjax-retweet-sample"
    job = Job(stem, run, [POSTERIOR], TABLES, pictures, sampling.chains)
    data = _read(job, posts, covariates, background=background)
    law = background.of(known.of(job.hj.RetweetHawkes(), data), data)
    _finish(job, law, job.sample(law, data, sampling), data)


@command
def forecast(
    posts: Posts,
    covariates: Covariates,
    background: Background,
    future: Future,
    run: RunWithoutTables,
) -> None:
    """Posts and reposts to come, by the hour, and final sizes of the known cascades.

    Writes forecast.csv (one row per bin) and sizes.csv (one row per post), with 80 % intervals.

    ```
    hawkesjax retweet forecast tweets.csv --ahead 192 --unit hour --posterior posterior.nc
    ```
    """
    names = ["forecast.csv", "sizes.csv"]
    job = Job("hawkesjax-retweet-forecast", run, names, pictures=["forecast"])
    data = _read(job, posts, covariates, future.ahead, background)
    law, given = background.of(job.hj.RetweetHawkes(), data), future.posterior
    values = job.fit(law, data) if given is None else job.hj.load(given)
    options = {"horizon": future.ahead, "key": job.keys[0], "draws": future.draws}
    result = job.hj.forecast(law, values, data, **options)
    job.say(str(result))
    tables = {"forecast": result.table(), "sizes": result.sizes.table()}
    job.finish(result, tables, lambda: {"forecast": job.hj.plots.counts(result)})


@command
def evaluate(posts: Posts, covariates: Covariates, folds: Folds, run: RunWithoutTables) -> None:
    """Hourly forecasts with a rolling origin, scored and compared with simple ones.

    MAE, Pearson, log score and coverage of 80 % intervals.

    Writes scores.csv (one row per forecaster) and folds.csv (one per forecaster and fold).

    ```
    hawkesjax retweet evaluate tweets.csv --unit hour --timezone Europe/Madrid --feature weekend
    ```
    """
    names = ["scores.csv", "folds.csv"]
    job = Job("hawkesjax-retweet-evaluate", run, names, pictures=["scores"])
    data = _read(job, posts, covariates)
    from hawkesjax.retweet import evaluation, hourly

    forecasters = {
        "RetweetHawkes": evaluation.RetweetForecaster(
            job.hj.RetweetHawkes(), job.keys[0], draws=folds.draws
        ),
        "log-linear reposts": evaluation.LogLinearReposts(),
        "local calendar": job.hj.forecasters.LocalCalendar(),
    } | simple_ones(data.covariates is not None)
    counts = hourly.hourly_counts(data)
    job.say(f"{len(counts):,} full hours; {counts.attrs['left out']:,} events lie outside them.")
    score(job, counts, forecasters, folds, covariates=data.covariates, data=data)


@command
def sizes(
    posts: Annotated[Posts, without("horizon")],
    ages: Ages,
    run: Annotated[o.Run, without("csv", "format", "pictures")],
) -> None:
    """Sizes that young cascades will have, told by past cascades of their kind.

    Writes sizes.csv (one row per young cascade: median, mean, 80 and 95 % intervals) and
    scores.csv (such forecasts of the past cascades, cross-validated, beside simple ones).

    ```
    hawkesjax retweet sizes tweets.csv --unit hour --observed 1 --horizon 168
    ```
    """
    job = Job("hawkesjax-retweet-sizes", run, ["sizes.csv", "scores.csv"])
    data = _read(job, posts, None)
    told = _read(job, dataclasses.replace(posts, file=ages.past), None) if ages.past else data
    from hawkesjax.retweet.ages import spans_of

    whole, spans = spans_of(told) >= ages.horizon * (1 - 1e-9), spans_of(data)
    past = told.select(told.posts_seen & whole)
    population = job.hj.CascadePopulation.learn(past, horizon=ages.horizon, least=ages.least)
    job.say(f"\n{population}")
    short = int(np.sum(told.posts_seen & ~whole))
    if short:
        job.say(f"  {short:,} more were not observed for {ages.horizon:g} {told.unit}s: not used.")
    scores = population.evaluate(ages.observed, folds=ages.folds, key=job.keys[0])
    job.say(f"\nSuch forecasts of the past cascades, each told by others:\n{table(scores)}")
    young = data.posts_seen & (spans >= ages.observed)
    young &= True if ages.past else spans < ages.horizon * (1 - 1e-9)
    tables = {"scores": scores}
    job.say(f"\n{young.sum():,} young cascades; {np.sum(spans < ages.observed):,} are too young.")
    if young.any():
        result = population.forecast(data.select(young), observed=ages.observed, key=job.keys[1])
        if result.ignored:
            job.say(f"Not known, and not used: {', '.join(result.ignored)}.")
        wide = result.table(0.95)[["lower", "upper"]].add_suffix(" 95 %")
        narrow = result.table().rename(columns={"lower": "lower 80 %", "upper": "upper 80 %"})
        tables["sizes"] = narrow.join(wide)
        job.say(f"\n{table(tables['sizes'])}")
    job.finish(population, tables)


def _read(
    job: Job,
    posts: Posts,
    covariates: Covariates | None,
    ahead: float = 0.0,
    background: Background | None = None,
) -> Any:
    data = posts.read(job.hj, covariates, ahead)
    if background is not None:
        data = background.read(job.hj, data, (data.window[0], data.window[1] + ahead), posts)
    job.say(str(data))
    return data


def _finish(job: Job, model: Any, values: Any, data: Any) -> None:
    """Tables in the terms of the field and residuals; then the common ending of all jobs."""
    hj, say = job.hj, job.say
    shown = report.parameters(say, values.summary())
    for line in values.diagnose() if hasattr(values, "diagnose") else ():
        say(here(line))
    tables = {"parameters": shown}
    try:
        tables["drivers"] = values.rate_ratios()
    except ValueError as problem:
        say(f"\nNo drivers.csv: {here(problem)}")
    else:
        say("\nRate of posts where all features are 0 (intercept), and the factor by which")
        say(f"a unit of each feature multiplies it:\n{table(tables['drivers'])}")
    say(f"\nHow fast the chance of a repost falls:\n{table(values.lifetime())}")
    if "r0" in shown.index:
        since = "" if data.origin else ", with time 0 taken as midnight"
        say(f"\nHow it varies with the time of day{since}:\n{table(values.rhythm())}")
    tests = hj.residual_tests(hj.residuals(model, values, data, join=True))
    say()
    for line in report.residual_lines(tests):
        say(line)
    tables["residuals"] = tests
    job.finish(values, tables, lambda: values.figures(data))
