"""simulate, describe, summary and compare: tables in and out."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hawkesjax.cli import options as o
from hawkesjax.cli import report
from hawkesjax.cli.job import read_panel
from hawkesjax.cli.output import Output, single
from hawkesjax.cli.session import Speaker, start, table


def simulate(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="File to write, CSV or Parquet.", show_default=False
        ),
    ],
    users: Annotated[
        int | None,
        o.option("Sequences; 10, or as many as mu has rows.", metavar="N", min=1, panel=o.DATA),
    ] = None,
    days: Annotated[
        float,
        o.option(
            "Length of the window, in the parameters' unit.", metavar="N", min=0, panel=o.DATA
        ),
    ] = 200.0,
    params: Annotated[
        Path | None,
        o.option(
            "JSON file with mu, alpha, gamma; an estimate.json of fit will do.",
            metavar="FILE",
            panel=o.MODEL,
        ),
    ] = None,
    max_events: Annotated[
        int | None,
        o.option("Give up beyond this many events.", metavar="N", min=0, panel=o.MODEL),
    ] = None,
    seed: o.Seed = 0,
    force: o.Force = False,
    quiet: o.Quiet = False,
) -> None:
    """Draw events from a Hawkes process, exactly, and write them as a table.

    Without --params, users act online and offline with the parameters of the demo. In the JSON
    file, alpha and gamma have a row a target and a column a source.

    ```
    hawkesjax simulate --out events.csv --users 20 --days 100 --seed 1
    hawkesjax simulate --out events.csv --params estimate.json --days 365
    echo '{"mu": [1.5], "alpha": [[0.5]], "gamma": [[2]]}' > one.json
    hawkesjax simulate --out one.csv --params one.json
    ```
    """
    path = single(out, force=force)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"{path} must end in .csv or .parquet.")
    given = None if params is None else _read_params(params)
    hj = start(x64=True, device="cpu")
    import jax

    key = jax.random.key(seed)
    speaker = Speaker(quiet)
    if given is None:
        panel, _ = hj.datasets.spillover(key=key, users=users or 10, days=days)
    else:
        settings, values, names = given
        rows = names.get("sequence_names")
        if users is not None and rows is not None and len(rows) != users:
            del names["sequence_names"]
        panel = hj.simulate(
            hj.Hawkes(**settings),
            values,
            window=(0.0, days),
            key=key,
            num_sequences=users,
            max_events=max_events,
            **names,
        )
    frame = panel.to_dataframe()
    if path.suffix.lower() == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    speaker.say(report.panel_line(panel))
    speaker.say(f"Written to {path.resolve()}.")


def describe(
    file: o.File,
    time: o.Time = "time",
    mark: o.Mark = None,
    sequence: o.Sequence = None,
    window: o.Window = None,
    windows: o.Windows = None,
    own_windows: o.OwnWindows = False,
    unit: o.Unit = None,
    timezone: o.Timezone = None,
    csv: o.Csv = None,
    force: o.Force = False,
) -> None:
    """What a file of events holds, and whether it can be read at all.

    A row a sequence: its window, its events of each kind, ties, and events per unit of time. All
    rows go into the CSV file.

    ```
    hawkesjax describe events.csv --time day --mark kind --sequence gang
    ```
    """
    output = None if csv is None else Output(csv, ["describe.csv"], force=force)
    hj = start(x64=True, device="cpu")
    panel = read_panel(hj, file, time, mark, sequence, window, windows, own_windows, unit, timezone)
    print(panel)
    if output is not None:
        panel.describe().to_csv(output.path("describe.csv"))
        print(f"Written to {output.path('describe.csv').resolve()}.")


def summary(
    result: Annotated[
        Path, typer.Argument(help="posterior.nc of sample or demo.", show_default=False)
    ],
    csv: o.Csv = None,
    force: o.Force = False,
) -> None:
    """The table and diagnostics of a saved posterior.

    ```
    hawkesjax summary hawkesjax-demo/posterior.nc
    ```
    """
    output = None if csv is None else Output(csv, ["parameters.csv"], force=force)
    hj = start(x64=True, device="cpu")
    posterior = hj.load(result)
    frame = report.parameters(print, posterior.summary())
    for line in posterior.diagnose():
        print(line)
    if output is not None:
        frame.to_csv(output.path("parameters.csv"))
        print(f"Written to {output.path('parameters.csv').resolve()}.")


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(help="Two or more posterior.nc of the same events.", show_default=False),
    ],
    csv: o.Csv = None,
    force: o.Force = False,
) -> None:
    """Which model predicts better: leave-one-out over the events, best first, in words.

    ```
    hawkesjax sample events.csv --time day --kernel power-law --out law
    hawkesjax sample events.csv --time day --out plain
    hawkesjax compare law/posterior.nc plain/posterior.nc
    ```
    """
    output = None if csv is None else Output(csv, ["compare.csv"], force=force)
    hj = start(x64=True, device="cpu")
    if len(set(results)) < len(results):
        raise ValueError("The same file is named twice.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimated shape parameter")  # the table says so
        frame = hj.compare({str(path): hj.load(path) for path in results})
    for name, row in frame.iterrows():
        print(f"{name}: {row['in words']}")
    print(table(frame.drop(columns="in words")))
    if output is not None:
        frame.to_csv(output.path("compare.csv"))
        print(f"Written to {output.path('compare.csv').resolve()}.")


def _read_params(path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The model's settings, its parameters, and names and unit of a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    content = content if isinstance(content, dict) else {}
    values = content.get("params", content)
    found: Any = content.get("model")
    known: dict[str, Any] = found if isinstance(found, dict) else {}
    if known.get("model", "hawkes") != "hawkes":
        raise ValueError(f"{path} holds the estimate of another model ({known['model']}).")
    if not isinstance(known.get("baseline", ""), str):
        raise ValueError(
            f"{path} was fitted with covariates, which the file does not hold: simulate it in "
            f"Python, where they are."
        )
    settings = {"gamma": known["gamma"]} if known.get("gamma") else {}
    if known.get("kernel", "exponential") != "exponential":
        settings["kernel"] = known["kernel"]
    if known.get("baseline") == "hierarchical":
        settings["baseline"] = "hierarchical"
    levels = ("mu_median", "mu_spread", "mu_offset") if "baseline" in settings else ("mu",)
    needed = [*levels, "alpha", *(() if "gamma" in settings else ("gamma",))]
    if not isinstance(values, dict) or not all(name in values for name in needed):
        raise ValueError(f"{path} must hold an object with {', '.join(needed)}.")
    names = {
        name: content[name]
        for name in ("mark_names", "sequence_names")
        if isinstance(content.get(name), list)
    }
    more = {"unit": content["unit"]} if isinstance(content.get("unit"), str) else {}
    values = {name: np.asarray(v) for name, v in values.items() if name != "half_life"}
    return settings, values, names | more
