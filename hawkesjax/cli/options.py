"""Options that commands of several models share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli.config import read_config
from hawkesjax.cli.groups import group, option
from hawkesjax.cli.output import read_side

DATA, MODEL, SAMPLING, RUN = "The events", "The model", "Sampling", "The run"
# The same wording for every kind of file.
TIME = "Column of times: numbers, or dates and times."
UNIT = "Time unit: second, minute, hour, day, week; or the name of a number's unit."
TIMEZONE = "Time zone of dates without one, such as Europe/London."
FILE = (
    "File (.csv, .tsv, .txt, .jsonl, .parquet, .xlsx; compressed as .gz, .bz2, .xz, .zst, .zip; "
    "- for standard input)"
)
WINDOW = "Start and end of observation, numbers or dates; the first and last event by default."

UNTIL = "Use only what came before this moment; the rest is counted as left out."
ONE_RECORD = "CSV of the gaps of the record, in which nothing could be observed: start, end"
GAPS = f"{ONE_RECORD}, and the column of sequences if they differ."
EXPOSURE = (
    "CSV of a known factor on the baseline over time (share of the time that a collector ran, "
    "population at risk): start, end, factor, and the column of sequences if they differ."
)
GAPS_OF_ONE = f"{ONE_RECORD}."


def gaps(path: Path, sequence: str | None, dialect: Any) -> Any:
    """The gaps of a record from a table: pairs for all sequences, or by sequence."""
    return _side(path, ("start", "end"), sequence, dialect, "gap")


def exposure(path: Path, sequence: str | None, dialect: Any) -> Any:
    """A known exposure from a table: for all sequences, or by sequence."""
    return _side(path, ("start", "end", "factor"), sequence, dialect, "row")


def _side(
    path: Path, columns: tuple[str, ...], sequence: str | None, dialect: Any, what: str
) -> Any:
    """A table of stretches, with its column of sequences (if any) named "sequence"."""
    labels = () if sequence is None else (sequence,)
    frame = read_side(path, columns, ", ".join(columns), dialect, labels=labels)
    if sequence is None or sequence not in frame.columns:
        return frame[list(columns)]
    if frame[sequence].isna().any():
        line = int(frame[sequence].isna().to_numpy().argmax()) + 2
        raise ValueError(f"{path} names no {sequence} in line {line}; give every {what} its own.")
    return frame[[*columns, sequence]].rename(columns={sequence: "sequence"})


@group(RUN)
class Run:
    """Where results go, and how they are computed."""

    seed: int = option(0, "Seed of everything random.", min=0)
    out: Path | None = option(None, "Output folder; by default a new one here.", "DIR")
    csv: Path | None = option(None, "Also write the tables as CSV into this folder.", "DIR")
    pictures: bool = option(True, "Draw pictures.")
    format: Literal["png", "pdf", "svg"] = option("png", "File format of the pictures.")
    force: bool = option(False, "Overwrite files of an earlier run.")
    x64: bool = option(True, "Precision of the arithmetic.", names=["--x64/--x32"])
    device: Literal["cpu", "gpu"] | None = option(
        None, "Where to compute; jax's choice by default."
    )
    cores: int | None = option(
        None,
        "CPU cores that share the work; by default one, for sampling one per chain.",
        min=1,
    )
    cache: bool = option(True, "Keep compiled programs in the user's cache folder for later runs.")
    quiet: bool = option(False, "Errors and warnings only.", names=["-q"])
    json: bool = option(False, "Print the results as JSON, and nothing else, to standard output.")
    config: Path | None = option(
        None,
        "TOML file of options by name (chains = 4, window = [0, 365]); what the command line says "
        "comes first.",
        is_eager=True,
        callback=read_config,
    )


@group(SAMPLING)
class Sampling:
    """Settings of the sampler."""

    chains: int = option(4, "Markov chains.", min=1)
    warmup: int = option(500, "Warm-up draws per chain.", min=1)
    draws: int = option(1000, "Draws kept per chain.", min=1)
    target_accept: float = option(
        0.8, "Mean acceptance to adapt to; raise it against divergences.", "P", min=0.5, max=0.999
    )
    checkpoint: Path | None = option(
        None, "Folder that keeps the run's state; the same command resumes it.", "DIR"
    )

    def settings(self) -> dict[str, Any]:
        """The arguments of `hawkesjax.sample`."""
        return {
            "num_chains": self.chains,
            "num_warmup": self.warmup,
            "num_samples": self.draws,
            "target_accept": self.target_accept,
            "checkpoint": self.checkpoint,
        }


def number_or_text(text: str) -> float | str:
    """An option's value, as a number if it is one."""
    try:
        return float(text)
    except ValueError:
        return text
