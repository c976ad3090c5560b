"""What no activity can be made of is refused in words."""

import warnings

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.katz.data.attention import ActivityWarning
from tests.katz.test_activity import GAP, a_log, build, frame_of
from tests.refusals import refused

OK_ROWS = [(0, 1, 2, "RT"), (60, 2, 1, "RT")]
REFUSED = [
    ({"usual": (200, 300)}, OK_ROWS, "empty"),
    ({"usual": (50, 0)}, OK_ROWS, "ends before it begins"),
    ({"usual": (10, 20)}, OK_ROWS, "empty"),
    ({"usual": {0: 50, 1: 60}}, OK_ROWS, "usual=.*pair"),
    ({"spike": pd.DataFrame([[0, 1], [60, 70]])}, OK_ROWS, "spike=.*pair"),
    ({"spike": (40, 70)}, OK_ROWS, "overlaps the spike"),
    ({"spike": (300, 310)}, OK_ROWS, "The spike is empty"),
    ({"fit": (70, 90)}, OK_ROWS, "The window to fit is empty"),
    ({"spike": "detect", "usual": (0, 90)}, OK_ROWS, "No post in bins"),
    ({"spike": "peak"}, OK_ROWS, "is not known"),
    ({"bin": 0}, OK_ROWS, "bin is 0; .* above 0"),
    ({"bin": 1e-9}, OK_ROWS, "longer bins"),
    ({"edges": "replies"}, OK_ROWS, "is not known"),
    ({"edges": {"MT": "messages"}}, OK_ROWS, "does not name: 'RT'"),
    ({"edges": {"RT": "up"}}, OK_ROWS, "Map a kind"),
    ({"kind": None}, OK_ROWS, "Which way do edges go"),
    ({}, [(0, 1, 2, "like"), (1, 2, 1, "like")], "known as a repost"),
    ({"edges": "attention"}, [(0, 1, 2, "like")], "does not know the kinds 'like'"),
    ({}, [(0, None, 2, "RT")], "missing user in row 0"),
    ({}, [(0, -1, 2, "RT")], "negative user"),
    ({}, [(0, 1.5, 2, "RT")], "not a whole number"),
    ({}, [(np.nan, 1, 2, "RT")], "missing time"),
    ({}, [(0, 1, 2, None)], "missing kind"),
    ({}, [], "no messages"),
    ({"time": "when"}, OK_ROWS, "no column"),
]


@pytest.mark.parametrize(("options", "rows", "message"), REFUSED)
def test_bad_input_is_refused(options, rows, message):
    given = {"time": "time", "kind": "kind", "bin": 5, "usual": (0, 50)} | options
    with pytest.raises(ValueError, match=message), warnings.catch_warnings():
        warnings.simplefilter("ignore", ActivityWarning)
        hj.Activity.from_messages(frame_of(rows), source="source", target="target", **given)


@pytest.mark.parametrize(
    ("network", "b", "names", "message"),
    [
        (np.ones((2, 3)), [1, 1], None, "square"),
        (np.eye(2), [1, 1, 1], None, "shape"),
        (np.eye(2), [1, -1], None, "no count"),
        (np.eye(2), [1, np.nan], None, "no count"),
        (-np.eye(2), [1, 1], None, "negative or not finite"),
        (1j * np.eye(2), [1, 1], None, "weight is of type complex128"),
        (([0], [1], [1j]), [1, 1], None, "weight is of type complex128"),
        (np.eye(2), [1, 1j], None, "b is of type complex128"),
        (np.eye(2), np.ones(2, "m8[D]"), None, "b holds what is no number"),
        (np.eye(2), np.ma.masked_array([1.0, 2], [True, False]), None, "b is masked"),
        (np.eye(2), ["1", "two"], None, "b holds what is no number"),
        (np.eye(2), [1, 1], ["x"], "1 names"),
        (np.eye(2), [1, 1], ["x", "x"], "repeat"),
        (([0, 5], [1, 0]), [1, 1], None, "no entry in b"),
        (([0, 1], [1]), [1, 1], None, "2 listeners"),
        ([[0, 1]], [1, 1], None, "Expected a SciPy"),
        ((["x"], ["y"]), pd.Series([1.0], index=["x"]), None, "no entry in b"),
    ],
)
def test_bad_matrices_are_refused(network, b, names, message):
    with pytest.raises(ValueError, match=message):
        hj.Activity.from_matrix(network, b, names)


def test_gaps_that_cannot_be():
    rows = [row for row in a_log(3) if not 17 < row[0] < 28]
    whole = {"edges": "attention"}
    with refused("'time'|an event inside a gap of the record in row|0 to 3"):
        build(rows, gaps=(0, 3), **whole)
    for spike in ((0, 20), (25, 40)):
        with refused("spike|meets a gap of the record (bins 3 to 6)|watched from end to end"):
            build(rows, gaps=GAP, usual=(50, 100), spike=spike, **whole)
    with refused("outside"):
        build(rows, gaps=(200, 300), **whole)
    with refused("only one record"):
        build(rows, gaps={"a": GAP}, **whole)
    fitted = build(rows, gaps=GAP, usual=(50, 100), fit=(10, 50), **whole)
    with refused("fit's window (bins 2 to 10) meets a gap|fit="):
        hj.fit(hj.KatzSpike(), fitted)
    later = build(rows, gaps=GAP, usual=(0, 50), fit=(50, 100), **whole)
    assert later.gaps == ((3, 6),) and hj.KatzSpike().prepare(later) is not None
