"""counts fit, forecast and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from hawkesjax.cli import options as o
from hawkesjax.cli.covariates import Covariates
from hawkesjax.cli.dialect import FileOptions
from hawkesjax.cli.folds import Folds, score, simple_ones
from hawkesjax.cli.groups import argument, command, group, option, without
from hawkesjax.cli.job import Job
from hawkesjax.cli.session import table

Run = Annotated[o.Run, without("csv", "format", "seed")]
FoldsAlone = Annotated[Folds, without("draws")]


@group("The counts")
class Counts(FileOptions):
    """The file of counts, and its columns."""

    file: Path = argument(f"{o.FILE}, one row per bin.")
    time: str = option("time", "Column of the bins' starts: dates and times.")
    count: str = option("count", "Column of the counts; empty where nothing was counted.")
    by: str | None = option(None, "Column that names the series of each row, of several.")
    series: str | None = option(None, "The one of several series that is taken.", "NAME")
    bin: str | None = option(
        None, "Length of the bins, such as 1h: finer rows are added up.", "LENGTH"
    )
    missing: Literal["gap", "zero", "error"] = option(
        "gap", "Bins without a row: not watched, without events, or refused."
    )
    window: tuple[str, str] | None = option(None, "Start and end of what is used.")
    gaps: Path | None = option(None, o.GAPS_OF_ONE)
    unit: str = option("hour", "Time unit: second, minute, hour, day, week.")
    timezone: str | None = option(
        None, "Local clock, and zone of dates without one, such as Europe/London.", "ZONE"
    )

    def read(self, hj: Any, covariates: Covariates, ahead: str | None = None) -> Any:
        """The series, with covariates that reach `ahead` beyond it."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        window = given.pop("window", None)
        if self.gaps is not None:
            given["gaps"] = o.gaps(self.gaps, None, self.dialect())
        series = hj.read_counts(given.pop("file"), **given)
        if window is not None:
            series = series.between(*window)
        from hawkesjax.evaluation.bins import bins_of
        from hawkesjax.inputs.clock import SECONDS

        bins = series.num_bins
        if ahead is not None:
            bins += bins_of(ahead, series.width, "ahead")
        length = bins * series.width.total_seconds() / SECONDS[series.unit]
        known = covariates.read(hj, series, (0.0, length), self)
        return series if known is None else series.with_covariates(known)


@group(o.MODEL)
class Level:
    """How fast the calendar forgets."""

    half_life: float = option(
        56.0, "Half-life of what the calendar learns from, in days.", "DAYS", min=0.1
    )
    local_half_life: float = option(
        3.0, "Half-life of the level and the hours of the last days.", "DAYS", min=0.1
    )

    def forecaster(self, hj: Any) -> Any:
        """The forecaster with these half-lives."""
        return hj.forecasters.LocalCalendar(self.half_life, self.local_half_life)


@group(o.MODEL)
class Ahead:
    """The stretch to forecast."""

    ahead: str = option(..., "How far to forecast, such as 8D or 48h.", "LENGTH")
    level: float = option(0.8, "Share that the intervals hold.", "SHARE", min=0.01, max=0.99)


@group(o.MODEL)
class Dependence:
    """How far counts depend on their neighbours."""

    lags: int | None = option(
        None, "Bins over which counts depend on each other; those of a day by default.", min=0
    )


@command
def fit(
    counts: Counts,
    covariates: Covariates,
    dependence: Dependence,
    run: Annotated[o.Run, without("csv", "format", "seed", "pictures", pictures=False)],
) -> None:
    """Negative binomial regression on covariates, with standard errors and 95 % intervals.

    Writes parameters.csv: estimate, standard error, and the ratio of rates with its interval.

    ```
    hawkesjax counts fit hours.csv --count posts --timezone Europe/Madrid --feature day \\
        --feature hour --holidays ES
    ```
    """
    job = Job("hawkesjax-counts-fit", run, ["parameters.csv"])
    series = counts.read(job.hj, covariates)
    job.say(str(series))
    found = job.hj.count_regression(series, lags=dependence.lags)
    job.say(f"\n{found}")
    job.finish(None, {"parameters": found.summary()})


@command
def forecast(counts: Counts, covariates: Covariates, level: Level, ahead: Ahead, run: Run) -> None:
    """Counts to come, bin by bin, with intervals.

    Writes forecast.csv: start of the bin, forecast (the median), mean, and the interval.

    ```
    hawkesjax counts forecast hours.csv --time hour --count posts --ahead 8D \\
        --timezone Europe/Madrid --holidays ES
    ```
    """
    job = Job("hawkesjax-counts-forecast", run, ["forecast.csv"], pictures=["forecast"])
    series = counts.read(job.hj, covariates, ahead.ahead)
    job.say(str(series))
    past = series.past(ahead.ahead)
    told = level.forecaster(job.hj)(past)
    frame = told.table(past.ahead, ahead.level)
    expected = told.mean.sum()
    job.say(
        f"\n{len(frame):,} bins from {past.ahead[0].isoformat()}: {expected:,.0f} expected in "
        f"all.\n{table(frame.set_index('start'), 24)}"
    )
    job.finish(
        None,
        {"forecast": frame.set_index("start")},
        lambda: {"forecast": job.hj.plots.count_series(series, told, level=ahead.level)},
    )


@command
def evaluate(
    counts: Counts, covariates: Covariates, level: Level, folds: FoldsAlone, run: Run
) -> None:
    """Forecasts with a rolling origin, scored and compared with simple ones.

    MAE, Pearson, log score, CRPS and coverage of 80 % intervals; gaps are left out.

    Writes scores.csv (one row per forecaster) and folds.csv (one per forecaster and fold).

    ```
    hawkesjax counts evaluate hours.csv --count posts --timezone Europe/Madrid --holidays ES
    ```
    """
    names = ["scores.csv", "folds.csv"]
    job = Job("hawkesjax-counts-evaluate", run, names, pictures=["scores"])
    series = counts.read(job.hj, covariates)
    job.say(str(series))
    forecasters = {"local calendar": level.forecaster(job.hj)}
    score(job, series, forecasters | simple_ones(series.covariates is not None), folds)
