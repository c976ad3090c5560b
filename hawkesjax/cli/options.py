"""Options that several commands share."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer


class Decay(enum.StrEnum):
    pair = "pair"
    source = "source"
    shared = "shared"


class Baseline(enum.StrEnum):
    sequence = "sequence"
    shared = "shared"
    hierarchical = "hierarchical"


class Priors(enum.StrEnum):
    default = "default"
    o2o = "o2o"


class Format(enum.StrEnum):
    png = "png"
    pdf = "pdf"
    svg = "svg"


class Device(enum.StrEnum):
    cpu = "cpu"
    gpu = "gpu"


def option(help_: str, *names: str, panel: str | None = None, **kwargs):
    return typer.Option(*names, help=help_, rich_help_panel=panel, **kwargs)


DATA, MODEL, SAMPLING, RUN = "The events", "The model", "Sampling", "The run"

# The run
Out = Annotated[
    Path | None,
    option("Output folder; by default a new one where you are.", "--out", metavar="DIR", panel=RUN),
]
Csv = Annotated[
    Path | None,
    option("Also write the tables as CSV into this folder.", "--csv", metavar="DIR", panel=RUN),
]
Force = Annotated[bool, option("Overwrite files of an earlier run.", "--force", panel=RUN)]
X64 = Annotated[bool, option("Precision of the arithmetic.", "--x64/--x32", panel=RUN)]
OnDevice = Annotated[
    Device | None, option("Where to compute; jax's choice by default.", "--device", panel=RUN)
]
Quiet = Annotated[bool, option("Errors and warnings only.", "--quiet", "-q", panel=RUN)]
Pictures = Annotated[bool, option("Draw pictures.", "--pictures/--no-pictures", panel=RUN)]
FormatOf = Annotated[Format, option("File format of the pictures.", "--format", panel=RUN)]
Seed = Annotated[int, option("Seed of everything random.", metavar="N", min=0, panel=RUN)]

# The events
File = Annotated[
    Path, typer.Argument(help="CSV or Parquet file, an event a row.", show_default=False)
]
Time = Annotated[
    str, option("Column of times: numbers, or dates and times.", metavar="NAME", panel=DATA)
]
Mark = Annotated[
    str | None,
    option("Column of the events' kinds; one kind when left out.", metavar="NAME", panel=DATA),
]
Sequence = Annotated[
    str | None,
    option(
        "Column that tells sequences apart (users, gangs, cascades); one when left out.",
        metavar="NAME",
        panel=DATA,
    ),
]
Window = Annotated[
    tuple[str, str] | None,
    option(
        "Start and end of observation, numbers or dates; the first and last event when left out.",
        metavar="A B",
        panel=DATA,
    ),
]
Windows = Annotated[
    Path | None,
    option(
        "CSV of each sequence's window, for those who enter late or leave early: its name in the "
        "column of --sequence, start, end. Names those without events, too.",
        "--windows",
        metavar="FILE",
        panel=DATA,
    ),
]
OwnWindows = Annotated[
    bool,
    option("Each sequence from its own first to its own last event.", "--own-windows", panel=DATA),
]
Unit = Annotated[
    str | None,
    option(
        "Time unit: second, minute, hour, day, week; or the name of a number's unit.",
        metavar="NAME",
        panel=DATA,
    ),
]
Timezone = Annotated[
    str | None,
    option("Time zone of dates without one, such as Europe/London.", metavar="ZONE", panel=DATA),
]

# The model
DecayBy = Annotated[Decay, option("Decay rates learned by pair, by source, or one.", panel=MODEL)]
Gamma = Annotated[
    float | None,
    option(
        "A known decay rate of all pairs, 1 / unit of time, instead of learned ones.",
        "--gamma",
        metavar="RATE",
        panel=MODEL,
    ),
]
BaselineBy = Annotated[
    Baseline, option("Baselines by sequence and kind, shared, or hierarchical.", panel=MODEL)
]
PriorNames = Annotated[Priors, option("Priors by name.", panel=MODEL)]
Stationary = Annotated[
    bool, option("Restrict alpha to spectral radius below one.", "--stationary", panel=MODEL)
]
Starts = Annotated[int, option("Starting points of the search.", metavar="N", min=1, panel=MODEL)]

# Sampling
Chains = Annotated[int, option("Markov chains.", metavar="N", min=1, panel=SAMPLING)]
Warmup = Annotated[int, option("Warm-up draws a chain.", metavar="N", min=1, panel=SAMPLING)]
Draws = Annotated[int, option("Draws kept a chain.", metavar="N", min=1, panel=SAMPLING)]
Checkpoint = Annotated[
    Path | None,
    option(
        "Folder that keeps the run's state; the same command resumes it.",
        metavar="DIR",
        panel=SAMPLING,
    ),
]
TargetAccept = Annotated[
    float,
    option(
        "Mean acceptance to adapt to; raise it against divergences.",
        metavar="P",
        min=0.5,
        max=0.999,
        panel=SAMPLING,
    ),
]
