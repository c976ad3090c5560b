"""The event stream: what every form of the decayed counts is built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Stream:
    """A stream of marked events, sequence after sequence, each in the order of time.

    Gaps are differences taken in float64 on the host, so that no absolute time (epoch seconds in
    float32 are 128 s apart) ever reaches a device.

    Args:
        gaps: time since the previous event of the same sequence, whatever its mark, in the
            data's unit; 0 for a tie; for the first event of a sequence any finite number.
        remaining: time from the event to the end of its sequence's window.
        marks: mark of each event, 0 .. num_marks - 1.
        sequence: sequence of each event, 0 .. num_sequences - 1, ascending.
        first: whether the event is the first of its sequence.
        num_marks: number of marks D.
        num_sequences: number of sequences M, those without events included.
        jumps: (N, D) what each event adds to the decayed counts of its mark, by target; 1 by
            default.
        paced: factors of the decay rates, (U, D, D), and the row of each event, (N,), where
            sequences differ; None by default.
    """

    gaps: np.ndarray
    remaining: np.ndarray
    marks: np.ndarray
    sequence: np.ndarray
    first: np.ndarray
    num_marks: int = field(metadata={"static": True})
    num_sequences: int = field(metadata={"static": True})
    jumps: Any = None
    paced: Any = None

    @classmethod
    def from_arrays(
        cls,
        gaps: np.ndarray,
        remaining: np.ndarray,
        marks: np.ndarray,
        sequence: np.ndarray,
        *,
        num_marks: int,
        num_sequences: int,
    ) -> Stream:
        """Build a stream; `first` follows from `sequence`."""
        sequence = np.asarray(sequence, np.int32)
        first = np.ones(sequence.shape, bool)
        first[1:] = sequence[1:] != sequence[:-1]
        return cls(
            gaps=np.asarray(gaps, np.float64),
            remaining=np.asarray(remaining, np.float64),
            marks=np.asarray(marks, np.int32),
            sequence=sequence,
            first=first,
            num_marks=int(num_marks),
            num_sequences=int(num_sequences),
        )

    @property
    def num_events(self) -> int:
        return self.marks.shape[0]
