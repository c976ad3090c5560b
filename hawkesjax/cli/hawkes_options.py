"""Options of the Hawkes model: the events, and the model that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import typer

from hawkesjax.cli import options as o
from hawkesjax.cli.covariates import Covariates
from hawkesjax.cli.groups import argument, group, option
from hawkesjax.cli.output import read_csv

KERNELS = "exponential, exponentials:2 (or more terms), power-law"


@group(o.DATA)
class Events:
    """The file of events and its columns."""

    file: Path = argument("CSV or Parquet file, an event a row.")
    time: str = option("time", o.TIME, metavar="NAME")
    mark: str | None = option(
        None, "Column of the events' kinds; one kind when left out.", metavar="NAME"
    )
    sequence: str | None = option(
        None,
        "Column that tells sequences apart (users, gangs, cascades); one when left out.",
        metavar="NAME",
    )
    window: tuple[str, str] | None = option(
        None,
        "Start and end of observation, numbers or dates; the first and last event when left out.",
        metavar="A B",
    )
    windows: Path | None = option(
        None,
        "CSV of each sequence's window, for those who enter late or leave early: its name in the "
        "column of --sequence, start, end. Names those without events, too.",
        metavar="FILE",
    )
    own_windows: bool = option(
        False, "Each sequence from its own first to its own last event.", "--own-windows"
    )
    unit: str | None = option(None, o.UNIT, metavar="NAME")
    timezone: str | None = option(None, o.TIMEZONE, metavar="ZONE")

    def read(self, hj: Any) -> Any:
        """The panel of events."""
        names = ("time", "mark", "sequence", "timezone", "unit")
        given = {name: getattr(self, name) for name in names}
        if (self.window is not None) + (self.windows is not None) + self.own_windows > 1:
            raise ValueError("Give one of --window, --windows and --own-windows.")
        if self.own_windows:
            given["window"] = "sequence"
        elif self.windows is not None:
            given["window"] = _windows(self.windows, self.sequence)
        elif self.window is not None:
            given["window"] = tuple(o.number_or_text(edge) for edge in self.window)
        return hj.read_events(self.file, **{k: v for k, v in given.items() if v is not None})


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


def _kernel(text: str) -> tuple[str, int]:
    """A kernel's name and its number of terms."""
    name, _, size = text.partition(":")
    if name == "exponentials" and (not size or size.isdecimal()):
        return name, int(size or 2)
    if size or ":" in text or name not in ("exponential", "power-law"):
        raise typer.BadParameter(f"{text!r} is no kernel; there are {KERNELS}.")
    return name, 1


@group(o.MODEL)
class HawkesModel:
    """The model, how it is fitted, and how far it forecasts."""

    decay: Literal["pair", "source", "shared"] = option(
        "pair", "Decay rates learned by pair, by source, or one."
    )
    gamma: float | None = option(
        None,
        "A known decay rate of all pairs, 1 / unit of time, instead of learned ones.",
        metavar="RATE",
    )
    baseline: Literal["sequence", "shared", "hierarchical"] = option(
        "sequence", "Baselines by sequence and kind, shared, or hierarchical."
    )
    kernel: Any = option(
        "exponential", f"Memory of the effects: {KERNELS}.", metavar="NAME", parser=_kernel
    )
    priors: Literal["default", "o2o"] = option("default", "Priors by name.")
    stationary: bool = option(False, "Restrict alpha to spectral radius below one.", "--stationary")
    starts: int = option(1, "Starting points of the search.", metavar="N", min=1)
    ahead: float | None = option(
        None,
        "Also forecast the counts of this long after the windows, in the unit of time: "
        "forecast.csv, forecast_steps.csv.",
        metavar="LENGTH",
    )

    def build(self, hj: Any, known: Any) -> Any:
        """The model, with `known` covariates or None."""
        given: dict[str, Any] = {"baseline": self.baseline}
        if known is not None:
            # A level that all share is the covariates' own intercept.
            shared = self.baseline == "shared"
            given = {"baseline": known} if shared else given | {"covariates": known}
        name, terms = self.kernel
        kernels = {
            "exponential": lambda: "exponential",
            "exponentials": lambda: hj.SumOfExponentials(terms),
            "power-law": hj.PowerLaw,
        }
        return hj.Hawkes(
            decay=self.decay,
            gamma=self.gamma,
            kernel=kernels[name](),
            priors=self.priors,
            stationary=self.stationary,
            **given,
        )

    def covariates(self, hj: Any, panel: Any, typed: Covariates, timezone: str | None) -> Any:
        """What was typed, as far ahead as the forecast; None where nothing was."""
        if self.ahead is not None and not (np.isfinite(self.ahead) and self.ahead > 0):
            raise ValueError(f"--ahead is {self.ahead:g}; it must be positive.")
        start, end = panel.window[:, 0].min(), panel.window[:, 1].max()
        return typed.read(hj, panel, (float(start), float(end) + (self.ahead or 0.0)), timezone)
