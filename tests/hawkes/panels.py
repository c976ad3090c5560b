"""Small panels of every shape, and what makes two panels equal."""

import numpy as np

from hawkesjax.hawkes.data.panel import EventPanel

LEAVES = ("times", "waits", "remaining", "marks", "sequence", "start", "duration")
TYPES = ["f8", "f8", "f8", "i4", "i4", "f8", "f8"]
NAMES = ("mark_names", "sequence_names", "unit", "origin")
CASES = {  # events of each sequence, marks, grid of times (ties) or None
    "one sequence": ([40], 2, None),
    "ties": ([30, 25, 1], 3, 1.0),
    "empty and single": ([0, 12, 1, 0, 7], 3, None),
    "one event": ([1], 1, None),
    "no events": ([0, 0], 2, None),
}
END = 10.0


def raw(case, seed=0):
    """Times, marks and sequences in no order, and a window a sequence."""
    sizes, marks, grid = CASES[case]
    rng = np.random.default_rng(seed)
    sequence = np.repeat(np.arange(len(sizes)), sizes)
    times = rng.uniform(0, END, len(sequence))
    times = np.round(times / grid) * grid if grid else times
    order = rng.permutation(len(times))
    windows = np.stack([-np.arange(len(sizes)) / 4, END + np.arange(len(sizes)) / 2], 1)
    return times[order], rng.integers(0, marks, len(times)), sequence[order], windows


def panel_of(case, **options):
    times, marks, sequence, windows = raw(case)
    sizes, kinds, _ = CASES[case]
    names = {
        "mark_names": [f"k{i}" for i in range(kinds)],
        "sequence_names": [f"s{i}" for i in range(len(sizes))],
    }
    options = {"window": windows} | names | options
    return EventPanel.from_arrays(times, marks, sequence=sequence, **options)


def assert_equal(one, two, exact=True):
    for name in NAMES:
        assert getattr(one, name) == getattr(two, name), name
    for name in LEAVES:
        a, b = getattr(one, name), getattr(two, name)
        assert a.dtype == b.dtype, name
        compare = np.testing.assert_array_equal if exact else np.testing.assert_allclose
        compare(a, b, err_msg=name, **({} if exact else {"rtol": 0, "atol": 1e-12}))
