"""Stretches of time in which features are not known: what stands in for them."""

from __future__ import annotations

from typing import Literal

import numpy as np

Holes = Literal["error", "hold", "indicate"]
UNKNOWN = "unknown"


def without_holes(
    begin: np.ndarray, stop: np.ndarray, missing: np.ndarray, values: np.ndarray, holes: Holes
) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of cells without holes between them.

    Args:
        begin, stop: of each row, ascending, in steps of a clock.
        missing: rows whose features are not known.
        values: (rows, features); of missing rows anything.
        holes: `"hold"`: the values of the row before; `"indicate"`: the features' means over the
            time that is known, and 1 in a further, last feature, which is 0 elsewhere.

    Raises:
        ValueError: where nothing is known, or nothing before the first hole that could hold.
    """
    gap = np.flatnonzero(begin[1:] > stop[:-1])
    place = np.argsort(np.concatenate([np.arange(len(begin)), gap + 0.5]), kind="stable")
    start = np.concatenate([begin, stop[gap]])[place]
    end = np.concatenate([stop, begin[gap + 1]])[place]
    lost = np.concatenate([missing, np.ones(len(gap), bool)])[place]
    rows = np.concatenate([np.arange(len(begin)), gap])[place]
    if lost.all():
        raise ValueError("The table has no row in which all features are known.")
    if holes == "hold":
        known = np.maximum.accumulate(np.where(lost, -1, np.arange(len(rows))))
        if known[0] < 0:
            raise ValueError(
                "The features of the first row in time are missing, and nothing before them could "
                "hold on. Fill them in, or leave that time out."
            )
        values = values[rows[known]]
    else:
        lengths = np.asarray(end - start, np.float64)[~lost]
        mean = lengths @ values[rows[~lost]] / lengths.sum()
        values = np.where(lost[:, None], mean, values[rows])
        values = np.concatenate([values, lost[:, None].astype(np.float64)], axis=1)
    return np.append(start, end[-1]), values


def one_step_each(begin: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Ends of rows that hold until the next, but not over a hole: those that would last for nearly
    two of the usual steps, or more, end after one. The last row's end is as it was given."""
    lengths = stop - begin
    if len(lengths) < 2:
        return stop
    step = np.asarray(np.median(lengths[:-1])).astype(begin.dtype)
    ends = np.where(lengths > 1.9 * step, begin + step, stop)
    return np.append(ends[:-1], stop[-1])
