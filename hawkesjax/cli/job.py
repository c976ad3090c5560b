"""One run of the main job: where it writes, what it prints, and its steps."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from hawkesjax.cli import report
from hawkesjax.cli.output import Output, fresh, read_csv
from hawkesjax.cli.session import Speaker, start

ESTIMATE, POSTERIOR, EVENTS = "estimate.json", "posterior.nc", "events.csv"
FORECASTS = ["forecast.csv", "forecast_steps.csv"]
PICTURES = ["parameters", "intensity", "residuals", "network", "kernels"]


class Job:
    """Outputs are checked first, then jax starts, then work begins.

    Args:
        stem: name of the output folder when the user names none.
        out, csv: the user's folders.
        force: overwrite.
        names: files beside the pictures.
        tables: what `csv` will hold.
        pictures: which are drawn.
        x64, device, seed, quiet, chains: the options of the same names.
    """

    def __init__(
        self,
        stem: str,
        *,
        out: Path | None,
        csv: Path | None,
        force: bool,
        names: list[str],
        tables: list[str],
        pictures: list[str],
        x64: bool,
        device: Any,
        seed: int,
        quiet: bool,
        chains: int = 1,
    ) -> None:
        self.csv = None if csv is None else Output(csv, tables, force=force)
        self.out = Output(out or fresh(stem), names + pictures, force=force)
        self.speaker = Speaker(quiet)
        self.say = self.speaker.say
        self.hj = start(x64=x64, device=device, chains=chains)
        import jax

        self.keys = jax.random.split(jax.random.key(seed), 3)

    def read(self, *where: Any) -> Any:
        """The user's events, and a line on them."""
        panel = read_panel(self.hj, *where)
        self.say(report.panel_line(panel))
        return panel

    def fit(self, model: Any, panel: Any, starts: int = 1) -> Any:
        """Maximum likelihood; says how it ended."""
        self.speaker.lap()
        self.say("Maximising the likelihood ...")
        key = self.keys[1] if starts > 1 else None
        estimate = self.hj.fit(model, panel, starts=starts, key=key)
        self.say(f"{estimate.message} ({self.speaker.lap()})")
        self.say(
            f"Log-likelihood {estimate.log_likelihood:,.3f}, AIC {estimate.aic:,.2f}, "
            f"BIC {estimate.bic:,.2f}."
        )
        return estimate

    def sample(self, model: Any, panel: Any, init: Any, **options: Any) -> Any:
        """NUTS, with a progress bar; the result is saved at once."""
        self.speaker.lap()
        self.say("Sampling the posterior with NUTS ...")
        with warnings.catch_warnings():
            if not self.speaker.quiet:  # the report says the same
                warnings.simplefilter("ignore", self.hj.SamplingWarning)
            posterior = self.hj.sample(
                model,
                panel,
                key=self.keys[2],
                init=init,
                progress=not self.speaker.quiet,
                **options,
            )
        sizes = posterior.posterior.sizes
        self.say(f"{sizes['chain']} chains of {sizes['draw']:,} draws ({self.speaker.lap()}).")
        posterior.save(self.out.path(POSTERIOR), force=True)
        return posterior

    def forecast(self, model: Any, values: Any, panel: Any, ahead: float) -> Any:
        """Counts of the time after the windows, said and written."""
        bins = int(ahead) if ahead in range(2, 61) else 20  # days, where the unit is a day
        told = self.hj.forecast(model, values, panel, horizon=ahead, key=self.keys[0], bins=bins)
        self.say(f"{told}\n")
        for name, frame in zip(FORECASTS, (told.summary(), told.by_step()), strict=True):
            frame.to_csv(self.out.path(name))
        return told

    def finish(
        self,
        model: Any,
        values: Any,
        panel: Any,
        truth: Any = None,
        ahead: float | None = None,
    ) -> None:
        """The table, the check of residuals, tables and pictures, and where they are."""
        shown = report.parameters(self.say, values.summary(), truth)
        self.say()
        if hasattr(values, "diagnose"):
            for line in values.diagnose():
                self.say(line)
            self.say()
        tests = self.hj.residual_tests(self.hj.residuals(model, values, panel, join=True))
        for line in report.residual_lines(tests):
            self.say(line)
        told = None if ahead is None else self.forecast(model, values, panel, ahead)
        if self.csv is not None:
            frames = {"parameters.csv": shown, "residuals.csv": tests}
            frames |= {"describe.csv": panel.describe()}
            frames |= report.effects(self.say, self.hj, model, values, panel)
            for name in self.csv.names:
                if name in frames:
                    frames[name].to_csv(self.csv.path(name))
        report.draw(self.out, self.hj, model, values, panel, truth, told)
        self.say()
        for output in (self.out, self.csv):
            if output is not None:
                self.say(f"Written to {output.folder.resolve()}:")
                self.say("  " + ", ".join(path.name for path in output.written))
        if getattr(values, "info", {}).get("stopped"):
            raise KeyboardInterrupt("stopped early; the draws that were finished are kept")


def read_panel(hj, file, time, mark, sequence, window, windows, own_windows, unit, timezone) -> Any:
    """`hj.read_events` with the options as they were typed."""
    given = {"time": time, "mark": mark, "sequence": sequence, "timezone": timezone, "unit": unit}
    if (window is not None) + (windows is not None) + own_windows > 1:
        raise ValueError("Give one of --window, --windows and --own-windows.")
    if own_windows:
        given["window"] = "sequence"
    elif windows is not None:
        given["window"] = _windows(windows, sequence)
    elif window is not None:
        given["window"] = tuple(_number(edge) for edge in window)
    return hj.read_events(file, **{k: v for k, v in given.items() if v is not None})


def _windows(path: Path, sequence: str | None) -> dict[str, tuple[Any, Any]]:
    """The window of each sequence from a table, which also says which sequences there are."""
    if sequence is None:
        raise ValueError("--windows needs --sequence, the column of names in both tables.")
    frame = read_csv(path)
    missing = {sequence, "start", "end"} - set(frame.columns)
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(sorted(missing))}; it needs {sequence}, start, end."
        )
    names = frame[sequence].astype(str)
    if names.duplicated().any():
        raise ValueError(f"{path} has two windows of {names[names.duplicated()].iloc[0]!r}.")
    pairs = zip(frame["start"].tolist(), frame["end"].tolist(), strict=True)
    return dict(zip(names, pairs, strict=True))


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
