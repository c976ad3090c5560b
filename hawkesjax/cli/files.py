"""simulate, describe, summary and compare: tables in and out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hawkesjax.cli import options as o
from hawkesjax.cli import report
from hawkesjax.cli.groups import command, group, only, option
from hawkesjax.cli.hawkes import Events
from hawkesjax.cli.job import DATA, POSTERIOR, WHOLE
from hawkesjax.cli.output import Output, params_of, read_json, single
from hawkesjax.cli.session import Speaker, print_json, start, table
from hawkesjax.cli.words import here

RunOfTable = Annotated[o.Run, only("csv", "force", "json")]


@group(o.DATA)
class Drawn:
    """What is simulated, and where it is written."""

    out: Path = option(..., "File to write, CSV or Parquet.", panel="Options", show_default=False)
    users: int | None = option(None, "Sequences; 10, or as many as mu has rows.", min=1)
    days: float = option(200.0, "Length of the window, in the parameters' unit.", min=0)
    params: Path | None = option(
        None, "JSON file with mu, alpha, gamma, such as an estimate.json of fit.", panel=o.MODEL
    )
    max_events: int | None = option(None, "Stop beyond this many events.", min=0, panel=o.MODEL)


@group("Options")
class Page:
    """The page, and where it is written."""

    out: Path | None = option(None, "File to write; report.html in the folder by default.")
    title: str | None = option(None, "Heading of the page.", "TEXT")
    latex: bool = option(False, "Add the LaTeX source of each table.")


@command
def simulate(drawn: Drawn, run: Annotated[o.Run, only("seed", "force", "quiet", "json")]) -> None:
    """Draw events from a Hawkes process, exactly, and write them as a table.

    Without --params, users act online and offline with the parameters of the demo. In the JSON
    file, alpha and gamma have one row per target and one column per source.

    ```
    hawkesjax simulate --out events.csv --users 20 --days 100 --seed 1
    hawkesjax simulate --out events.csv --params estimate.json --days 365
    echo '{"mu": [1.5], "alpha": [[0.5]], "gamma": [[2]]}' > one.json
    hawkesjax simulate --out one.csv --params one.json
    ```
    """
    path = single(drawn.out, force=run.force)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"{path} must end in .csv or .parquet.")
    given = None if drawn.params is None else _read_model(drawn.params)
    hj = start(x64=True, device="cpu")
    import jax

    key, users = jax.random.key(run.seed), drawn.users
    if given is None:
        panel, _ = hj.datasets.spillover(key=key, users=users or 10, days=drawn.days)
    else:
        settings, values, names = given
        rows = names.get("sequence_names")
        if users is not None and rows is not None and len(rows) != users:
            del names["sequence_names"]
        panel = hj.simulate(
            hj.Hawkes(**settings),
            values,
            window=(0.0, drawn.days),
            key=key,
            num_sequences=users,
            max_events=drawn.max_events,
            **names,
        )
    frame = panel.to_dataframe()
    if path.suffix.lower() == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False, engine="pyarrow", write_page_checksum=True)
    speaker = Speaker(run.quiet or run.json)
    speaker.say(report.panel_line(panel))
    speaker.say(f"Written to {path.resolve()}.")
    if run.json:
        print_json({"table": panel.describe(), "files": [str(path.resolve())]})


@command
def describe(events: Events, run: RunOfTable) -> None:
    """What a file of events contains, and whether it can be read at all.

    One row per sequence: its window, its events of each kind, ties, and events per unit of time.
    All rows go into the CSV file.

    ```
    hawkesjax describe events.csv --time day --mark kind --sequence gang
    ```
    """
    output, hj = _begin(run, "describe.csv")
    panel = events.read(hj)
    if not run.json:
        print(panel)
    if run.json or output is not None:
        _keep(output, panel.describe(), run.json)


@command
def summary(
    result: Annotated[
        Path, typer.Argument(help="posterior.nc of sample or demo.", show_default=False)
    ],
    run: RunOfTable,
) -> None:
    """The table and diagnostics of a saved posterior.

    ```
    hawkesjax summary hawkesjax-demo/posterior.nc
    ```
    """
    output, hj = _begin(run, "parameters.csv")
    posterior = hj.load(result)
    say = Speaker(run.json).say
    frame = report.parameters(say, posterior.summary())
    for line in posterior.diagnose():
        say(here(line))
    more = {"problems": posterior.problems(), "diagnosis": posterior.diagnose()}
    _keep(output, frame, run.json, **more, record=posterior.record)


@command
def compare(
    results: Annotated[
        list[Path],
        typer.Argument(help="Two or more posterior.nc of the same events.", show_default=False),
    ],
    run: RunOfTable,
) -> None:
    """Which model predicts better: leave-one-out over the events, best first, in words.

    ```
    hawkesjax sample events.csv --time day --kernel power-law --out law
    hawkesjax sample events.csv --time day --out plain
    hawkesjax compare law/posterior.nc plain/posterior.nc
    ```
    """
    output, hj = _begin(run, "compare.csv")
    if len(set(results)) < len(results):
        raise ValueError("The same file is named twice.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimated shape parameter")  # the table says so
        frame = hj.compare({str(path): hj.load(path) for path in results})
    say = Speaker(run.json).say
    for name, row in frame.iterrows():
        say(f"{name}: {row['in words']}")
    say(table(frame.drop(columns="in words")))
    _keep(output, frame, run.json)


@command
def report_page(
    folder: Annotated[
        Path,
        typer.Argument(help="Output folder of fit, sample or demo.", show_default=False),
    ],
    page: Page,
    run: Annotated[o.Run, only("force", "quiet")],
) -> None:
    """One page with all that a fit says, which needs nothing from elsewhere.

    Data, model, tables, pictures, diagnostics, tests of residuals, what may and may not be
    concluded, how to cite, and the record of the run. Writes report.html into the folder.

    ```
    hawkesjax report hawkesjax-demo
    hawkesjax report hawkesjax-fit --out page.html --latex
    ```
    """
    path = single(page.out or folder / "report.html", force=run.force)
    found = [name for name in (POSTERIOR, WHOLE) if (folder / name).is_file()]
    if not found or not (folder / DATA).is_file():
        needed = DATA if found else f"{POSTERIOR} or {WHOLE}"
        raise ValueError(
            f"{folder} holds no {needed}: give the output folder of fit, sample or demo."
        )
    hj = start(x64=True, device="cpu")
    values, data = hj.load(folder / found[0]), hj.load(folder / DATA)
    hj.report(values, data, path, title=page.title, latex=page.latex, force=True)
    Speaker(run.quiet).say(f"Written to {path.resolve()}.")


def _begin(run: o.Run, name: str) -> tuple[Output | None, Any]:
    """Where a table goes if it is wanted, and hawkesjax."""
    output = None if run.csv is None else Output(run.csv, [name], force=run.force)
    return output, start(x64=True, device="cpu")


def _keep(output: Output | None, frame: Any, json: bool, **more: Any) -> None:
    """Write the table where it is wanted, and print it as JSON where that is."""
    if output is not None:
        path = output.path(output.names[0])
        frame.to_csv(path)
        Speaker(json).say(f"Written to {path.resolve()}.")
    if json:
        print_json({"table": frame, **more})


def _read_model(path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The model's settings, its parameters, and names and unit of a JSON file."""
    content = read_json(path)
    known: Any = content.get("model")
    known = known if isinstance(known, dict) else {}
    if known.get("model", "hawkes") != "hawkes":
        raise ValueError(f"{path} holds the estimate of another model ({known['model']}).")
    if not isinstance(known.get("baseline", ""), str):
        raise ValueError(
            f"{path} was fitted with covariates, which the file does not contain: simulate it in "
            f"Python, with the covariates."
        )
    settings = {"gamma": known["gamma"]} if known.get("gamma") else {}
    if known.get("kernel", "exponential") != "exponential":
        settings["kernel"] = known["kernel"]
    if known.get("baseline") == "hierarchical":
        settings["baseline"] = "hierarchical"
    levels = ("mu_median", "mu_spread", "mu_offset") if "baseline" in settings else ("mu",)
    kinds = {"mark_names": list, "sequence_names": list, "unit": str}
    needed = [*levels, "alpha", *(() if "gamma" in settings else ("gamma",))]
    values = params_of(path, content, needed, (*kinds, "half_life"))
    names = {name: content[name] for name in kinds if content.get(name) is not None}
    for name, given in names.items():
        if not isinstance(given, kinds[name]):
            what = "a list of names" if kinds[name] is list else "text"
            raise ValueError(f"{path}: {name} must be {what}.")
    return settings, {name: np.asarray(value) for name, value in values.items()}, names
