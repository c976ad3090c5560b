"""The options for the events of a Hawkes model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli import options as o
from hawkesjax.cli.dialect import FileOptions
from hawkesjax.cli.groups import argument, group, option
from hawkesjax.cli.output import read_side


@group(o.DATA)
class Events(FileOptions):
    """The file of events and its columns."""

    file: Path = argument(f"{o.FILE}, one row per event.")
    time: str = option("time", o.TIME)
    mark: str | None = option(None, "Column of the events' kinds; one kind by default.")
    mark_name: list[str] | None = option(
        None,
        "Kinds in their order, including those without events; repeat the option. Needed if one is "
        "a negative number.",
    )
    sequence: str | None = option(
        None, "Column that identifies sequences (users, gangs, cascades); one by default."
    )
    magnitude: str | None = option(
        None, "Column of the events' sizes, by which their effects grow (--scale)."
    )
    window: tuple[str, str] | None = option(None, o.WINDOW)
    windows: Path | None = option(
        None,
        "CSV of each sequence's window, for those that enter late or leave early: its name in the "
        "column of --sequence, start, end; several rows with one name are its windows. Include "
        "sequences without events.",
    )
    gaps: Path | None = option(None, o.GAPS)
    exposure: Path | None = option(None, o.EXPOSURE)
    resolution: Any = option(
        None,
        "The step to which times are known: second, minute, hour, day, week, or a number in the "
        "unit; each time then stands for any until the next.",
        "STEP",
        parser=o.number_or_text,
    )
    keep_history: bool = option(
        False, "Events before the window excite those within it, and are not counted."
    )
    outside: Literal["error", "drop"] = option(
        "error", "Events outside all windows: refused, or left out and counted."
    )
    until: str | None = option(None, o.UNTIL, "MOMENT")
    own_windows: bool = option(False, "Each sequence from its own first to its own last event.")
    unit: str | None = option(None, o.UNIT)
    timezone: str | None = option(None, o.TIMEZONE, "ZONE")

    def read(self, hj: Any) -> Any:
        """The panel of events."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.mark_name:
            given["mark_names"] = given.pop("mark_name")
        file, own, table = given.pop("file"), given.pop("own_windows"), given.pop("windows", None)
        if ("window" in given) + (table is not None) + own > 1:
            raise ValueError("Give one of --window, --windows and --own-windows.")
        if self.gaps is not None:
            given["gaps"] = o.gaps(self.gaps, self.sequence, self.dialect())
        if self.exposure is not None:
            given["exposure"] = o.exposure(self.exposure, self.sequence, self.dialect())
        if own:
            given["window"] = "sequence"
        elif table is not None:
            given["window"] = _windows(table, self.sequence, self.dialect())
        elif self.window is not None:
            given["window"] = tuple(o.number_or_text(edge) for edge in self.window)
        until = given.pop("until", None)
        panel = hj.read_events(file, **given)
        return panel if until is None else self._before(panel, o.number_or_text(until))

    def _before(self, panel: Any, until: float | str) -> Any:
        """The panel up to a moment; later events count as left out."""
        part = panel.between(float(panel.start.min()), until, keep_history=self.keep_history)
        gone = panel.num_events - part.num_events - (len(part.history) - len(panel.history))
        return dataclasses.replace(part, left_out=panel.left_out + gone)


def _windows(path: Path, sequence: str | None, dialect: Any) -> dict[str, list[tuple[Any, Any]]]:
    """The windows of each sequence from a table, which also declares the sequences; names are read
    as those of the events."""
    if sequence is None:
        raise ValueError("--windows needs --sequence, the column of names in both tables.")
    columns, needed = (sequence, "start", "end"), f"{sequence}, start, end"
    frame = read_side(path, columns, needed, dialect, labels=(sequence,))
    names = frame[sequence].astype(str)
    found: dict[str, list[tuple[Any, Any]]] = {}
    for name, pair in zip(names, zip(frame["start"], frame["end"], strict=True), strict=True):
        found.setdefault(name, []).append(pair)
    return found


def groups_of(path: Path, sequence: str | None, dialect: Any) -> Any:
    """Features of sequences, by name."""
    if sequence is None:
        raise ValueError("--groups needs --sequence, the column of names in both tables.")
    needed = f"{sequence}, and columns of features"
    frame = read_side(path, (sequence,), needed, dialect, labels=(sequence,))
    return frame.set_index(frame[sequence].astype(str)).drop(columns=sequence)
